"""Closing the own account: fresh proof, a second look, and nothing left but the record."""

import asyncio
import json

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.mailbox import wait_for_mail
from tests.residents import Resident, protected, resident
from tests.service import Service
from tests.sync import json_request, release_together
from twofold.base.database import Transaction, open_database

OWN = "link browser session two_factor factor recovery_code computer sign_in former_address event throttle"


async def many(tx: Transaction, sql: str, given: dict[str, str]) -> int:
    """The number that a statement counts."""
    row = await tx.one(sql, **given)
    return int(row["many"]) if row else 0


def rows_of(service: Service, account_id: str) -> dict[str, int]:
    """How many rows of each table name an account."""

    async def count() -> dict[str, int]:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            found = {}
            for table in OWN.split():
                where = "key LIKE :like" if table == "throttle" else "account_id = :id"
                given = {"like": f"%{account_id}%"} if table == "throttle" else {"id": account_id}
                sql = f"SELECT count(*) AS many FROM {table} WHERE {where}"  # noqa: S608 - our own names
                found[table] = await db.read(many, sql, given)
            return found
        finally:
            await db.close()

    return asyncio.run(count())


def account_id(person: Resident) -> str:
    """The id of a person's account."""
    return str(person.api.session().must(200)["account"]["id"])


def administrator(service: Service) -> Resident:
    """An administrator, signed in, settings unlocked."""
    person = Resident(service)
    made = service.command("account", "add", person.email, "--admin", "--password-file", "-", stdin=PASSWORD)
    assert made.returncode == 0, made.stderr
    person.sign_in()
    return person


def test_nothing_is_left_but_the_record(moving: Service) -> None:
    """Sessions, factors, computers, codes, links and limits go; what happened stays, by the account's id alone."""
    person = protected(moving, "once_per_computer")
    computer = person.another_browser()
    person.sign_in(computer, trust_this_computer=True)
    person.half_open().give_code(person.wrong_code()).must(401)
    known = account_id(person)
    assert rows_of(moving, known)["factor"] == 1
    person.api.call("DELETE", "/account").must(204)
    left = rows_of(moving, known)
    assert left.pop("event") > 5
    assert left == dict.fromkeys(left, 0)
    person.api.session().refused(401, "not_signed_in")
    computer.session().refused(401, "not_signed_in")
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")
    wait_for_mail(moving, person.email, "Your account was closed")


def test_the_pages_ask_once_more(moving: Service) -> None:
    """The card leads to a page that says what goes; only its button closes, and the browser is nobody's."""
    person = protected(moving)
    browser = person.pages()
    assert "/settings/close" in [form.action for form in browser.get("/settings").must(200).forms]
    assert "cannot be undone" in browser.get("/settings/close").must(200).words
    shown = browser.submit("/settings/close", "/settings/close").must(200)
    assert "Your account is closed" in shown.words
    assert person.email not in shown.html
    assert "twofold_session" not in browser.cookies
    browser.get("/settings").goes_to("/sign-in")


def test_an_address_of_a_closed_account_is_free(moving: Service) -> None:
    """Somebody may sign up with it, and gets nothing of what was there."""
    person = protected(moving)
    known = account_id(person)
    person.api.call("DELETE", "/account").must(204)
    again = Resident(moving, person.email)
    again.api.sign_up(again.email).must(201)
    again.sign_in()
    assert account_id(again) != known
    assert again.shown()["factors"] == []
    assert "two_factor:activated" not in [each["name"] for each in again.api.events(limit="100")["items"]]


def test_locked_settings_close_nothing(moving: Service) -> None:
    """The page leads to proving oneself, the call is refused."""
    person = protected(moving)
    person.pages().post("/settings/lock").goes_to("/settings")
    person.pages().get("/settings/close").goes_to("/authenticate")
    person.pages().post("/settings/close").goes_to("/authenticate")
    person.api.call("DELETE", "/account").refused(403, "locked_settings")
    person.another_browser().sign_in(person.email).must(200)


def close_all_but(service: Service, kept: list[Resident]) -> None:
    """Leaves no other administrator who could sign in."""
    listed = json.loads(service.command("account", "list", "--json").stdout)
    people = listed["items"] if isinstance(listed, dict) else listed
    for each in people:
        if each["administrator"] and each["email"] not in [person.email for person in kept]:
            assert service.command("account", "disable", each["email"]).returncode == 0


def test_the_last_administrator_stays(moving: Service) -> None:
    """Refused with the remedy, on the page too; with a second one that is not disabled it works."""
    one = administrator(moving)
    close_all_but(moving, [one])
    refused = one.api.call("DELETE", "/account").refused(409, "conflict")
    assert "twofold account add" in refused["detail"]
    assert "only administrator" in one.pages().post("/settings/close").must(409).words
    assert FormBrowser(moving.url).sign_in(one.email, PASSWORD).location.startswith("/settings")
    other = administrator(moving)
    one.api.call("DELETE", "/account").must(204)
    other.api.call("DELETE", "/account").refused(409, "conflict")


def test_of_two_administrators_who_close_at_once_one_stays(moving: Service) -> None:
    """Each sees the other and could go; together they cannot."""
    for _ in range(5):
        pair = [administrator(moving), administrator(moving)]
        close_all_but(moving, pair)
        requests = [
            json_request(
                moving.url, "/account", None, method="DELETE", headers={"Authorization": f"Bearer {each.api.token}"}
            )
            for each in pair
        ]
        answers = release_together(moving.url, requests)
        assert sorted(each.status for each in answers) == [204, 409]


def test_anybody_else_may_go(moving: Service) -> None:
    """A person who is no administrator leaves no hole."""
    resident(moving).api.call("DELETE", "/account").must(204)
