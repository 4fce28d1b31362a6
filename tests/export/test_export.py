"""Downloading one's own data: everything that is stored about a user, and no secret; bounded, however much it is."""

import asyncio
import json
from base64 import b32decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.attacks.test_event_loop import MOST, Loop
from tests.support.clients import PASSWORD, Api
from tests.support.forms import FormBrowser
from tests.support.in_process import in_process
from tests.support.mailbox import link_in, wait_for_mail
from tests.support.phones import Phone
from tests.support.rows import run_sql
from tests.support.service import Service
from tests.support.users import HOUR, new_user, pass_time, protected
from twofold.audit import store as events
from twofold.base.actors import ActorKind
from twofold.base.database import Transaction
from twofold.base.feature import Export, Features
from twofold.base.ids import first_id
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.export import actions
from twofold.features import FEATURES
from twofold.sessions import actions as sessions

SECTIONS = {
    "account",
    "former_addresses",
    "known_browsers",
    "two_factor",
    "factors",
    "sessions",
    "trusted_computers",
    "events",
}
TABLES = "link browser session factor recovery_code computer sign_in live_code completed_step"  # with secrets
MANY = 10_000  # events
LARGEST_PART = 100_000  # bytes


def exported(api: Api) -> dict[str, Any]:
    """Return the sections of an export."""
    answer = api.call("GET", "/account/export").expect(200)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="twofold-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer["service"] == api.url
    return dict(answer["data"])


class Settled:
    """A user with one item of each kind, and every secret that was shown or typed on the way."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.person = protected(service, "once_per_computer")
        person = self.person
        self.secrets = {"password": PASSWORD, "seed": person.authenticator.secret if person.authenticator else ""}
        self.phone = Phone(service.url)
        begun = person.api.begin_phone("sms", self.phone.number, name="My phone").expect(201)
        verified = person.api.verify(begun["id"], self.phone.code()).expect(200)
        self.secrets["recovery code"] = verified["recovery_code"]
        person.api.send_unlock_code(begun["id"]).expect(202)
        self.computer = person.another_browser()
        person.sign_in(self.computer, trust_this_computer=True)
        browser = FormBrowser(service.url)
        browser.sign_in(person.email, PASSWORD, person.code()).goes_to("/settings")
        self.secrets |= {f"cookie {name}": value for name, value in browser.cookies.items()}
        self.secrets["computer"] = self.computer.computer_token or ""
        self.secrets["session"] = self.computer.token or ""
        half_open = person.half_open()
        self.secrets["sign-in"] = half_open.sign_in_token or ""
        self.secrets["pending seed"] = person.api.begin_totp(name="Unfinished").expect(201)["secret"]
        person.api.call("POST", "/password-reset", {"email": person.email}).expect(202)
        mail = wait_for_mail(service, person.email, "Choose a new password")
        self.secrets["link"] = link_in(mail, "/reset-password/").rpartition("/")[2]
        self.secrets["own session"] = person.api.token or ""

    def stored(self) -> Iterator[tuple[str, str | bytes]]:
        """Yield every binary value and every hash that is stored for the account, by table and column."""
        (account,) = run_sql(self.service, "SELECT * FROM account WHERE email = :email", email=self.person.email)
        rows = {"account": [account]}
        for table in TABLES.split():
            sql = f"SELECT * FROM {table} WHERE account_id = :id"  # noqa: S608 - a name of our owns
            rows[table] = run_sql(self.service, sql, id=account["id"])
            assert rows[table], f"{table} has no row to look for"
        for table, found in rows.items():
            for row in found:
                for column, value in row.items():
                    if isinstance(value, bytes | memoryview) or (value and column.endswith(("_hash", "_code"))):
                        yield f"{table}.{column}", value if isinstance(value, str) else bytes(value)


def forms_of(name: str, secret: str | bytes) -> Iterator[bytes]:
    """Yield a secret in each form in which it could stand in a file."""
    if isinstance(secret, str):
        yield from (secret.encode(), secret.replace("-", "").encode())
        if "seed" not in name:
            return
        secret = b32decode(secret)
    yield from (secret.hex().encode(), b64encode(secret).rstrip(b"="), urlsafe_b64encode(secret).rstrip(b"="))


def test_export_has_everything_that_is_stored(moving: Service) -> None:
    """Each section describes what its page or call shows; phone numbers are given in full."""
    home = Settled(moving)
    person = home.person
    data = exported(person.api)
    assert set(data) == SECTIONS == set(FEATURES.exports)
    session = person.api.session().expect(200)
    assert (data["account"]["id"], data["account"]["email"]) == (session["account"]["id"], person.email)
    assert data["account"]["email_verified_at"] is None
    assert data["two_factor"]["policy"] == "once_per_computer"
    assert [(each["kind"], each["name"]) for each in data["factors"]] == [
        ("totp", "Authenticator app"),
        ("sms", "My phone"),
    ]
    assert data["factors"][1]["phone"] == home.phone.number
    assert [each["id"] for each in data["sessions"] if each["current"]] == [session["id"]]
    assert {each["id"] for each in data["sessions"]} == {each["id"] for each in person.api.sessions()["items"]}
    listed = person.api.trusted_computers()["items"]
    assert [each["id"] for each in data["trusted_computers"]] == [each["id"] for each in listed]
    assert len(data["known_browsers"]) >= 2
    assert data["former_addresses"] == []
    own = person.api.events(limit="100").expect(200)
    assert data["events"] == own["items"]


def test_export_has_no_secret(moving: Service) -> None:
    """It contains no value that was shown or typed, and none that is stored, in any form."""
    home = Settled(moving)
    text = home.person.api.call("GET", "/account/export").expect(200).text.encode()
    looked_for = [*home.secrets.items(), *home.stored()]
    assert all(secret for _, secret in looked_for)
    assert [name for name, secret in looked_for if any(form in text for form in forms_of(name, secret))] == []


def test_export_sends_a_notice_and_is_recorded(moving: Service) -> None:
    """A stranger with an unlocked session could have asked for it."""
    person = protected(moving)
    exported(person.api)
    wait_for_mail(moving, person.email, "Your data was downloaded")
    assert person.api.events(limit="1")["items"][0]["name"] == "account:exported"


def test_export_requires_unlocked_settings(moving: Service) -> None:
    """The call is refused, and the form leads to authenticating again."""
    person = protected(moving)
    person.pages().post("/settings/lock").goes_to("/settings")
    person.api.call("GET", "/account/export").refused(403, "locked_settings")
    person.another_browser().call("GET", "/account/export").refused(401, "not_signed_in")
    person.pages().post("/settings/export").goes_to("/authenticate")


def test_export_is_downloaded_from_user_settings(moving: Service) -> None:
    """The button on the page answers with the same file, and with nothing to a form of another site."""
    person = protected(moving)
    browser = person.pages()
    shown = browser.submit("/settings", "/settings/export").expect(200)
    assert shown.headers["content-disposition"].startswith("attachment;")
    assert json.loads(shown.html)["data"]["account"]["email"] == person.email
    browser.post("/settings/export", Origin="https://evil.example").expect(403)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", None])
def test_link_on_another_site_exports_nothing(moving: Service, site: str | None) -> None:
    """It is a GET, which links can send with the cookie; it would use up the limit and send mails."""
    person = protected(moving)
    browser, known = person.pages(), person.api.events(limit="100")["items"]
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    refused = browser.http.get("/api/v1/account/export", headers=headers)
    assert (refused.status_code, refused.json().get("code")) == (403, "wrong_origin")
    assert person.api.events(limit="100")["items"] == known
    assert browser.http.get("/api/v1/account/export", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_exports_are_limited(moving: Service) -> None:
    """Ten an hour. The message does not speak of wrong attempts."""
    person = new_user(moving)
    for _ in range(10):
        exported(person.api)
    refused = person.api.call("GET", "/account/export").refused(429, "too_many_attempts")
    assert "requested too often. Try again in 60 minutes." in refused["detail"]
    pass_time(moving, HOUR)
    person.sign_in()
    exported(person.api)


def test_export_shows_nothing_of_another_person(moving: Service) -> None:
    """What the command line did is in it, without an address or browser of the operator; a neighbour is not."""
    person, neighbour = protected(moving), protected(moving)
    assert moving.command("account", "unlock", person.email).returncode == 0
    text = json.dumps(exported(person.api))
    assert neighbour.email not in text
    assert neighbour.api.session()["account"]["id"] not in text
    assert '"command_line"' in text


# ------------------------------------------------------------------ bounds


async def fill(tx: Transaction, account_id: str, count: int, now: int) -> None:
    """Insert events by hand, older than all others."""
    template = events.Entry(
        "", account_id, now, "sign_in:completed", "done", "192.0.2.1", "Firefox", "{}", ActorKind.ACCOUNT, account_id
    )
    for number in range(count):
        at = now - 2 * HOUR - number
        await events.insert(tx, replace(template, id=first_id(at)[:20] + f"{number:06}", at=at))


async def visitor_of(uow: UnitOfWork, token: str) -> Visitor:
    """Return the visitor of a session."""
    return await sessions.admit(uow, token, Access.UNLOCKED)


@pytest.mark.anyio
async def test_large_export_holds_neither_the_event_loop_nor_memory(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand events are read and sent in small parts, in order, each of them once."""
    async with in_process(tmp_path, database_url=database_url) as browser:
        await browser.post("/sign-up", {"email": "ada@example.org", "password": PASSWORD})
        runner: Runner = browser.twofold.system
        visitor = await runner.write(visitor_of, session_token(browser.http.cookies))
        await runner.site.db.write(fill, visitor.account_id, MANY, browser.clock.now)
        loop = Loop(monkeypatch)
        parts = []
        await asyncio.sleep(0)
        loop.longest = 0.0
        async for part in actions.document(runner, visitor):
            parts.append(part)
            await asyncio.sleep(0)
        assert loop.longest < MOST
        assert max(map(len, parts)) < LARGEST_PART
        items = json.loads(b"".join(parts))["data"]["events"]
        ids = [each["id"] for each in items]
        assert len(set(ids)) == len(ids) > MANY
        assert ids == sorted(ids, reverse=True)


def session_token(cookies: Any) -> str:  # noqa: ANN401 - of the HTTP client
    """Return the token of the browser's session."""
    (token,) = [value for name, value in cookies.items() if name.startswith("twofold_session")]
    return str(token)


@pytest.mark.anyio
@pytest.mark.parametrize("pages", [[[]], [[1]], [[], [1], [], [2, 3]], [[1], []]], ids=str)
async def test_pages_without_items_do_not_break_the_file(
    pages: list[list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page may lose all its items to a filter, and still be followed by another."""

    async def page(_uow: UnitOfWork, _visitor: Visitor, before: str | None) -> tuple[list[int], str | None]:
        number = int(before or 0)
        return pages[number], str(number + 1) if number + 1 < len(pages) else None

    async with in_process(tmp_path) as browser:
        await browser.post("/sign-up", {"email": "ada@example.org", "password": PASSWORD})
        runner: Runner = browser.twofold.system
        visitor = await runner.write(visitor_of, session_token(browser.http.cookies))
        monkeypatch.setattr(runner.site.part(Features), "exports", {"numbers": Export(page)})
        text = b"".join([part async for part in actions.document(runner, visitor)])
        assert json.loads(text)["data"] == {"numbers": [number for items in pages for number in items]}
