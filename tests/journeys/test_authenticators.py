"""Authenticators: replaced without a gap, named, several, removed."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.computer import SIZES, SMALL, Computer
from tests.journeys.person import QR_CODE, Person

PLACES = "row => [...row.querySelectorAll('summary, .inline .button')].map(one => [one.offsetLeft, one.offsetTop])"


@pytest.fixture
def ada(computer: Computer) -> Person:
    """Somebody with one authenticator, at unlocked settings."""
    person = Person.with_authenticator(computer)
    person.signs_in()
    return person


def test_the_old_app_works_until_the_new_one_is_proved(ada: Person) -> None:
    """Replacing an app leaves no gap: the old one signs in during the set-up, and never after it."""
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


def test_a_second_authenticator_has_a_name_and_signs_in_too(ada: Person) -> None:
    """A second app gets its own name, which the app shows as well; either of the two signs in."""
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


def test_an_authenticator_is_renamed(ada: Person) -> None:
    """A new name is shown at once; an empty one is refused where it was typed."""
    section = ada.section("Authenticators")
    section.get_by_text("Rename").first.click()
    section.get_by_label("New name").fill(" ")
    section.get_by_role("button", name="Save name").click()
    ada.is_refused("Enter a name.")
    expect(section.get_by_label("New name")).to_have_attribute("aria-invalid", "true")
    section.get_by_label("New name").fill("My phone")
    section.get_by_role("button", name="Save name").click()
    ada.is_told("The authenticator has its new name.")
    expect(section.get_by_role("button", name="Remove My phone")).to_be_visible()


def test_nothing_moves_under_the_pointer_when_a_name_is_edited(ada: Person) -> None:
    """The form opens below; Rename and its neighbours stay where they were, on a desktop and at 320 pixels."""
    row = ada.section("Authenticators").get_by_role("listitem").first
    for size in SIZES:
        ada.page.set_viewport_size(size)
        ada.opens_user_settings()
        before = row.evaluate(PLACES)
        row.locator("summary").click()
        assert row.evaluate(PLACES)[: len(before)] == before
        top = row.get_by_label("New name").evaluate("field => field.offsetTop")
        assert all(top > y for _, y in before)


def test_the_qr_code_stands_in_the_middle_of_a_small_screen(ada: Person) -> None:
    """As much white to its left as to its right, and all of it on the screen."""
    ada.adds_an_authenticator("Tablet")
    ada.page.set_viewport_size(SMALL)
    box = ada.page.get_by_role("img", name=QR_CODE).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert abs(2 * box["x"] + box["width"] - SMALL["width"]) < 2


def test_removing_the_last_authenticator_turns_two_factor_off(ada: Person) -> None:
    """Before the only authenticator goes the page says what that means; then the password alone signs in."""
    ada.button("Remove Authenticator app").click()
    ada.sees("Remove Authenticator app?")
    ada.reads("Removing it turns two-factor authentication off")
    ada.link("Keep it").click()
    ada.button("Remove Authenticator app").click()
    ada.button("Remove authenticator").click()
    ada.is_told("The authenticator is removed.")
    expect(ada.page.get_by_role("radio", name="Disabled")).to_be_checked()
    ada.signs_out()
    ada.gives_password()
    ada.sees("User Settings")


def test_two_factor_switched_off_and_on_remembers_the_app(ada: Person) -> None:
    """Disabled keeps the authenticator for next time: switching on again asks for no set-up and gives a new code."""
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
