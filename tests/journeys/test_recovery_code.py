"""The recovery code: it signs in once, is followed by a new one, and leaves the choice about the authenticator."""

import pytest
from playwright.sync_api import expect

from tests.journeys.computer import Computer
from tests.journeys.person import SAVED, Person


@pytest.fixture
def ada(computer: Computer) -> Person:
    """Somebody who is signed out, and will not have the phone at hand."""
    return Person.with_authenticator(computer)


def gives_recovery_code(person: Person, code: str) -> None:
    """From the password to the recovery code, by the way that the code page shows."""
    person.gives_password()
    person.sees("Enter your code")
    person.link("Use your recovery code").click()
    person.sees("Use your recovery code")
    person.field("Recovery code").fill(code)
    person.button("Sign in").click()


def test_a_recovery_code_signs_in_however_it_is_typed(ada: Person) -> None:
    """Small letters and spaces are fine; the new code is shown, and the authenticator may stay."""
    old = ada.recovery_code
    gives_recovery_code(ada, f" {old.lower().replace('-', ' ')} ")
    ada.sees("You are signed in")
    ada.recovery_code = ada.reads_the_recovery_code()
    assert ada.recovery_code != old
    ada.page.get_by_label(SAVED).check()
    ada.button("Keep my authenticator").click()
    ada.sees("User Settings")
    ada.signs_out()
    ada.signs_in()


def test_a_used_recovery_code_is_dead(ada: Person) -> None:
    """The old code is refused, the new one signs in."""
    old = ada.recovery_code
    gives_recovery_code(ada, old)
    new = ada.reads_the_recovery_code()
    ada.signs_out()
    gives_recovery_code(ada, old)
    ada.is_refused("The recovery code you entered is not correct.")
    ada.field("Recovery code").fill(new)
    ada.button("Sign in").click()
    ada.sees("You are signed in")


def test_two_factor_is_set_up_again_on_a_new_phone(ada: Person) -> None:
    """Who lost the phone goes straight to a new set-up, after which the lost phone's codes are worth nothing."""
    lost = ada.phone
    assert lost is not None
    gives_recovery_code(ada, ada.recovery_code)
    ada.page.get_by_label(SAVED).check()
    ada.button("Set up 2FA again").click()
    ada.sets_up_the_app()
    ada.sees("User Settings")
    ada.signs_out()
    ada.gives_password()
    ada.gives_code(lost.code())
    ada.is_refused("The code you entered is not correct.")
    ada.gives_code()
    ada.sees("User Settings")


def test_an_unconfirmed_recovery_code_keeps_a_banner(ada: Person) -> None:
    """Who leaves without saying that the new code is saved is reminded on every page, until it is said."""
    gives_recovery_code(ada, ada.recovery_code)
    ada.sees("You are signed in")
    reminder = ada.page.get_by_role("complementary", name="Recovery code not confirmed")
    for path in ("/settings", "/settings/activity", "/authenticate"):
        ada.opens(path)
        expect(reminder).to_be_visible()
    ada.opens_user_settings()
    ada.button("I have it saved").click()
    expect(reminder).to_have_count(0)


def test_a_recovery_code_is_renewed_on_demand(ada: Person) -> None:
    """Settings replace the code, and never show the one that is there."""
    ada.signs_in()
    old = ada.recovery_code
    expect(ada.section("Recovery code")).to_contain_text("not used")
    expect(ada.page.get_by_text(old)).to_have_count(0)
    ada.button("Replace recovery code").click()
    ada.saves_the_recovery_code()
    assert ada.recovery_code != old


def test_a_recovery_code_authenticates_too(ada: Person) -> None:
    """Grey settings are opened by the recovery code as well; the new one is shown at once."""
    ada.signs_in()
    ada.locks_settings()
    ada.button("Authenticate").click()
    ada.link("Use your recovery code").click()
    ada.password_field().fill(ada.password)
    ada.field("Recovery code").fill(ada.recovery_code)
    ada.button("Authenticate").click()
    ada.saves_the_recovery_code()
    expect(ada.button("Lock now")).to_be_visible()
