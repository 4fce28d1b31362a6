"""Wrong codes and passwords are explained, counted, and end the sign-in at the limit."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.authenticator_phone import AuthenticatorPhone
from tests.support.browser_person import BrowserPerson
from tests.support.clients import PASSWORD
from tests.support.computer import Computer


@pytest.fixture
def ada(computer: Computer) -> BrowserPerson:
    """Return a signed-out person with an authenticator."""
    return BrowserPerson.with_authenticator(computer)


def phone_of(person: BrowserPerson) -> AuthenticatorPhone:
    """Return a person's phone."""
    assert person.phone is not None
    return person.phone


def test_wrong_code_shows_the_error_and_the_remaining_attempts(ada: BrowserPerson) -> None:
    """Empty, short and wrong codes are explained at the field and in the summary; a right code still works."""
    ada.gives_password()
    ada.gives_code("")
    ada.is_refused("Enter the code.")
    ada.gives_code("12345")
    ada.is_refused("Enter the 6 digits of the code.")
    ada.gives_code(phone_of(ada).wrong_code())
    ada.is_refused("The code you entered is not correct. Check your authenticator app and try again.")
    ada.is_refused("You have 4 attempts left.")
    expect(ada.field("Verification code")).to_have_attribute("aria-invalid", "true")
    expect(ada.field("Verification code")).to_have_accessible_description(re.compile("Error: The code you entered"))
    ada.gives_code()
    ada.sees("User Settings")


def test_used_code_is_rejected_as_used(ada: BrowserPerson) -> None:
    """Entering the code of the last sign-in again shows that it was used."""
    code = ada.code()
    ada.gives_password()
    ada.gives_code(code)
    ada.sees("User Settings")
    ada.signs_out()
    ada.gives_password()
    ada.gives_code(code)
    ada.is_refused("This code has been used. Wait for the next one in your app.")


def test_code_of_a_slow_clock_is_explained_at_sign_in(ada: BrowserPerson) -> None:
    """The error says that the clock of the phone is three minutes behind."""
    ada.gives_password()
    ada.gives_code(phone_of(ada).code_of_step(-6))
    ada.is_refused(re.compile("Your phone's clock seems to be about [34] minutes slow. Set it to automatic time"))


def test_code_of_a_fast_clock_is_explained_during_setup(ada: BrowserPerson) -> None:
    """The error says that the clock is three minutes ahead, and the same QR code stays valid."""
    ada.signs_in()
    ada.adds_an_authenticator("Tablet")
    tablet = ada.takes_the_key()
    ada.button("Continue").click()
    ada.verifies(tablet.code_of_step(6))
    ada.is_refused(re.compile("Your phone's clock seems to be about [34] minutes? fast."))
    ada.verifies(tablet.code())
    ada.is_told("Your authenticator is set up.")


def test_five_wrong_codes_end_the_sign_in(ada: BrowserPerson) -> None:
    """After the fifth wrong code, the page says when to start again."""
    ada.gives_password()
    wrong = phone_of(ada).wrong_code()
    for _ in range(4):
        ada.gives_code(wrong)
        ada.is_refused("The code you entered is not correct.")
    ada.gives_code(wrong)
    ada.sees("This sign-in has expired")
    ada.link("Sign in").click()
    ada.gives_password()
    ada.gives_code()
    ada.is_refused(re.compile(r"Too many wrong attempts. Try again in \d+ minutes?."))


def test_sign_in_expires_after_five_minutes(ada: BrowserPerson) -> None:
    """An expired sign-in starts again with the password."""
    ada.gives_password()
    service = ada.computer.service
    service.move_clock(service.clock_offset + 301)
    ada.gives_code()
    ada.sees("This sign-in has expired")
    ada.link("Sign in").click()
    ada.sees(re.compile("^Sign in to"))


def test_wrong_passwords_show_an_error_and_then_a_wait(ada: BrowserPerson) -> None:
    """The form keeps the address but not the password; after five wrong ones, even the right one has to wait."""
    for _ in range(5):
        ada.gives_password("not-my-password-at-all")
        ada.is_refused(re.compile("."))
        expect(ada.field("Email")).to_have_value(ada.email)
        expect(ada.password_field()).to_have_value("")
    ada.gives_password()
    ada.is_refused(re.compile(r"Try again in 1 minute\."))
    service = ada.computer.service
    service.move_clock(service.clock_offset + 60)
    ada.gives_password()
    ada.sees("Enter your code")


def test_sign_up_shows_an_error_at_every_invalid_field(computer: Computer) -> None:
    """The summary links to each field with an error."""
    ada = BrowserPerson(computer, email="not an address", password="short")
    ada.opens("/sign-up")
    ada.field("Email").fill(ada.email)
    ada.password_field().fill(ada.password)
    ada.button("Create account").click()
    ada.is_refused(re.compile("."))
    ada.page.get_by_role("alert").get_by_role("link").first.click()
    expect(ada.field("Email")).to_be_focused()
    expect(ada.field("Email")).to_have_attribute("aria-invalid", "true")
    ada.email, ada.password = "walnut@example.com", "walnut@example.com"
    ada.field("Email").fill(ada.email)
    ada.password_field().fill(ada.password)
    ada.button("Create account").click()
    ada.is_refused(re.compile("."))
    expect(ada.password_field()).to_have_attribute("aria-invalid", "true")
    assert ada.password != PASSWORD
