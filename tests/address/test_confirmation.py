"""Proven addresses: what proves one, how its owner sees and confirms it, and that no other address is shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.in_process import in_process
from tests.support.mailbox import link_in, token_in, wait_for_mail, wait_for_mails
from tests.support.recorder import Recorder
from tests.support.rows import run_sql
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.users import HOUR, User, new_user, pass_time, protected
from twofold.accounts import actions as accounts
from twofold.accounts import links, store
from twofold.accounts.rules import Account
from twofold.base.unit_of_work import UnitOfWork

CONFIRM, CONFIRMED = "Confirm your email address", "Your email address was confirmed"
SEND, COMPLETE = "/account/email/confirmation", "/account/email/confirmation/complete"
NEW_PASSWORD = "lantern-meadow-cobalt-17"


def is_verified(person: User) -> bool:
    """Return what the session says of the address."""
    return bool(person.api.session().expect(200)["account"]["email_verified"])


def sent(person: User, count: int = 1) -> str:
    """Ask for the link; return the token of the newest of `count` mails."""
    person.api.call("POST", SEND).expect(202)
    return token_in(wait_for_mails(person.service, person.email, count, CONFIRM)[-1], "/confirm-email/")


def shown(service: Service, email: str) -> bool:
    """Return what the command line says of an address."""
    done = service.command("account", "show", email, "--json")
    assert done.returncode == 0, done.stderr
    return bool(json.loads(done.stdout)["email_verified"])


def test_mailed_link_confirms_the_address_once(moving: Service) -> None:
    """A sign-up without mail proves nothing; the link does, and a notice says so."""
    person = protected(moving)
    assert not is_verified(person)
    token = sent(person)
    assert not is_verified(person)
    person.api.call("POST", COMPLETE, {"token": token}).expect(204)
    assert is_verified(person)
    person.api.call("POST", COMPLETE, {"token": token}).refused(404, "not_found")
    person.api.call("POST", SEND).refused(409, "conflict")
    wait_for_mail(moving, person.email, CONFIRMED)
    names = [(each["name"], each["outcome"]) for each in person.api.events(limit="10")["items"]]
    assert names[:4] == [
        ("settings:change", "refused"),
        ("email:confirmed", "refused"),
        ("email:confirmed", "done"),
        ("email:confirmation_sent", "done"),
    ]


def test_address_is_confirmed_on_the_pages(moving: Service) -> None:
    """The card says what an unconfirmed address means, the link's page only asks, and its button confirms."""
    person = protected(moving)
    browser = person.pages()
    assert "Your email address is not confirmed" in browser.get("/settings").expect(200).words
    browser.submit("/settings", "/settings/email/confirmation").goes_to("/settings")
    path = link_in(wait_for_mail(moving, person.email, CONFIRM), "/confirm-email/")
    for _ in range(2):
        assert person.email in browser.get(path).expect(200).words
    assert not is_verified(person)
    assert "Your email address is confirmed." in browser.get(browser.submit(path, path).location).expect(200).words
    settings = browser.get("/settings").expect(200)
    assert "Your email address is confirmed since " in settings.words
    assert "/settings/email/confirmation" not in [form.action for form in settings.forms]
    assert "no longer works" in browser.get(path).expect(404).words


def test_confirmation_requires_a_session_of_the_account(moving: Service) -> None:
    """The owner of a mailbox cannot confirm a stranger's account by opening the link, nor can another account."""
    person, other = protected(moving), new_user(moving)
    token = sent(person)
    path = f"/confirm-email/{token}"
    stranger = FormBrowser(moving.url)
    stranger.get(path).goes_to("/sign-in")
    stranger.post(path).goes_to("/sign-in")
    other.pages().get(path).expect(404)
    other.pages().post(path).expect(404)
    other.api.call("POST", COMPLETE, {"token": token}).refused(404, "not_found")
    assert not is_verified(person)
    person.api.call("POST", COMPLETE, {"token": token}).expect(204)


def test_confirmation_with_locked_settings_leads_to_authenticate_and_back(moving: Service) -> None:
    """A link that is opened later requires every proof again, and is still valid."""
    person = protected(moving)
    path = f"/confirm-email/{sent(person)}"
    pass_time(moving, 11 * 60)
    person.api.call("POST", SEND).refused(403, "locked_settings")
    browser = person.pages()
    led = browser.get(path).goes_to("/authenticate")
    back = browser.send(browser.get(led.location), "/authenticate", password=PASSWORD, code=person.code())
    assert urlsplit(back.location).path == path
    browser.submit(path, path).goes_to("/settings")


def test_confirmation_link_expires_or_is_replaced_or_ends_with_the_credentials(moving: Service) -> None:
    """A newer link ends the older one, a change of password ends both, and an hour ends any."""
    person = protected(moving)
    first, second = sent(person), sent(person, 2)
    person.api.call("POST", COMPLETE, {"token": first}).refused(404, "not_found")
    person.api.change_password(NEW_PASSWORD).expect(204)
    person.password = NEW_PASSWORD
    person.api.call("POST", COMPLETE, {"token": second}).refused(404, "not_found")
    third = sent(person, 3)
    pass_time(moving, HOUR)
    person.sign_in()
    person.api.call("POST", COMPLETE, {"token": third}).refused(404, "not_found")
    assert not is_verified(person)


def test_confirmation_mails_are_limited(moving: Service) -> None:
    """Three an hour; the refusal says when the next one can be sent."""
    person = protected(moving)
    for _ in range(3):
        person.api.call("POST", SEND).expect(202)
    person.api.call("POST", SEND).refused(429, "too_many_attempts")
    assert person.pages().post("/settings/email/confirmation").expect(429).headers["retry-after"]


def test_changed_address_is_proven_by_its_link(moving: Service) -> None:
    """The link went to the new address, so nothing is left to confirm."""
    person = protected(moving)
    address = f"new-{person.email}"
    person.api.call("PUT", "/account/email", {"email": address}).expect(202)
    token = token_in(wait_for_mail(moving, address, "Confirm your new email"), "/change-email/")
    assert not is_verified(person)
    person.api.call("POST", "/account/email/complete", {"token": token}).expect(204)
    assert is_verified(person)


def test_mailed_reset_link_proves_the_address_and_one_by_an_administrator_does_not(moving: Service) -> None:
    """The first was read in the mailbox; the second may have been handed over in any way."""
    person, other = new_user(moving), new_user(moving)
    link = json.loads(moving.command("account", "reset-password", other.email, "--json").stdout)["link"]
    person.api.call("POST", "/password-reset", {"email": person.email}).expect(202)
    mailed = link_in(wait_for_mail(moving, person.email, "Choose a new password"), "/reset-password/")
    for each, path in ((other, urlsplit(link).path), (person, mailed)):
        FormBrowser(moving.url).submit(path, path, new_password=NEW_PASSWORD).expect(200)
        each.password = NEW_PASSWORD
        each.sign_in()
    assert is_verified(person)
    assert not is_verified(other)


def test_operator_can_confirm_an_address(moving: Service) -> None:
    """The command line confirms the addresses of accounts it adds or invites, and notifies a confirmed owner."""
    added, invited, signed_up = User(moving), User(moving), new_user(moving)
    made = moving.command("account", "add", added.email, "--password-file", "-", "--json", stdin=PASSWORD)
    assert json.loads(made.stdout)["email_verified"]
    link = json.loads(moving.command("account", "invite", invited.email, "--json").stdout)["link"]
    FormBrowser(moving.url).submit(urlsplit(link).path, urlsplit(link).path, password=PASSWORD).goes_to("/settings")
    assert shown(moving, invited.email)
    assert not shown(moving, signed_up.email)
    for _ in range(2):
        assert moving.command("account", "confirm-email", signed_up.email).returncode == 0
    assert shown(moving, signed_up.email)
    assert len(wait_for_mails(moving, signed_up.email, 1, CONFIRMED)) == 1


def test_address_that_an_earlier_version_changes_is_no_longer_proven(moving: Service) -> None:
    """A node of that version knows nothing of proofs, so the proof names its address."""
    person = protected(moving)
    person.api.call("POST", COMPLETE, {"token": sent(person)}).expect(204)
    sql = "UPDATE account SET email = :new WHERE email = :old RETURNING id"
    assert len(run_sql(moving, sql, new=f"new-{person.email}", old=person.email)) == 1
    assert not is_verified(person)


@pytest.fixture
def mailing(tmp_path: Path) -> Iterator[tuple[Service, Recorder]]:
    """Yield a service that delivers mail."""
    with Recorder() as recorder, ShiftedService(tmp_path, settings={"mail_url": recorder.url}) as running:
        yield running, recorder


def test_sign_up_by_mail_proves_the_address(mailing: tuple[Service, Recorder]) -> None:
    """The account exists since its link was used."""
    service, recorder = mailing
    person = User(service)
    person.api.sign_up(person.email).expect(202)
    path = recorder.path_to(person.email)
    FormBrowser(service.url).submit(path, path, password=PASSWORD).goes_to("/settings")
    person.sign_in()
    assert is_verified(person)


@pytest.mark.anyio
async def test_service_without_mail_offers_no_link(tmp_path: Path) -> None:
    """Off loopback, mail that is only printed is not delivered: the card says to ask an administrator."""
    async with in_process(tmp_path, base_url="https://login.example.org", registration="open") as browser:
        account = {"email": "ada@example.org", "password": PASSWORD}
        (await browser.post("/sign-up", account)).goes_to("/settings")
        settings = await browser.get("/settings")
        assert "Ask an administrator to confirm your address" in settings.words
        assert "/settings/email/confirmation" not in [form.action for form in settings.forms]
        assert "does not send email" in (await browser.post("/settings/email/confirmation")).expect(409).words


@pytest.mark.anyio
async def test_address_of_a_link_that_was_not_delivered_is_not_proven(tmp_path: Path) -> None:
    """Off loopback without a mail server, the address changes, but is not confirmed."""
    async with in_process(tmp_path, base_url="https://login.example.org") as browser:
        system, email, address = browser.twofold.system, "ada@example.org", "new-ada@example.org"
        password_hash = await system.site.passwords.hash(PASSWORD)
        await system.write(accounts.create, email, password_hash, email_proven=True)
        (await browser.post("/sign-in", {"email": email, "password": PASSWORD})).goes_to("/settings")
        account = await system.write(find_by_email, email)
        token = await system.write(links.create_for_account, "change_email", account, email=address)
        (await browser.post(f"/change-email/{token}")).goes_to("/settings")
        assert (await system.write(find_by_email, address)).email_for_applications == ""


async def find_by_email(uow: UnitOfWork, email: str) -> Account:
    """Return the account with an address."""
    account = await store.by_email(uow.tx, email)
    assert account is not None
    return account
