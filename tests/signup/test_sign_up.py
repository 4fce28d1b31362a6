"""Making an account: openly, by invitation, or not at all; and the first administrator."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.inside import inside
from tests.openapi import CheckedApi
from tests.residents import Resident, resident
from tests.service import Service
from twofold.base.passwords import PasswordPool


def test_a_call_makes_an_account_and_signs_nobody_in(moving: Service) -> None:
    """201 with the account, under the form of the address that is kept."""
    person = Resident(moving)
    made = person.api.sign_up(f" {person.email.upper()} ").must(201)
    assert made.body.keys() == {"account"}
    assert made["account"]["email"] == person.email
    person.api.session().refused(401, "not_signed_in")
    person.sign_in()


def test_the_page_makes_an_account_and_signs_in(moving: Service) -> None:
    """Settings are unlocked: the password was given just now."""
    browser, email = FormBrowser(moving.url), Resident(moving).email
    browser.submit("/sign-up", "/sign-up", email=email, password=PASSWORD).goes_to("/settings")
    assert not any(form.locked for form in browser.get("/settings").must(200).forms)


def test_a_known_address_is_a_conflict(moving: Service) -> None:
    """In whatever spelling; the password of the account stays."""
    person = resident(moving)
    person.api.sign_up(person.email.upper(), "lantern-meadow-cobalt-17").refused(409, "conflict")
    shown = FormBrowser(moving.url).submit("/sign-up", "/sign-up", email=person.email, password=PASSWORD)
    assert shown.must(409).words.count("already an account")
    person.sign_in()


@pytest.mark.parametrize(
    "email", ["", "x", "@", "a@", "@b.example", "a b@c.example", "a@b..example", "a@-b.example", "a\u202eb@c.example"]
)
def test_what_is_no_address_is_refused(moving: Service, email: str) -> None:
    """422 on the field, with an example."""
    refused = Resident(moving).api.sign_up(email).refused(422, "invalid_request")
    assert [(error["field"], "@" in error["message"]) for error in refused["errors"]] == [("email", True)]


@pytest.mark.parametrize("password", ["", "1234567", "password", "letmein123", "{email}", "twofoldtwofold", "p" * 257])
def test_a_weak_password_is_refused(moving: Service, password: str) -> None:
    """422 on the field, with the remedy; length and a list of common ones, no rules of composition."""
    person = Resident(moving)
    refused = person.api.sign_up(person.email, password.format(email=person.email)).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["password"]


@pytest.mark.parametrize(
    "password", ["four unrelated words here", "צבי כחול רץ בלילה ארוך", "🐢 turtle 🐇 rabbit", "lantern " * 32]
)
def test_a_strong_password_of_any_kind_is_taken(moving: Service, password: str) -> None:
    """Blanks, every script, to 256 characters."""
    person = Resident(moving)
    person.api.sign_up(person.email, password[:256]).must(201)
    person.another_browser().sign_in(person.email, password[:256]).must(200)


async def test_who_is_over_the_limit_costs_no_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned away at once: one stranger may not fill the queue in which everybody's sign-in waits."""
    hashes: list[str] = []
    real = PasswordPool.hash

    async def counted(pool: PasswordPool, password: str) -> str:
        hashes.append(password)
        return await real(pool, password)

    monkeypatch.setattr(PasswordPool, "hash", counted)
    async with inside(tmp_path, limit_sign_ups="1/1h") as browser:
        (await browser.post("/sign-up", {"email": "one@example.org", "password": PASSWORD})).must(303)
        (await browser.post("/sign-up", {"email": "two@example.org", "password": PASSWORD})).must(429)
    assert hashes == [PASSWORD]


@pytest.mark.parametrize("registration", ["invite", "closed"])
def test_where_sign_up_is_not_open_nobody_signs_up(registration: str, tmp_path: Path) -> None:
    """Calls and pages say so; whoever holds an invitation gets in."""
    with Service(tmp_path, settings={"registration": registration}) as service:
        CheckedApi(service.url).sign_up("new@example.com").refused(403, "registration_closed")
        browser = FormBrowser(service.url)
        browser.get("/sign-up").must(403)
        browser.post("/sign-up", {"email": "new@example.com", "password": PASSWORD}).must(403)
        assert "/sign-up" not in browser.get("/sign-in").must(200).html
        path = urlsplit(service.command("account", "invite", "new@example.com").stdout.split()[-1]).path
        browser.submit(path, path, password=PASSWORD).goes_to("/settings")


def test_the_first_administrator_is_made_once(tmp_path: Path) -> None:
    """The link works once and is renewed at each start while there is no administrator."""
    service = Service(tmp_path)
    with service:
        first = urlsplit(service.first_administrator_link()).path
        service.restart()
        second = urlsplit(service.first_administrator_link()).path
        browser = FormBrowser(service.url)
        browser.get(first).must(404)
        browser.submit(second, second, email="boss@example.com", password="short").must(422)
        browser.submit(second, second, email="boss@example.com", password=PASSWORD).goes_to("/settings")
        token = browser.cookies["twofold_session"]
        client = CheckedApi(service.url)
        client.token = token
        assert client.session()["account"]["administrator"] is True
        FormBrowser(service.url).get(second).must(404)
        service.restart()
        assert "/setup/" not in service.output()
