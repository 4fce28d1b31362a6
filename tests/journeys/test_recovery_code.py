"""The recovery code signs in once, is replaced by a new one, and lets the user keep or replace the authenticator."""

from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Route, expect

from tests.support.browser_person import SAVED, BrowserPerson
from tests.support.computer import Computer


@pytest.fixture
def ada(computer: Computer) -> BrowserPerson:
    """Return a signed-out person without a phone at hand."""
    return BrowserPerson.with_authenticator(computer)


def gives_recovery_code(person: BrowserPerson, code: str) -> None:
    """Sign in with the password, follow the link on the code page, and enter the recovery code."""
    person.gives_password()
    person.sees("Enter your code")
    person.link("Use your recovery code").click()
    person.sees("Use your recovery code")
    person.field("Recovery code").fill(code)
    person.button("Sign in").click()


def test_recovery_code_is_accepted_in_lower_case_and_with_spaces(ada: BrowserPerson) -> None:
    """The new code is shown, and the authenticator may be kept."""
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


def test_used_recovery_code_is_rejected(ada: BrowserPerson) -> None:
    """The new one signs in."""
    old = ada.recovery_code
    gives_recovery_code(ada, old)
    new = ada.reads_the_recovery_code()
    ada.signs_out()
    gives_recovery_code(ada, old)
    ada.is_refused("The recovery code you entered is not correct.")
    ada.field("Recovery code").fill(new)
    ada.button("Sign in").click()
    ada.sees("You are signed in")


def test_2fa_can_be_set_up_on_a_new_phone_with_a_recovery_code(ada: BrowserPerson) -> None:
    """A user who lost the phone can go straight to set-up, after which the lost phone's codes are refused."""
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


def test_banner_stays_until_the_recovery_code_is_confirmed_as_saved(ada: BrowserPerson) -> None:
    """Every page shows the reminder until then."""
    gives_recovery_code(ada, ada.recovery_code)
    ada.sees("You are signed in")
    reminder = ada.page.get_by_role("complementary", name="Recovery code not confirmed")
    for path in ("/settings", "/settings/activity", "/authenticate"):
        ada.opens(path)
        expect(reminder).to_be_visible()
    ada.opens_user_settings()
    ada.button("I have saved it").click()
    expect(reminder).to_have_count(0)


def test_recovery_code_can_be_replaced_in_settings(ada: BrowserPerson) -> None:
    """User Settings can replace the code, but do not show the current one."""
    ada.signs_in()
    old = ada.recovery_code
    expect(ada.section("Recovery code")).to_contain_text("not used")
    expect(ada.page.get_by_text(old)).to_have_count(0)
    ada.button("Replace recovery code").click()
    ada.saves_the_recovery_code()
    assert ada.recovery_code != old


def test_recovery_code_unlocks_settings_and_is_replaced(ada: BrowserPerson) -> None:
    """The new code is shown at once."""
    ada.signs_in()
    ada.locks_settings()
    ada.button("Authenticate").click()
    ada.link("Use your recovery code").click()
    ada.password_field().fill(ada.password)
    ada.field("Recovery code").fill(ada.recovery_code)
    ada.button("Authenticate").click()
    ada.saves_the_recovery_code()
    expect(ada.button("Lock now")).to_be_visible()


def test_pressing_the_button_twice_on_a_slow_connection_shows_a_working_recovery_code(ada: BrowserPerson) -> None:
    """The browser drops the response to the first press, and the page of the second has a valid code."""
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if ada.computer.script or held or route.request.method != "POST":
            route.continue_()
            return
        held.append(route)
        sent = route.request
        body, headers = sent.post_data_buffer, {**sent.all_headers(), "host": urlsplit(sent.url).netloc}
        answer = httpx2.post(sent.url, content=body, headers=headers, trust_env=False)  # done, without a response
        assert answer.status_code == 200, answer.text

    ada.gives_password()
    ada.link("Use your recovery code").click()
    ada.field("Recovery code").fill(ada.recovery_code)
    ada.page.route("**/sign-in/recovery-code", hold_the_first)
    box = ada.button("Sign in").bounding_box()
    assert box is not None
    script = ada.computer.script  # which ignores a second press while the first is in progress
    for _ in range(1 if script else 2):  # with the mouse, because a locator would wait for the first response
        ada.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        ada.page.wait_for_timeout(600)
    ada.sees("You are signed in")
    ada.page.unroute("**/sign-in/recovery-code")
    code = ada.reads_the_recovery_code()
    ada.page.get_by_label(SAVED).check()
    ada.button("Keep my authenticator").click()
    ada.sees("User Settings")
    ada.signs_out()
    gives_recovery_code(ada, code)
    ada.sees("You are signed in")
