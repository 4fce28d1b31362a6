"""Sessions: listed, ended one by one or all others at once, and at an end by themselves."""

from pathlib import Path

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.inside import inside
from tests.residents import HOUR, pass_time, resident
from tests.service import Service
from twofold.base.database.sqlite import SqliteDatabase


def test_sessions_are_listed_with_the_present_one_marked(moving: Service) -> None:
    """Where, with what, since when; no token."""
    person = resident(moving)
    other = person.another_browser()
    person.sign_in(other)
    listed = person.api.sessions().must(200)
    assert listed["next"] is None
    assert [each["current"] for each in listed["items"]].count(True) == 1
    assert {each["address"] for each in listed["items"]} == {"127.0.0.1"}
    for token in (person.api.token, other.token):
        assert token
        assert token not in listed.text


def test_one_session_is_ended(moving: Service) -> None:
    """The next request with it is refused; the others go on; a second time it is not there."""
    person = resident(moving)
    one, two = person.another_browser(), person.another_browser()
    person.sign_in(one)
    own = next(each["id"] for each in one.sessions()["items"] if each["current"])
    person.sign_in(two)
    person.api.call("DELETE", f"/sessions/{own}").must(204)
    one.session().refused(401, "not_signed_in")
    two.session().must(200)
    person.api.call("DELETE", f"/sessions/{own}").refused(404, "not_found")


def test_all_others_are_ended(moving: Service) -> None:
    """This one stays."""
    person = resident(moving)
    others = [person.another_browser() for _ in range(3)]
    for other in others:
        person.sign_in(other)
    person.api.end_other_sessions().must(204)
    assert [other.session().status for other in others] == [401] * 3
    assert len(person.api.sessions()["items"]) == 1


def test_signing_out_ends_the_session_itself(moving: Service) -> None:
    """A copy of the token is dead, by API and by page; who signs out twice is at the door."""
    person = resident(moving)
    token = person.api.token
    person.api.sign_out().must(204)
    person.api.token = token
    person.api.session().refused(401, "not_signed_in")
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")
    copied = browser.cookies["twofold_session"]
    browser.submit("/settings", "/sign-out").goes_to("/signed-out")
    assert "twofold_session" not in browser.cookies
    FormBrowser(moving.url, session=copied).get("/settings").goes_to("/sign-in")
    browser.post("/sign-out").goes_to("/sign-in")


def test_a_session_ends_an_hour_after_its_last_use(moving: Service) -> None:
    """Use puts the end off, disuse does not."""
    person = resident(moving)
    for _ in range(3):
        pass_time(moving, HOUR - 120)
        person.api.session().must(200)
    pass_time(moving, HOUR + 1)
    person.api.session().refused(401, "not_signed_in")
    person.api.sessions().refused(401, "not_signed_in")


def test_a_session_ends_after_a_day_whatever_its_use(moving: Service) -> None:
    """Twenty-four hours after the sign-in."""
    person = resident(moving)
    for _ in range(28):
        pass_time(moving, HOUR - 300)
        if person.api.session().status == 401:
            break
    else:
        raise AssertionError("the session never ended")
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"


def test_forms_do_what_the_calls_do(moving: Service) -> None:
    """End one, end all others, from the card."""
    person = resident(moving)
    others = [person.another_browser() for _ in range(3)]
    for other in others:
        person.sign_in(other)
    first = next(each["id"] for each in others[0].sessions()["items"] if each["current"])
    browser = person.pages()
    browser.submit("/settings", f"/settings/sessions/{first}/end").goes_to("/settings")
    assert [other.session().status for other in others] == [401, 200, 200]
    browser.submit("/settings", "/settings/sessions/end-others").goes_to("/settings")
    assert [other.session().status for other in others] == [401] * 3
    person.api.session().must(200)


async def test_who_brings_no_token_costs_no_look_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers are refused without the database."""

    async def read(*_: object) -> None:
        raise AssertionError

    async with inside(tmp_path) as browser:
        monkeypatch.setattr(SqliteDatabase, "read", read)
        (await browser.get("/api/v1/session")).must(401)
