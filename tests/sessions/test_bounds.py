"""The sessions, computers and events of an account are bounded, and lists are paginated."""

import asyncio
import hashlib
import re
from collections.abc import Callable

import pytest

from tests.audit.test_events import names
from tests.support.authenticator import Authenticator
from tests.support.clients import PASSWORD, Api
from tests.support.service import Service
from tests.support.users import HOUR, User, new_user, pass_time, protected
from twofold.accounts import caps
from twofold.base.database import Transaction, open_database

SESSIONS, COMPUTERS = caps.SESSIONS.maximum, caps.COMPUTERS.maximum
ENROLMENTS, FACTORS = caps.PENDING_ENROLMENTS.maximum, caps.FACTORS_OF_A_KIND.maximum
FILLED = 3000
SESSION = """
    INSERT INTO session (token_hash, id, account_id, name, source, methods, signed_in_at, last_used_at, expires_at,
                         unlocked_until)
    SELECT :hash, :id, id, 'Firefox', '127.0.0.1', 'password', :now, :now, :now + 86400, 0 FROM account
    WHERE email = :email
"""
COMPUTER = """
    INSERT INTO computer (token_hash, id, account_id, stamp, name, source, created_at, last_used_at, expires_at)
    SELECT :hash, :id, id, stamp, 'Firefox', '127.0.0.1', :now, :now, :now + 86400 FROM account WHERE email = :email
"""


def fill(service: Service, statement: str, email: str, count: int) -> None:
    """Insert more rows than the bounds allow, as earlier versions could."""

    async def work(tx: Transaction) -> None:
        for number in range(count):
            name = hashlib.sha256(f"{email} {number}".encode())
            values: dict[str, str | bytes] = {"hash": name.digest(), "id": name.hexdigest()[:26], "email": email}
            await tx.run(statement, now=int(service.clock()), **values)

    async def write() -> None:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            await db.write(work)
        finally:
            await db.close()

    asyncio.run(write())


def paged(api: Api, path: str, limit: int) -> list[str]:
    """Return all ids of a list, read page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = api.call("GET", f"{path}?limit={limit}{cursor}").expect(200)
        assert len(page["items"]) <= limit
        found += [each["id"] for each in page["items"]]
        if page["next"] is None:
            return found
        cursor = f"&before={page['next']}"


def test_oldest_session_ends_beyond_fifty(service: Service) -> None:
    """The newest fifty remain valid, and no sign-in is refused."""
    person = User(service)
    person.api.sign_up(person.email, PASSWORD).expect(201)
    clients = [Api(service.url) for _ in range(SESSIONS + 2)]
    for client in clients:
        client.sign_in(person.email).expect(200)
    assert len(paged(clients[-1], "/sessions", 100)) == SESSIONS
    assert [client.session().status for client in clients] == [401, 401, *[200] * SESSIONS]


def test_oldest_trusted_computer_is_forgotten_beyond_twenty(moving: Service) -> None:
    """It needs a code again, and the others do not."""
    person = protected(moving, "once_per_computer")
    clients = [person.another_browser() for _ in range(COMPUTERS + 1)]
    for client in clients:
        person.sign_in(client, trust_this_computer=True)
        pass_time(moving, 1)
    assert len(paged(clients[-1], "/trusted-computers", 100)) == COMPUTERS
    assert clients[0].sign_in(person.email)["status"] == "code_required"
    assert clients[1].sign_in(person.email)["status"] == "signed_in"


def test_oldest_enrolment_is_cancelled_beyond_five(moving: Service) -> None:
    """The newest five can be completed, even if all were started in the same second."""
    person = new_user(moving)
    begun = [person.api.begin_totp().expect(201) for _ in range(ENROLMENTS + 1)]
    person.api.verify(begun[0]["id"], "000000").refused(404, "not_found")
    for each in begun[1:]:
        person.api.verify(each["id"], "000000").refused(401, "wrong_code")


def test_eleventh_factor_of_a_kind_is_refused(moving: Service) -> None:
    """An eleventh app is refused, but a phone or the replacement of an app is not."""
    person = protected(moving)
    for number in range(2, FACTORS + 1):
        begun = person.api.begin_totp(name=f"App {number}").expect(201)
        code = Authenticator(begun["secret"], moving.clock).code()
        person.api.verify(begun["id"], code).expect(200)
    person.api.begin_totp().refused(409, "conflict")
    person.api.begin_totp(replaces=person.factor_id or "").expect(201)
    person.api.begin_phone("sms", "+15550100777").expect(201)
    page = person.pages().get("/settings").expect(200)
    assert "You have reached the limit for authenticator apps." in page.words
    assert "kind=sms" in page.html


@pytest.mark.parametrize("path, statement", [("/sessions", SESSION), ("/trusted-computers", COMPUTER)])
def test_lists_are_paginated(moving: Service, path: str, statement: str) -> None:
    """Each item appears once, in pages of `limit` or 50 items; an invalid limit or cursor is named in the error."""
    person = protected(moving, "once_per_computer")
    fill(moving, statement, person.email, 130)
    whole = paged(person.api, path, 100)
    assert len(whole) == len(set(whole)) == 130 + (path == "/sessions")
    for limit in (7, 50):
        assert sorted(paged(person.api, path, limit)) == sorted(whole)
    assert len(person.api.call("GET", path).expect(200)["items"]) == 50
    for query in ("limit=0", "limit=101", "limit=x", "before=x"):
        refused = person.api.call("GET", f"{path}?{query}").refused(422, "invalid_request")
        assert [error["field"] for error in refused["errors"]] == [query.partition("=")[0]]


def test_settings_page_stays_bounded_with_thousands_of_rows(moving: Service) -> None:
    """The page shows no more than the bounds allow, and says that there is more."""
    person = protected(moving, "once_per_computer")
    fill(moving, SESSION, person.email, 60)
    fill(moving, COMPUTER, person.email, 60)
    some = person.pages().get("/settings").expect(200)
    other = protected(moving, "once_per_computer")
    fill(moving, SESSION, other.email, FILLED)
    fill(moving, COMPUTER, other.email, FILLED)
    many = other.pages().get("/settings").expect(200)
    assert abs(len(many.html) - len(some.html)) < 1000
    assert len(re.findall(r'<tr role="row">', many.html)) <= SESSIONS + COMPUTERS + 8
    assert "“End all other sessions” ends the rest as well." in many.words
    assert "To remove the others, forget all computers." in many.words
    pages = other.pages()
    pages.submit("/settings", "/settings/sessions/end-others").goes_to("/settings")
    assert "To end the others" not in pages.get("/settings").words


# ------------------------------------------------------------------ events

DEEDS: dict[str, Callable[[User], object]] = {
    "settings:locked": lambda person: person.pages().post("/settings/lock").goes_to("/settings"),
    "session:others_ended": lambda person: person.api.end_other_sessions().expect(204),
    "computer:all_forgotten": lambda person: person.api.call("DELETE", "/trusted-computers").expect(204),
    "factor:renamed": lambda person: person.api.call("PATCH", f"/factors/{person.factor_id}", {"name": "App"}).expect(
        200
    ),
    "recovery_code:saved": lambda person: person.pages().post("/settings/recovery-code/saved", {"saved": "yes"}),
}


@pytest.mark.parametrize("name", DEEDS)
def test_action_that_changes_nothing_is_not_recorded(moving: Service, name: str) -> None:
    """Repeating it does not fill the table."""
    person = protected(moving)
    DEEDS[name](person)
    before = len(names(person))
    for _ in range(5):
        DEEDS[name](person)
    assert len(names(person)) == before


FREE: dict[str, Callable[[User, int], object]] = {
    "factor:started": lambda person, _: person.api.begin_totp().expect(201),
    "factor:renamed": lambda person, turn: person.api.call(
        "PATCH", f"/factors/{person.factor_id}", {"name": f"App {turn}"}
    ).expect(200),
    "recovery_code:renewed": lambda person, _: person.api.renew_recovery_code().expect(201),
    "two_factor:policy_changed": lambda person, turn: person.api.set_policy(
        ("once_per_computer", "every_log_in")[turn % 2]
    ).expect(200),
}


@pytest.mark.parametrize("name", FREE)
def test_free_actions_are_recorded_sixty_times_an_hour(moving: Service, name: str) -> None:
    """Of each kind, sixty an hour from one address are recorded, and none is refused."""
    person = protected(moving)
    before = names(person).count(f"{name} done")
    for turn in range(65 - before):
        FREE[name](person, turn)
    assert names(person).count(f"{name} done") == 60
    pass_time(moving, HOUR + 1)
    person.sign_in()
    FREE[name](person, 1)
    FREE[name](person, 2)
    assert names(person).count(f"{name} done") > 60


def test_sign_ins_are_recorded_sixty_times_an_hour_and_never_refused(moving: Service) -> None:
    """The limit on events counts per account and IP address."""
    person = new_user(moving)
    for _ in range(65):
        person.api.sign_in(person.email).expect(200)
    assert names(person).count("sign_in:completed done") == 60


def test_flood_from_one_address_hides_no_events_of_another(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Actions from another address are still recorded."""
    settings = {"trusted_proxies": "127.0.0.0/8"}
    with Service(tmp_path_factory.mktemp("proxied"), settings=settings) as service:
        person = User(service)
        person.api.sign_up(person.email, PASSWORD).expect(201)
        for address in (*["203.0.113.1"] * 62, "203.0.113.2"):
            client = Api(service.url, headers={"X-Forwarded-For": address})
            client.sign_in(person.email).expect(200)
        found = client.events(limit="100").expect(200)["items"]
        addresses = [each["address"] for each in found if each["name"] == "sign_in:completed"]
        assert (addresses.count("203.0.113.1"), addresses.count("203.0.113.2")) == (60, 1)
