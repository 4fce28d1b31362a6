"""Links that are handed over: the first administrator's, invitations, new passwords; and who may sign up without."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.computer import Computer
from tests.journeys.person import Person
from tests.service import Service

LINK = re.compile(r"https?://\S+")


@pytest.fixture(scope="module")
def invite_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service to which one is invited."""
    with Service(tmp_path_factory.mktemp("invite"), settings={"registration": "invite"}) as running:
        yield running


@pytest.fixture
def guest(browser: Browser, invite_only: Service, *, script: bool) -> Iterator[Person]:
    """Somebody at a computer beside the service to which one is invited."""
    with Computer(browser, invite_only, script=script) as computer:
        yield Person(computer)


def link(service: Service, *arguments: str) -> str:
    """The link that a command prints."""
    run = service.command(*arguments)
    assert run.returncode == 0, run.stderr
    found = LINK.search(run.stdout)
    assert found is not None, run.stdout
    return found[0]


def chooses_password(person: Person, button: str, label: str = "Password") -> None:
    """Fills in a page that asks for a password only."""
    person.password_field(label).fill(person.password)
    person.button(button).click()


def test_the_first_link_makes_an_administrator(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, *, script: bool
) -> None:
    """The link that the server prints at its first start makes one administrator, once."""
    folder = tmp_path_factory.mktemp("first")
    with Service(folder) as service, Computer(browser, service, script=script) as computer:
        ada = Person(computer)
        first_link = service.first_administrator_link()
        ada.opens(first_link)
        ada.sees("Create the first account")
        ada.field("Email").fill(ada.email)
        chooses_password(ada, "Create account")
        ada.sees("User Settings")
        assert '"administrator": true' in service.command("account", "show", ada.email, "--json").stdout
        ada.opens(first_link)
        ada.sees("This link no longer works")


def test_an_invitation_makes_an_account_once(guest: Person, invite_only: Service) -> None:
    """An invited person chooses a password for the invited address, is signed in, and the link is used up."""
    invitation = link(invite_only, "account", "invite", guest.email)
    guest.opens(invitation)
    guest.sees("Accept your invitation")
    expect(guest.field("Email")).to_have_value(guest.email)
    expect(guest.field("Email")).not_to_be_editable()
    chooses_password(guest, "Create account")
    guest.sees("User Settings")
    guest.opens(invitation)
    guest.sees("This link no longer works")


def test_nobody_signs_up_where_one_is_invited(guest: Person) -> None:
    """The sign-in page offers no sign-up, and the sign-up page says whom to ask."""
    guest.opens("/sign-in")
    expect(guest.link("Create an account")).to_have_count(0)
    guest.opens("/sign-up")
    guest.sees("Sign-up is by invitation")
    expect(guest.password_field()).to_have_count(0)


def test_nobody_signs_up_at_a_closed_service(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, *, script: bool
) -> None:
    """A closed service says so."""
    folder = tmp_path_factory.mktemp("closed")
    with (
        Service(folder, settings={"registration": "closed"}) as service,
        Computer(browser, service, script=script) as computer,
    ):
        stranger = Person(computer)
        stranger.opens("/sign-up")
        stranger.sees("Sign-up is closed")


def test_a_reset_link_changes_the_password_and_leaves_two_factor_on(computer: Computer, service: Service) -> None:
    """The new password signs in, with a code as before; the link works once."""
    ada = Person.with_authenticator(computer)
    reset = link(service, "account", "reset-password", ada.email)
    ada.opens(reset)
    ada.sees("Choose a new password")
    ada.password = "short"
    chooses_password(ada, "Change password", "New password")
    ada.is_refused(re.compile("."))
    ada.password = "violet-anchor-meadow-81"
    chooses_password(ada, "Change password", "New password")
    ada.sees("Your password is changed")
    ada.opens(reset)
    ada.sees("This link no longer works")
    ada.signs_in()
