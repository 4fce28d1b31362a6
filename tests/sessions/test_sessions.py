"""Sessions are listed, ended one by one or together, and expire."""

from pathlib import Path

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.in_process import in_process
from tests.support.service import Service
from tests.support.users import HOUR, new_user, pass_time
from twofold.base.database import Value
from twofold.base.database.sqlite import SqliteDatabase
from twofold.base.database.sqlite_engine import SqliteTransaction


def test_session_list_marks_the_current_session(moving: Service) -> None:
    """The list shows address, program and time, but no token."""
    person = new_user(moving)
    other = person.another_browser()
    person.sign_in(other)
    listed = person.api.sessions().expect(200)
    assert listed["next"] is None
    assert [each["current"] for each in listed["items"]].count(True) == 1
    assert {each["address"] for each in listed["items"]} == {"127.0.0.1"}
    for token in (person.api.token, other.token):
        assert token
        assert token not in listed.text


def test_one_session_can_be_ended(moving: Service) -> None:
    """Its next request is refused, other sessions continue, and ending it again is a 404."""
    person = new_user(moving)
    one, two = person.another_browser(), person.another_browser()
    person.sign_in(one)
    own = next(each["id"] for each in one.sessions()["items"] if each["current"])
    person.sign_in(two)
    person.api.call("DELETE", f"/sessions/{own}").expect(204)
    one.session().refused(401, "not_signed_in")
    two.session().expect(200)
    person.api.call("DELETE", f"/sessions/{own}").refused(404, "not_found")


def test_all_other_sessions_can_be_ended(moving: Service) -> None:
    """The current session continues."""
    person = new_user(moving)
    others = [person.another_browser() for _ in range(3)]
    for other in others:
        person.sign_in(other)
    person.api.end_other_sessions().expect(204)
    assert [other.session().status for other in others] == [401] * 3
    assert len(person.api.sessions()["items"]) == 1


def test_signing_out_invalidates_the_session_token(moving: Service) -> None:
    """A copy of the token is rejected by API and page; signing out again leads to the sign-in page."""
    person = new_user(moving)
    token = person.api.token
    person.api.sign_out().expect(204)
    person.api.token = token
    person.api.session().refused(401, "not_signed_in")
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")
    copied = browser.cookies["twofold_session"]
    browser.submit("/settings", "/sign-out").goes_to("/signed-out")
    assert "twofold_session" not in browser.cookies
    FormBrowser(moving.url, session=copied).get("/settings").goes_to("/sign-in")
    browser.post("/sign-out").goes_to("/sign-in")


def test_session_ends_an_hour_after_its_last_use(moving: Service) -> None:
    """Each use postpones the end."""
    person = new_user(moving)
    for _ in range(3):
        pass_time(moving, HOUR - 120)
        person.api.session().expect(200)
    pass_time(moving, HOUR + 1)
    person.api.session().refused(401, "not_signed_in")
    person.api.sessions().refused(401, "not_signed_in")


def test_session_ends_after_a_day_even_if_used(moving: Service) -> None:
    """It ends 24 hours after the sign-in."""
    person = new_user(moving)
    for _ in range(28):
        pass_time(moving, HOUR - 300)
        if person.api.session().status == 401:
            break
    else:
        raise AssertionError("the session never ended")
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"


def test_forms_have_the_same_effect_as_calls(moving: Service) -> None:
    """The card in User Settings ends one session or all others."""
    person = new_user(moving)
    others = [person.another_browser() for _ in range(3)]
    for other in others:
        person.sign_in(other)
    first = next(each["id"] for each in others[0].sessions()["items"] if each["current"])
    browser = person.pages()
    browser.submit("/settings", f"/settings/sessions/{first}/end").goes_to("/settings")
    assert [other.session().status for other in others] == [401, 200, 200]
    browser.submit("/settings", "/settings/sessions/end-others").goes_to("/settings")
    assert [other.session().status for other in others] == [401] * 3
    person.api.session().expect(200)


async def test_request_without_a_token_makes_no_database_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anonymous clients are refused without the database."""

    async def read(*_: object) -> None:
        raise AssertionError

    async with in_process(tmp_path) as browser:
        monkeypatch.setattr(SqliteDatabase, "read", read)
        (await browser.get("/api/v1/session")).expect(401)


async def test_session_check_makes_one_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The query returns the level and everything else in the response."""
    statements: list[str] = []

    def counting(method: str) -> None:
        original = getattr(SqliteTransaction, method)

        async def counted(tx: SqliteTransaction, sql: str, /, **params: Value) -> object:
            statements.append(sql)
            return await original(tx, sql, **params)

        monkeypatch.setattr(SqliteTransaction, method, counted)

    async with in_process(tmp_path) as browser:
        await browser.post("/sign-up", {"email": "ann@example.com", "password": PASSWORD})
        for method in ("one", "all", "run"):
            counting(method)
        assert "1fa" in (await browser.get("/api/v1/session")).expect(200).html
        assert len(statements) == 1
