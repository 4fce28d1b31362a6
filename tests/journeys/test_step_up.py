"""Redirects to Authenticate and back in Chromium, with an authenticator and without one."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.browser_person import SAVED, BrowserPerson
from tests.support.computer import Computer
from tests.support.extended import source_with
from tests.support.phones import FROM_ONE_ADDRESS
from tests.support.service import Service
from tests.support.step_up import STRONGROOM

ADDRESS = "/strongroom?to=%2Fa%2Fb%3Fc%3Dd&scope=openid+profile"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service with a page that demands a second factor within the last minute."""
    folder = tmp_path_factory.mktemp("strongroom")
    with (
        source_with(STRONGROOM, folder),
        Service(folder / "service", movable_clock=True, settings=FROM_ONE_ADDRESS) as running,
    ):
        yield running


def is_in_the_strongroom(person: BrowserPerson) -> None:
    """Check that the page is open at the exact address that was requested."""
    person.sees("The strong room is open")
    expect(person.page).to_have_url(re.compile(re.escape(ADDRESS) + "$"))


def authenticates_to_continue(person: BrowserPerson) -> None:
    """Enter password and code."""
    person.sees("Authenticate to continue")
    person.password_field().fill(person.password)
    person.field("Verification code").fill(person.code())
    person.button("Authenticate").click()


def test_page_that_demands_a_fresh_second_factor_is_reached_after_a_mistake(computer: Computer) -> None:
    """The user signed in with the password on a trusted computer, and first enters a wrong password."""
    ada = BrowserPerson.with_authenticator(computer, "Once per computer")
    ada.signs_in(trust=True)
    ada.signs_out()
    ada.gives_password()
    ada.opens(ADDRESS)
    ada.sees("Authenticate to continue")
    ada.password_field().fill("not-my-password")
    ada.field("Verification code").fill(ada.code())
    ada.button("Authenticate").click()
    ada.is_refused("The password is not correct")
    authenticates_to_continue(ada)
    is_in_the_strongroom(ada)
    ada.opens_user_settings()
    expect(ada.button("Lock now")).to_be_visible()


def test_recovery_code_leads_to_the_page(computer: Computer) -> None:
    """The new code is shown on the way."""
    ada = BrowserPerson.with_authenticator(computer, "Once per computer")
    ada.signs_in(trust=True)
    ada.signs_out()
    ada.gives_password()
    ada.opens(ADDRESS)
    ada.link("Use your recovery code").click()
    ada.sees("Authenticate to continue")
    ada.password_field().fill(ada.password)
    ada.field("Recovery code").fill(ada.recovery_code)
    ada.button("Authenticate").click()
    ada.sees("Save your recovery code")
    ada.page.get_by_label(SAVED).check()
    ada.button("Continue").click()
    is_in_the_strongroom(ada)


def test_user_without_an_authenticator_sets_one_up_on_the_way(computer: Computer) -> None:
    """Set-up and recovery code lead back to the page."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    ada.opens(ADDRESS)
    ada.sees("Set up two-factor authentication")
    ada.button("Add authenticator").click()
    ada.sets_up_the_app()
    ada.sees("Save your recovery code")
    ada.page.get_by_label(SAVED).check()
    ada.button("Continue").click()
    authenticates_to_continue(ada)
    is_in_the_strongroom(ada)


def test_level_that_cannot_be_reached_is_explained(computer: Computer) -> None:
    """No form is shown that could not help."""
    ada = BrowserPerson.with_authenticator(computer)
    ada.signs_in()
    ada.opens("/strongroom/vault")
    ada.sees("A passkey or security key is needed")
    expect(ada.button("Authenticate")).to_have_count(0)
