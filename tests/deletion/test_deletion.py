"""Deleting one's own account: fresh proof, a second question, and no personal data left."""

import json

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.mailbox import mails_to, wait_for_mail
from tests.support.phones import phone_user
from tests.support.rows import run_sql
from tests.support.service import Service
from tests.support.sync import json_request, release_together
from tests.support.users import User, new_user, protected

DELETED = "Your account was deleted"
# Kept on purpose: events without personal data, and limits under keyed hashes until they expire.
KEPT = {"event", "sent_code"}


def account_id(person: User) -> str:
    """Return the id of a person's account."""
    return str(person.api.session().expect(200)["account"]["id"])


def owner(service: Service) -> User:
    """Return an owner, signed in, settings unlocked."""
    person = new_user(service)
    made = service.command("account", "set", person.email, "--role", "owner")
    assert made.returncode == 0, made.stderr
    person.sign_in()
    return person


def tables_of(service: Service) -> dict[str, list[str]]:
    """Return the text columns of every table that tests may read, on either database."""
    if service.settings["database_url"].startswith("sqlite"):
        sql = (
            "SELECT m.name AS place, c.name AS field FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
            " WHERE m.type = 'table' AND c.type = 'TEXT'"
        )
    else:
        sql = (
            "SELECT table_name AS place, column_name AS field FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND data_type = 'text'"
        )
    tables: dict[str, list[str]] = {}
    for row in run_sql(service, sql):
        tables.setdefault(row["place"], []).append(row["field"])
    return tables


def places_of(service: Service, text: str) -> set[str]:
    """Return the tables in which a text stands, in any column."""
    queries = []
    for table, columns in tables_of(service).items():
        where = " OR ".join(f'"{column}" LIKE :like' for column in columns)
        queries.append(f"SELECT '{table}' AS place WHERE EXISTS (SELECT 1 FROM {table} WHERE {where})")  # noqa: S608 - names from the database
    return {row["place"] for row in run_sql(service, " UNION ALL ".join(queries), like=f"%{text}%")}


def test_nothing_but_the_record_is_left_of_a_deleted_account(moving: Service) -> None:
    """No table names the account, its address, phone, computer or methods; its events keep their time and kind."""
    person = phone_user(moving)
    person.enable_totp(name="Ada's private phone")
    person.api.set_policy("once_per_computer").expect(200)
    computer = person.another_browser()
    person.sign_in(computer, trust_this_computer=True)
    person.half_open().give_code(person.wrong_code()).expect(401)
    person.api.begin_totp(name="Unfinished").expect(201)
    known = account_id(person)
    assert {"account", "session", "factor", "computer", "event", "throttle"} < places_of(moving, known)
    assert {"factor", "event"} <= places_of(moving, "private phone")
    person.api.call("DELETE", "/account").expect(204)
    assert places_of(moving, known) == KEPT
    for text in (person.email, "private phone", person.phone.number, "%" + person.email.partition("@")[0]):
        assert places_of(moving, text) == set(), text
    kept = run_sql(moving, "SELECT name, source, agent, data, actor FROM event WHERE account_id = :id", id=known)
    assert {(each["source"], each["agent"], each["data"]) for each in kept} == {("", "", "{}")}
    assert {"account:created", "factor:added", "computer:trusted", "account:deleted"} < {each["name"] for each in kept}
    assert {each["actor"] for each in kept} == {"account"}


def test_deleted_account_signs_in_nowhere(moving: Service) -> None:
    """Every session ends at once, a sign-in under way too, and its owner gets a mail."""
    person = protected(moving, "once_per_computer")
    computer = person.another_browser()
    person.sign_in(computer, trust_this_computer=True)
    half_open = person.half_open()
    person.api.call("DELETE", "/account").expect(204)
    person.api.session().refused(401, "not_signed_in")
    computer.session().refused(401, "not_signed_in")
    half_open.give_code(person.code()).refused(410, "sign_in_expired")
    computer.sign_in(person.email).refused(401, "wrong_credentials")
    text = wait_for_mail(moving, person.email, DELETED)["text"]
    assert "cannot be undone" in text
    assert "From: Python, 127.0.0.1" in text


def test_deletion_needs_confirmation_on_a_page(moving: Service) -> None:
    """The card leads to a page that says what is lost and offers a copy; only its button deletes the account."""
    person = protected(moving)
    browser = person.pages()
    assert "/settings/delete" in [form.action for form in browser.get("/settings").expect(200).forms]
    asked = browser.get("/settings/delete").expect(200)
    for text in ("cannot be undone", "signed out everywhere", "recovery code", "no one gets your username"):
        assert text in asked.words
    assert "/settings/export" in [form.action for form in asked.forms]
    shown = browser.submit("/settings/delete", "/settings/delete").expect(200)
    assert DELETED in shown.words
    assert person.email not in shown.html
    assert "twofold_session" not in browser.cookies
    browser.get("/settings").goes_to("/sign-in")


def test_email_of_a_deleted_account_can_sign_up_again(moving: Service) -> None:
    """The new account has another id and username, and no data of the old one."""
    person = protected(moving)
    before = person.api.session()["account"]
    person.api.call("DELETE", "/account").expect(204)
    again = User(moving, person.email)
    again.api.sign_up(again.email).expect(201)
    again.sign_in()
    account = again.api.session()["account"]
    assert account["id"] != before["id"]
    assert account["username"] != before["username"]
    assert again.shown()["factors"] == []
    assert again.api.trusted_computers()["items"] == []
    names = {each["name"] for each in again.api.events(limit="100")["items"]}
    assert names == {"account:created", "sign_in:completed"}


def test_locked_settings_cannot_delete_the_account(moving: Service) -> None:
    """The page leads to authenticating again, and the call is refused."""
    person = protected(moving)
    person.pages().post("/settings/lock").goes_to("/settings")
    person.pages().get("/settings/delete").goes_to("/authenticate")
    person.pages().post("/settings/delete").goes_to("/authenticate")
    person.api.call("DELETE", "/account").refused(403, "locked_settings")
    person.another_browser().sign_in(person.email).expect(200)


def keep_owners(service: Service, kept: list[User]) -> None:
    """Take the role from every other owner."""
    for each in json.loads(service.command("account", "list", "--json").stdout):
        if each["role"] == "owner" and each["email"] not in [person.email for person in kept]:
            assert service.command("account", "set", each["email"], "--role", "member").returncode == 0


def test_last_owner_cannot_delete_their_account(moving: Service) -> None:
    """The error explains what to do; with a second enabled owner it works."""
    one = owner(moving)
    keep_owners(moving, [one])
    refused = one.api.call("DELETE", "/account").refused(409, "conflict")
    assert "twofold account set EMAIL --role owner" in refused["detail"]
    assert "There must be another owner" in one.pages().post("/settings/delete").expect(409).words
    assert FormBrowser(moving.url).sign_in(one.email, PASSWORD).location.startswith("/settings")
    assert mails_to(moving, one.email, DELETED) == []
    other = owner(moving)
    one.api.call("DELETE", "/account").expect(204)
    other.api.call("DELETE", "/account").refused(409, "conflict")


def deletion_of(person: User) -> bytes:
    """Return the request that deletes a person's account."""
    headers = {"Authorization": f"Bearer {person.api.token}"}
    return json_request(person.url, "/account", None, method="DELETE", headers=headers)


def test_two_owners_deleting_at_once_leave_one(moving: Service) -> None:
    """Each could delete their account alone, but not both."""
    stayed = owner(moving)
    keep_owners(moving, [stayed])
    for _ in range(5):
        pair = [stayed, owner(moving)]
        answers = release_together(moving.url, [deletion_of(each) for each in pair])
        statuses = [answer.status for answer in answers]
        assert sorted(statuses) == [204, 409]
        stayed = pair[statuses.index(409)]


def test_sign_in_beside_a_deletion_leaves_no_session(moving: Service, *, full: bool) -> None:
    """Before it, the session ends with the account; after it, the account is unknown. No row is left, and no error."""
    for turn in range(20 if full else 5):
        person = new_user(moving)
        known = account_id(person)
        body = {"email": person.email, "password": PASSWORD}
        requests = [json_request(moving.url, "/sign-in", body) for _ in range(4)]
        requests.insert(turn % 5, deletion_of(person))
        answers = release_together(moving.url, requests)
        assert {answer.status for answer in answers} <= {200, 204, 401}
        assert [answer.status for answer in answers].count(204) == 1
        for answer in answers:
            if answer.status == 200:
                client = person.another_browser()
                client.token = answer.json()["session"]["token"]
                client.session().refused(401, "not_signed_in")
        assert places_of(moving, known) <= KEPT
        assert run_sql(moving, "SELECT id FROM account WHERE email = :email", email=person.email) == []


@pytest.mark.parametrize("number", [10_000])
def test_account_with_a_long_history_is_deleted(moving: Service, number: int) -> None:
    """Its events lose their personal data in the same transaction."""
    person = new_user(moving)
    known = account_id(person)
    digits = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number)"
    run_sql(
        moving,
        f"{digits} INSERT INTO event (id, account_id, at, name, outcome, source, agent, data)"  # noqa: S608 - ours
        " SELECT '0' || i || '-' || :id, :id, 1, 'sign_in:completed', 'done', '192.0.2.1', 'Firefox', '{}' FROM n"
        " RETURNING id",
        number=number,
        id=known,
    )
    person.api.call("DELETE", "/account").expect(204)
    sql = "SELECT source, actor, COUNT(*) AS many FROM event WHERE account_id = :id GROUP BY source, actor"
    kept = run_sql(moving, sql, id=known)
    assert [(each["source"], each["actor"]) for each in kept] == [("", "account")]
    assert kept[0]["many"] > number
