"""Making an account: openly, by invitation, or not at all; and the first administrator."""

import re
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.in_process import in_process
from tests.support.openapi import CheckedApi
from tests.support.service import Service
from tests.support.users import User, new_user
from twofold.base.passwords import PasswordPool


def test_api_sign_up_creates_an_account_without_a_session(moving: Service) -> None:
    """201 with the account, under the form of the address that is kept."""
    person = User(moving)
    made = person.api.sign_up(f" {person.email.upper()} ").expect(201)
    assert made.body.keys() == {"account"}
    assert made["account"]["email"] == person.email
    person.api.session().refused(401, "not_signed_in")
    person.sign_in()


def test_page_sign_up_creates_an_account_and_signs_in(moving: Service) -> None:
    """Settings are unlocked: the password was given just now."""
    browser, email = FormBrowser(moving.url), User(moving).email
    browser.submit("/sign-up", "/sign-up", email=email, password=PASSWORD).goes_to("/settings")
    assert not any(form.locked for form in browser.get("/settings").expect(200).forms)


def test_sign_up_leads_to_where_the_sign_in_would_have_led(moving: Service) -> None:
    """Also after a refused password, and back from the form to the sign-in."""
    browser, wanted = FormBrowser(moving.url), "/settings/activity?limit=5"
    sign_in = browser.get(f"/sign-in?{urlencode({'return_to': wanted})}").expect(200)
    found = re.search(r'href="(/sign-up[^"]*)"', sign_in.html)
    assert found
    shown = browser.get(found[1]).expect(200)
    assert f"/sign-in?return_to={quote(wanted, safe='/')}" in shown.html
    refused = browser.send(shown, "/sign-up", email=User(moving).email, password="x").expect(422)
    signed_up = browser.send(refused, "/sign-up", email=User(moving).email, password=PASSWORD).expect(303)
    assert signed_up.location.startswith(f"{wanted}&")  # and the mark of a cookie that has just been set


def test_sign_up_leads_to_no_other_site(moving: Service) -> None:
    """An address that is not ours is replaced by the settings."""
    form = {"email": User(moving).email, "password": PASSWORD, "return_to": "https://evil.example/"}
    FormBrowser(moving.url).post("/sign-up", form).goes_to("/settings")


def test_sign_up_with_a_known_email_is_a_conflict(moving: Service) -> None:
    """In whatever spelling; the password of the account stays."""
    person = new_user(moving)
    person.api.sign_up(person.email.upper(), "lantern-meadow-cobalt-17").refused(409, "conflict")
    shown = FormBrowser(moving.url).submit("/sign-up", "/sign-up", email=person.email, password=PASSWORD)
    assert shown.expect(409).words.count("already an account")
    person.sign_in()


@pytest.mark.parametrize(
    "email", ["", "x", "@", "a@", "@b.example", "a b@c.example", "a@b..example", "a@-b.example", "a\u202eb@c.example"]
)
def test_sign_up_with_a_malformed_email_is_refused(moving: Service, email: str) -> None:
    """422 on the field, with an example."""
    refused = User(moving).api.sign_up(email).refused(422, "invalid_request")
    assert [(error["field"], "@" in error["message"]) for error in refused["errors"]] == [("email", True)]


@pytest.mark.parametrize("password", ["", "1234567", "password", "letmein123", "{email}", "twofoldtwofold", "p" * 257])
def test_sign_up_with_a_weak_password_is_refused(moving: Service, password: str) -> None:
    """422 on the field, with the remedy; length and a list of common ones, no rules of composition."""
    person = User(moving)
    refused = person.api.sign_up(person.email, password.format(email=person.email)).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["password"]


@pytest.mark.parametrize(
    "password",
    ["four unrelated words here", "צבי כחול רץ בלילה ארוך", "🐢 turtle 🐇 rabbit", "lantern meadow cobalt " * 12],
)
def test_sign_up_accepts_strong_passwords_of_any_kind(moving: Service, password: str) -> None:
    """Blanks, every script, to 256 characters."""
    person = User(moving)
    person.api.sign_up(person.email, password[:256]).expect(201)
    person.another_browser().sign_in(person.email, password[:256]).expect(200)


async def test_sign_up_over_the_limit_costs_no_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused at once, so that one stranger cannot fill the queue for sign-ins."""
    hashes: list[str] = []
    real = PasswordPool.hash

    async def counted(pool: PasswordPool, password: str) -> str:
        hashes.append(password)
        return await real(pool, password)

    monkeypatch.setattr(PasswordPool, "hash", counted)
    async with in_process(tmp_path, limit_sign_ups="1/1h") as browser:
        (await browser.post("/sign-up", {"email": "one@example.org", "password": PASSWORD})).expect(303)
        (await browser.post("/sign-up", {"email": "two@example.org", "password": PASSWORD})).expect(429)
    assert hashes == [PASSWORD]


async def test_refused_sign_up_counts_against_the_limit(tmp_path: Path) -> None:
    """A weak password or an impossible address is checked no more often than the limit allows."""
    async with in_process(tmp_path, limit_sign_ups="2/1h") as browser:
        (await browser.post("/sign-up", {"email": "one@example.org", "password": "password1"})).expect(422)
        (await browser.post("/sign-up", {"email": "not an address", "password": PASSWORD})).expect(422)
        (await browser.post("/sign-up", {"email": "two@example.org", "password": PASSWORD})).expect(429)


@pytest.mark.parametrize("registration", ["invite", "closed"])
def test_sign_up_is_refused_where_it_is_not_open(registration: str, tmp_path: Path) -> None:
    """Calls and pages say so; an invitation still works."""
    with Service(tmp_path, settings={"registration": registration}) as service:
        CheckedApi(service.url).sign_up("new@example.com").refused(403, "not_allowed")
        browser = FormBrowser(service.url)
        browser.get("/sign-up").expect(403)
        browser.post("/sign-up", {"email": "new@example.com", "password": PASSWORD}).expect(403)
        assert "/sign-up" not in browser.get("/sign-in").expect(200).html
        path = urlsplit(service.command("account", "invite", "new@example.com").stdout.split()[-1]).path
        browser.submit(path, path, password=PASSWORD).goes_to("/settings")


def test_sign_up_by_a_stranger_keeps_the_invitation_valid(moving: Service) -> None:
    """Where addresses are not proven a stranger can take one; the link works again once that account is gone."""
    email = User(moving).email
    path = urlsplit(moving.command("account", "invite", email).stdout.split()[-1]).path
    stranger = User(moving, email)
    stranger.api.sign_up(email).expect(201)
    stranger.sign_in()
    browser = FormBrowser(moving.url)
    browser.submit(path, path, password=PASSWORD).expect(409)
    browser.get(path).expect(200)
    stranger.api.call("DELETE", "/account").expect(204)
    browser.submit(path, path, password=PASSWORD).goes_to("/settings")


def test_first_administrator_is_created_once(tmp_path: Path) -> None:
    """The link works once and is renewed at each start while there is no administrator."""
    service = Service(tmp_path)
    with service:
        first = urlsplit(service.first_administrator_link()).path
        service.restart()
        second = urlsplit(service.first_administrator_link()).path
        browser = FormBrowser(service.url)
        browser.get(first).expect(404)
        browser.submit(second, second, email="boss@example.com", password="short").expect(422)
        browser.submit(second, second, email="boss@example.com", password=PASSWORD).goes_to("/settings")
        token = browser.cookies["twofold_session"]
        client = CheckedApi(service.url)
        client.token = token
        assert client.session()["account"]["administrator"] is True
        FormBrowser(service.url).get(second).expect(404)
        service.restart()
        assert "/setup/" not in service.output()
