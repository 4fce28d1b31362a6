"""Authenticators are replaced without a gap, named, combined and removed."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser_person import QR_CODE, BrowserPerson
from tests.support.computer import SIZES, SMALL, Computer

PLACES = "row => [...row.querySelectorAll('summary, .inline .button')].map(one => [one.offsetLeft, one.offsetTop])"


@pytest.fixture
def ada(computer: Computer) -> BrowserPerson:
    """Return a person with one authenticator and unlocked settings."""
    person = BrowserPerson.with_authenticator(computer)
    person.signs_in()
    return person


def test_old_authenticator_works_until_the_new_one_is_verified(ada: BrowserPerson) -> None:
    """The old app signs in during the set-up of the new one, but not after it."""
    old = ada.phone
    assert old is not None
    ada.button("Replace Authenticator app").click()
    ada.reads("The old one keeps working until the new one is verified.")
    half_done = ada.page.url
    new = ada.takes_the_key()
    assert new.secret != old.secret
    ada.signs_out()
    ada.signs_in()
    ada.opens(half_done)
    ada.button("Continue").click()
    ada.verifies(new.code())
    ada.is_told("Your authenticator is set up.")
    ada.signs_out()
    ada.gives_password()
    ada.gives_code(old.code())
    ada.is_refused("The code you entered is not correct.")
    ada.gives_code(new.code())
    ada.sees("User Settings")


def test_second_authenticator_has_its_own_name_and_can_sign_in(ada: BrowserPerson) -> None:
    """The app shows the same name, and both apps can sign in."""
    ada.adds_an_authenticator("Tablet")
    tablet = ada.takes_the_key()
    expect(ada.link("Open in your authenticator app")).to_have_attribute("href", re.compile("Tablet"))
    ada.button("Continue").click()
    ada.verifies(tablet.code())
    ada.is_told("Your authenticator is set up.")
    ada.signs_out()
    ada.gives_password()
    ada.reads("Tablet")
    ada.gives_code(tablet.code())
    ada.sees("User Settings")
    ada.signs_out()
    ada.signs_in()


def test_authenticator_can_be_renamed(ada: BrowserPerson) -> None:
    """The new name is shown at once, and an empty one is refused at the field."""
    section = ada.section("Authenticators")
    section.get_by_text("Rename").first.click()
    section.get_by_label("New name").fill(" ")
    section.get_by_role("button", name="Save name").click()
    ada.is_refused("Enter a name.")
    expect(section.get_by_label("New name")).to_have_attribute("aria-invalid", "true")
    section.get_by_label("New name").fill("My phone")
    section.get_by_role("button", name="Save name").click()
    ada.is_told("The authenticator was renamed.")
    expect(section.get_by_role("button", name="Remove My phone")).to_be_visible()


def test_opening_the_rename_form_moves_nothing_else(ada: BrowserPerson) -> None:
    """The form opens below, on a desktop and at 320 pixels."""
    row = ada.section("Authenticators").get_by_role("listitem").first
    for size in SIZES:
        ada.page.set_viewport_size(size)
        ada.opens_user_settings()
        before = row.evaluate(PLACES)
        row.locator("summary").click()
        assert row.evaluate(PLACES)[: len(before)] == before
        top = row.get_by_label("New name").evaluate("field => field.offsetTop")
        assert all(top > y for _, y in before)


def test_qr_code_is_centred_on_a_small_screen(ada: BrowserPerson) -> None:
    """The margins on both sides are equal, and the whole code is on the screen."""
    ada.adds_an_authenticator("Tablet")
    ada.page.set_viewport_size(SMALL)
    box = ada.page.get_by_role("img", name=QR_CODE).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert abs(2 * box["x"] + box["width"] - SMALL["width"]) < 2


def test_removing_the_last_authenticator_turns_2fa_off(ada: BrowserPerson) -> None:
    """The page warns before the removal, and then the password alone signs in."""
    ada.button("Remove Authenticator app").click()
    ada.sees("Remove Authenticator app?")
    ada.reads("If you remove it, two-factor authentication is turned off")
    ada.link("Keep it").click()
    ada.button("Remove Authenticator app").click()
    ada.button("Remove authenticator").click()
    ada.is_told("The authenticator was removed.")
    expect(ada.page.get_by_role("radio", name="Disabled")).to_be_checked()
    ada.signs_out()
    ada.gives_password()
    ada.sees("User Settings")


def test_turning_2fa_off_and_on_keeps_the_authenticator(ada: BrowserPerson) -> None:
    """Turning 2FA on again needs no set-up, and shows a new recovery code."""
    first = ada.recovery_code
    ada.chooses_frequency("Disabled")
    ada.signs_out()
    ada.gives_password()
    ada.sees("User Settings")
    section = ada.section("Enable Two-Factor Authentication (2FA)")
    section.get_by_role("radio", name="Once per computer").check()
    section.get_by_role("button", name="Update 2FA Settings").click()
    ada.saves_the_recovery_code()
    assert ada.recovery_code != first
    ada.signs_out()
    ada.signs_in()
