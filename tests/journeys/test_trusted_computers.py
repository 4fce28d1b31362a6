"""Once per computer: a trusted computer is not asked for thirty days, and every other one is."""

import pytest
from playwright.sync_api import expect

from tests.journeys.computer import Computer
from tests.journeys.conftest import Computers
from tests.journeys.person import TRUST, Person

MINUTE, DAY = 60, 86_400


@pytest.fixture
def ada(computer: Computer) -> Person:
    """Somebody under "Once per computer", whose computer is not trusted yet."""
    return Person.with_authenticator(computer, "Once per computer")


def test_a_trusted_computer_is_asked_once_and_every_other_one_too(ada: Person, computers: Computers) -> None:
    """The box is not ticked beforehand; once it was, this computer goes in with the password, another is asked."""
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


def test_a_trusted_computer_does_not_unlock_settings(ada: Person) -> None:
    """Who came in by trust alone finds User Settings grey, and has to show both proofs."""
    ada.signs_in(trust=True)
    ada.signs_out()
    ada.gives_password()
    expect(ada.button("Update 2FA Settings")).to_be_disabled()
    ada.authenticates()
    expect(ada.button("Update 2FA Settings")).to_be_enabled()


def test_a_computer_that_was_not_trusted_is_asked_again(ada: Person) -> None:
    """Without the tick nothing is remembered."""
    ada.signs_in()
    expect(ada.section("Trusted computers")).to_contain_text("No trusted computers.")
    ada.signs_out()
    ada.gives_password()
    ada.sees("Enter your code")


def test_a_forgotten_computer_is_asked_again(ada: Person) -> None:
    """A trusted computer can be renamed, and is asked for a code after it was forgotten."""
    ada.signs_in(trust=True)
    computers = ada.section("Trusted computers")
    computers.get_by_text("Rename").first.click()
    computers.get_by_label("New name").fill("The kitchen table")
    computers.get_by_role("button", name="Save name").click()
    ada.is_told("The computer has its new name.")
    computers.get_by_role("button", name="Forget The kitchen table").click()
    ada.is_told("The computer is forgotten.")
    ada.signs_out()
    ada.gives_password()
    ada.sees("Enter your code")


def test_trust_ends_after_thirty_days(ada: Person) -> None:
    """A minute before thirty days are over the password is enough, a minute after it a code is asked for."""
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


def test_every_log_in_forgets_all_trust(ada: Person) -> None:
    """After a change to "Every log-in" the trusted computer is asked, and trust is no longer offered."""
    ada.signs_in(trust=True)
    ada.chooses_frequency("Every log-in")
    ada.signs_out()
    ada.gives_password()
    ada.sees("Enter your code")
    expect(ada.page.get_by_label(TRUST)).to_have_count(0)


def test_two_people_trust_one_computer_each_for_oneself(ada: Person) -> None:
    """On a shared computer the trust of one person is not the trust of another, and neither loses theirs."""
    ada.signs_in(trust=True)
    ada.signs_out()
    bert = Person.with_authenticator(ada.computer, "Once per computer")
    bert.signs_in(trust=True)
    bert.signs_out()
    for person in (ada, bert):
        person.gives_password()
        person.sees("User Settings")
        person.reads(person.email)
        person.signs_out()
