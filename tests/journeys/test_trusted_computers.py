"""Once per computer: a trusted computer needs no code for thirty days, and every other one does."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Computers
from tests.support.browser_person import TRUST, BrowserPerson
from tests.support.computer import Computer

MINUTE, DAY = 60, 86_400


@pytest.fixture
def ada(computer: Computer) -> BrowserPerson:
    """Return a person under "Once per computer" whose computer is not trusted yet."""
    return BrowserPerson.with_authenticator(computer, "Once per computer")


def test_trusted_computer_skips_the_code_and_another_computer_does_not(
    ada: BrowserPerson, computers: Computers
) -> None:
    """The checkbox is off by default; with it, this computer needs only the password, and another one a code."""
    ada.gives_password()
    expect(ada.page.get_by_label(TRUST)).not_to_be_checked()
    ada.gives_code(trust=True)
    ada.sees("User Settings")
    ada.signs_out()
    ada.gives_password()
    ada.sees("User Settings")
    expect(ada.section("Trusted computers").get_by_text("This computer")).to_be_visible()
    ada.moves_to(computers())
    ada.gives_password()
    ada.sees("Enter your code")


def test_sign_in_on_a_trusted_computer_leaves_settings_locked(ada: BrowserPerson) -> None:
    """User Settings are greyed out, and need both password and code."""
    ada.signs_in(trust=True)
    ada.signs_out()
    ada.gives_password()
    expect(ada.button("Update 2FA Settings")).to_be_disabled()
    ada.authenticates()
    expect(ada.button("Update 2FA Settings")).to_be_enabled()


def test_untrusted_computer_is_asked_for_a_code_again(ada: BrowserPerson) -> None:
    """Nothing is stored if the checkbox is off."""
    ada.signs_in()
    expect(ada.section("Trusted computers")).to_contain_text("No trusted computers.")
    ada.signs_out()
    ada.gives_password()
    ada.sees("Enter your code")


def test_forgotten_computer_is_asked_for_a_code_again(ada: BrowserPerson) -> None:
    """A trusted computer can be renamed, and needs a code after it was forgotten."""
    ada.signs_in(trust=True)
    computers = ada.section("Trusted computers")
    computers.get_by_text("Rename").first.click()
    computers.get_by_label("New name").fill("The kitchen table")
    computers.get_by_role("button", name="Save name").click()
    ada.is_told("The computer was renamed.")
    computers.get_by_role("button", name="Forget The kitchen table").click()
    ada.is_told("The computer is no longer trusted.")
    ada.signs_out()
    ada.gives_password()
    ada.sees("Enter your code")


def test_trust_ends_after_thirty_days(ada: BrowserPerson) -> None:
    """A minute before, the password is enough; a minute after, a code is needed."""
    service = ada.computer.service
    ada.signs_in(trust=True)
    trusted_at = service.clock_offset
    service.move_clock(trusted_at + 30 * DAY - MINUTE)
    ada.gives_password()
    ada.sees("User Settings")
    ada.signs_out()
    service.move_clock(trusted_at + 30 * DAY + MINUTE)
    ada.gives_password()
    ada.gives_code()
    ada.sees("User Settings")


def test_policy_every_log_in_ends_all_trust(ada: BrowserPerson) -> None:
    """After a change to "Every log-in", the trusted computer needs a code, and trust is no longer offered."""
    ada.signs_in(trust=True)
    ada.chooses_frequency("Every log-in")
    ada.signs_out()
    ada.gives_password()
    ada.sees("Enter your code")
    expect(ada.page.get_by_label(TRUST)).to_have_count(0)


def test_two_accounts_trust_a_shared_computer_independently(ada: BrowserPerson) -> None:
    """The trust of one person does not apply to the other, and neither ends the other's."""
    ada.signs_in(trust=True)
    ada.signs_out()
    bert = BrowserPerson.with_authenticator(ada.computer, "Once per computer")
    bert.signs_in(trust=True)
    bert.signs_out()
    for person in (ada, bert):
        person.gives_password()
        person.sees("User Settings")
        person.reads(person.email)
        person.signs_out()
