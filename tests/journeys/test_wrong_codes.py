"""Wrong codes and passwords explain themselves, are counted, and end what they must."""

import re

import pytest
from playwright.sync_api import expect

from tests.clients import PASSWORD
from tests.journeys.computer import Computer
from tests.journeys.person import Person
from tests.journeys.phone import Phone


@pytest.fixture
def ada(computer: Computer) -> Person:
    """Somebody with an authenticator, signed out."""
    return Person.with_authenticator(computer)


def phone_of(person: Person) -> Phone:
    """The phone of somebody who has one."""
    assert person.phone is not None
    return person.phone


def test_a_wrong_code_says_so_and_how_often_one_may_try(ada: Person) -> None:
    """Empty, too short, wrong: each is told at the field and in the box on top, and a right code still signs in."""
    ada.gives_password()
    ada.gives_code("")
    ada.is_refused("Enter the code.")
    ada.gives_code("12345")
    ada.is_refused("Enter the code using only 6 digits.")
    ada.gives_code(phone_of(ada).wrong_code())
    ada.is_refused("The code you entered is not correct. Check your authenticator app and try again.")
    ada.is_refused("You can try 4 more times.")
    expect(ada.field("Verification code")).to_have_attribute("aria-invalid", "true")
    expect(ada.field("Verification code")).to_have_accessible_description(re.compile("Error: The code you entered"))
    ada.gives_code()
    ada.sees("User Settings")


def test_a_code_works_once(ada: Person) -> None:
    """The code that signed in is told to be used when it comes again."""
    code = ada.code()
    ada.gives_password()
    ada.gives_code(code)
    ada.sees("User Settings")
    ada.signs_out()
    ada.gives_password()
    ada.gives_code(code)
    ada.is_refused("This code has been used. Wait for the next one in your app.")


def test_a_slow_clock_is_told(ada: Person) -> None:
    """A phone three minutes behind is told so at sign-in."""
    ada.gives_password()
    ada.gives_code(phone_of(ada).code_of_step(-6))
    ada.is_refused(re.compile("Your phone's clock looks about [34] minutes slow. Set it to automatic time"))


def test_a_fast_clock_is_told_during_the_set_up(ada: Person) -> None:
    """A phone three minutes ahead is told so when it is set up, and the same QR code stays good."""
    ada.signs_in()
    ada.adds_an_authenticator("Tablet")
    tablet = ada.takes_the_key()
    ada.button("Continue").click()
    ada.verifies(tablet.code_of_step(6))
    ada.is_refused(re.compile("Your phone's clock looks about [34] minutes? fast."))
    ada.verifies(tablet.code())
    ada.is_told("Your authenticator is set up.")


def test_five_wrong_codes_end_the_sign_in(ada: Person) -> None:
    """After the fifth wrong code one has to start again, and is told when."""
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
    ada.is_refused(re.compile(r"There were too many wrong attempts. Try again in \d+ minutes?."))


def test_a_sign_in_expires_after_five_minutes(ada: Person) -> None:
    """Who comes back late is led to the start."""
    ada.gives_password()
    service = ada.computer.service
    service.move_clock(service.clock_offset + 301)
    ada.gives_code()
    ada.sees("This sign-in has expired")
    ada.link("Sign in").click()
    ada.sees(re.compile("^Sign in to"))


def test_wrong_passwords_are_told_and_then_have_to_wait(ada: Person) -> None:
    """The address stays, the password does not; after five wrong ones even the right one waits."""
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


def test_sign_up_names_every_field_at_fault(computer: Computer) -> None:
    """What cannot be taken is told at its field, and the link in the box on top leads there."""
    ada = Person(computer, email="not an address", password="short")
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
