"""Changing the account's address: fresh proof, the new mailbox, and the session that belongs to the account."""

from urllib.parse import urlsplit

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.mailbox import link_in, mails_to, token_in, wait_for_mail, wait_for_mails
from tests.residents import HOUR, Resident, pass_time, protected, resident
from tests.service import Service

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def asked(person: Resident, address: str) -> str:
    """Asks for another address; gives the token that was mailed there."""
    before = len(mails_to(person.service, address, "Confirm"))
    person.api.call("PUT", "/account/email", {"email": address}).must(202)
    return token_in(wait_for_mails(person.service, address, before + 1, "Confirm")[-1], "/change-email/")


def test_the_new_address_signs_in_and_the_old_one_does_not(moving: Service) -> None:
    """From the confirmation on, and not before."""
    person = protected(moving)
    address = f"new-{person.email}"
    token = asked(person, address)
    person.another_browser().sign_in(person.email).must(200)
    person.another_browser().sign_in(address).refused(401, "wrong_credentials")
    person.api.call("POST", "/account/email/complete", {"token": token}).must(204)
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")
    person.another_browser().sign_in(address).must(200)
    assert person.api.session().must(200)["account"]["email"] == address


def test_the_pages_lead_through_it(moving: Service) -> None:
    """The card, the mail, the page that only asks, and back to the settings."""
    person = protected(moving)
    address, browser = f"new-{person.email}", person.pages()
    browser.submit("/settings", "/settings/email", email=f" {address.upper()} ").goes_to("/settings")
    path = link_in(wait_for_mail(moving, address, "Confirm your new email"), "/change-email/")
    for _ in range(2):
        assert address in browser.get(path).must(200).words
    browser.submit(path, path).goes_to("/settings")
    assert f"You sign in with {address}" in browser.get("/settings").must(200).words
    gone = browser.get(path).must(404).words
    assert "no longer works" in gone
    assert "If you have used it, your email is changed already." in gone


def test_the_mailbox_alone_changes_nothing(moving: Service) -> None:
    """Nobody's browser is led to the sign-in; another account's, unlocked as it is, is refused and spends nothing."""
    person, other = protected(moving), resident(moving)
    token = asked(person, f"new-{person.email}")
    path = f"/change-email/{token}"
    stranger = FormBrowser(moving.url)
    stranger.get(path).goes_to("/sign-in")
    stranger.post(path).goes_to("/sign-in")
    other.pages().get(path).must(404)
    other.pages().post(path).must(404)
    other.api.call("POST", "/account/email/complete", {"token": token}).refused(404, "not_found")
    person.api.call("POST", "/account/email/complete", {"token": token}).must(204)


def test_locked_settings_lead_to_proving_oneself_and_back(moving: Service) -> None:
    """A link that is opened later asks for every proof again, and is still good."""
    person = protected(moving)
    path = f"/change-email/{asked(person, f'new-{person.email}')}"
    pass_time(moving, 11 * 60)
    browser = person.pages()
    led = browser.get(path).goes_to("/authenticate")
    assert browser.post(path).location.startswith("/authenticate")
    fields = {"password": PASSWORD, "code": person.code()}
    back = browser.send(browser.get(led.location), "/authenticate", **fields)
    assert urlsplit(back.location).path == path
    browser.submit(path, path).goes_to("/settings")


def test_a_link_lives_an_hour_works_once_and_dies_by_a_newer(moving: Service) -> None:
    """As every link; and with the credentials that it was asked for under."""
    person = protected(moving)
    first = asked(person, f"one-{person.email}")
    second = asked(person, f"two-{person.email}")
    finish_refused(person, first)
    person.api.call("POST", "/account/email/complete", {"token": second}).must(204)
    finish_refused(person, second)
    person = protected(moving)
    late = asked(person, f"late-{person.email}")
    pass_time(moving, HOUR + 1)
    person.sign_in()
    finish_refused(person, late)
    dead = asked(person, f"dead-{person.email}")
    person.api.change_password(NEW_PASSWORD).must(204)
    finish_refused(person, dead)


def finish_refused(person: Resident, token: str) -> None:
    """The link must be dead."""
    person.api.call("POST", "/account/email/complete", {"token": token}).refused(404, "not_found")


def test_an_address_that_somebody_has_is_not_told_to_who_asks(moving: Service) -> None:
    """The answer is the same; the mail goes to its owner and holds no link that could change anything."""
    person, owner = protected(moving), resident(moving)
    free = person.api.call("PUT", "/account/email", {"email": f"new-{person.email}"}).must(202)
    taken = person.api.call("PUT", "/account/email", {"email": owner.email}).must(202)
    assert (free.text, dict(free.headers)) == (taken.text, {**dict(taken.headers), "date": free.headers["date"]})
    mail = wait_for_mail(moving, owner.email, "You have an account")
    assert "/change-email/" not in mail["text"]


def test_an_address_that_is_taken_meanwhile_is_refused(moving: Service) -> None:
    """Two people hold a link to one mailbox: the second is told, and keeps what they had."""
    one, other = protected(moving), protected(moving)
    address = f"shared-{one.email}"
    links = [asked(person, address) for person in (one, other)]
    one.api.call("POST", "/account/email/complete", {"token": links[0]}).must(204)
    other.api.call("POST", "/account/email/complete", {"token": links[1]}).refused(409, "conflict")
    assert other.api.session()["account"]["email"] == other.email


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "x\r\nBcc: y@example.com", "<a>@", "\u202ea@example.com"])
def test_what_is_no_address_is_told_with_the_remedy(moving: Service, email: str) -> None:
    """422 on the field, nothing mailed."""
    person = protected(moving)
    refused = person.api.call("PUT", "/account/email", {"email": email}).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["email"]


def test_ones_own_address_is_no_change(moving: Service) -> None:
    """However it is written."""
    person = protected(moving)
    person.api.call("PUT", "/account/email", {"email": person.email.upper()}).refused(409, "conflict")


def test_changes_are_limited_by_address_and_by_account(moving: Service) -> None:
    """Nobody makes us write to a hundred strangers, or a hundred times to one."""
    person = protected(moving)
    for number in range(3):
        person.api.call("PUT", "/account/email", {"email": f"{number}-{person.email}"}).must(202)
    person.api.call("PUT", "/account/email", {"email": f"3-{person.email}"}).refused(429, "too_many_attempts")
    target = f"target-{person.email}"
    people = [protected(moving) for _ in range(4)]
    answers = [each.api.call("PUT", "/account/email", {"email": target}).status for each in people]
    assert answers == [202, 202, 202, 429]
    assert len(wait_for_mails(moving, target, 3)) == 3
