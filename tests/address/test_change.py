"""Changing the account's address: fresh proof, the new mailbox, and the session that belongs to the account."""

from urllib.parse import urlsplit

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.mailbox import link_in, mails_to, token_in, wait_for_mail, wait_for_mails
from tests.support.service import Service
from tests.support.users import HOUR, User, new_user, pass_time, protected

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def asked(person: User, address: str) -> str:
    """Request another email, and return the token that was mailed to it."""
    before = len(mails_to(person.service, address, "Confirm"))
    person.api.call("PUT", "/account/email", {"email": address}).expect(202)
    return token_in(wait_for_mails(person.service, address, before + 1, "Confirm")[-1], "/change-email/")


def test_only_the_new_email_signs_in_after_confirmation(moving: Service) -> None:
    """From the confirmation on, and not before."""
    person = protected(moving)
    address = f"new-{person.email}"
    token = asked(person, address)
    person.another_browser().sign_in(person.email).expect(200)
    person.another_browser().sign_in(address).refused(401, "wrong_credentials")
    person.api.call("POST", "/account/email/complete", {"token": token}).expect(204)
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")
    person.another_browser().sign_in(address).expect(200)
    assert person.api.session().expect(200)["account"]["email"] == address


def test_change_of_email_works_through_the_pages(moving: Service) -> None:
    """The card, the mail, the page that only asks, and back to the settings."""
    person = protected(moving)
    address, browser = f"new-{person.email}", person.pages()
    browser.submit("/settings", "/settings/email", email=f" {address.upper()} ").goes_to("/settings")
    path = link_in(wait_for_mail(moving, address, "Confirm your new email"), "/change-email/")
    for _ in range(2):
        assert address in browser.get(path).expect(200).words
    browser.submit(path, path).goes_to("/settings")
    assert f"You sign in with {address}" in browser.get("/settings").expect(200).words
    gone = browser.get(path).expect(404).words
    assert "no longer works" in gone
    assert "your email address has already been changed" in gone


def test_confirmation_link_of_a_new_email_requires_the_account(moving: Service) -> None:
    """An anonymous browser signs in first; another account is refused and does not consume the link."""
    person, other = protected(moving), new_user(moving)
    token = asked(person, f"new-{person.email}")
    path = f"/change-email/{token}"
    stranger = FormBrowser(moving.url)
    stranger.get(path).goes_to("/sign-in")
    stranger.post(path).goes_to("/sign-in")
    other.pages().get(path).expect(404)
    other.pages().post(path).expect(404)
    other.api.call("POST", "/account/email/complete", {"token": token}).refused(404, "not_found")
    person.api.call("POST", "/account/email/complete", {"token": token}).expect(204)


def test_confirmation_with_locked_settings_leads_to_authenticate_and_back(moving: Service) -> None:
    """A link that is opened later requires every proof again, and is still valid."""
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


def test_confirmation_link_of_a_new_email_expires_or_is_replaced(moving: Service) -> None:
    """It also ends when the credentials change."""
    person = protected(moving)
    first = asked(person, f"one-{person.email}")
    second = asked(person, f"two-{person.email}")
    finish_refused(person, first)
    person.api.call("POST", "/account/email/complete", {"token": second}).expect(204)
    finish_refused(person, second)
    person = protected(moving)
    late = asked(person, f"late-{person.email}")
    pass_time(moving, HOUR + 1)
    person.sign_in()
    finish_refused(person, late)
    dead = asked(person, f"dead-{person.email}")
    person.api.change_password(NEW_PASSWORD).expect(204)
    finish_refused(person, dead)


def finish_refused(person: User, token: str) -> None:
    """Check that the link is rejected."""
    person.api.call("POST", "/account/email/complete", {"token": token}).refused(404, "not_found")


def test_changing_to_a_taken_email_gets_the_same_response(moving: Service) -> None:
    """The mail to its owner contains no link that could change anything."""
    person, owner = protected(moving), new_user(moving)
    free = person.api.call("PUT", "/account/email", {"email": f"new-{person.email}"}).expect(202)
    taken = person.api.call("PUT", "/account/email", {"email": owner.email}).expect(202)
    assert (free.text, dict(free.headers)) == (taken.text, {**dict(taken.headers), "date": free.headers["date"]})
    mail = wait_for_mail(moving, owner.email, "You already have an account")
    assert "/change-email/" not in mail["text"]


def test_confirming_an_email_taken_meanwhile_is_refused(moving: Service) -> None:
    """When two people hold a link to one mailbox, the second is refused and keeps the old email."""
    one, other = protected(moving), protected(moving)
    address = f"shared-{one.email}"
    links = [asked(person, address) for person in (one, other)]
    one.api.call("POST", "/account/email/complete", {"token": links[0]}).expect(204)
    other.api.call("POST", "/account/email/complete", {"token": links[1]}).refused(409, "conflict")
    assert other.api.session()["account"]["email"] == other.email


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "x\r\nBcc: y@example.com", "<a>@", "a\u202eb@example.com"])
def test_changing_to_a_malformed_email_is_refused_with_advice(moving: Service, email: str) -> None:
    """422 on the field, nothing mailed."""
    person = protected(moving)
    refused = person.api.call("PUT", "/account/email", {"email": email}).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["email"]


def test_changing_to_the_same_email_is_refused(moving: Service) -> None:
    """However it is written."""
    person = protected(moving)
    person.api.call("PUT", "/account/email", {"email": person.email.upper()}).refused(409, "conflict")


def test_changes_of_email_are_limited_by_email_and_by_account(moving: Service) -> None:
    """No one can make the service mail a hundred strangers, or one stranger a hundred times."""
    person = protected(moving)
    for number in range(3):
        person.api.call("PUT", "/account/email", {"email": f"{number}-{person.email}"}).expect(202)
    person.api.call("PUT", "/account/email", {"email": f"3-{person.email}"}).refused(429, "too_many_attempts")
    target = f"target-{person.email}"
    people = [protected(moving) for _ in range(4)]
    answers = [each.api.call("PUT", "/account/email", {"email": target}).status for each in people]
    assert answers == [202, 202, 202, 429]
    assert len(wait_for_mails(moving, target, 3)) == 3
