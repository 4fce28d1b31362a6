"""Links for the first administrator, invitations and password resets, and sign-up without a link."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser_person import BrowserPerson
from tests.support.computer import Computer
from tests.support.service import Service

LINK = re.compile(r"https?://\S+")


@pytest.fixture(scope="module")
def invite_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service with registration by invitation only."""
    with Service(tmp_path_factory.mktemp("invite"), settings={"registration": "invite"}) as running:
        yield running


@pytest.fixture
def guest(browser: Browser, invite_only: Service, *, script: bool) -> Iterator[BrowserPerson]:
    """Yield a person at a computer, for the invitation-only service."""
    with Computer(browser, invite_only, script=script) as computer:
        yield BrowserPerson(computer)


def link(service: Service, *arguments: str) -> str:
    """Return the link printed by a command."""
    run = service.command(*arguments)
    assert run.returncode == 0, run.stderr
    found = LINK.search(run.stdout)
    assert found is not None, run.stdout
    return found[0]


def chooses_password(person: BrowserPerson, button: str, label: str = "Password") -> None:
    """Fill in a page that asks for a password only."""
    person.password_field(label).fill(person.password)
    person.button(button).click()


def test_first_administrator_link_creates_one_administrator(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, *, script: bool
) -> None:
    """The link is printed at the first start, and works once."""
    folder = tmp_path_factory.mktemp("first")
    with Service(folder) as service, Computer(browser, service, script=script) as computer:
        ada = BrowserPerson(computer)
        first_link = service.first_administrator_link()
        ada.opens(first_link)
        ada.sees("Create the first account")
        ada.field("Email").fill(ada.email)
        chooses_password(ada, "Create account")
        ada.sees("User Settings")
        assert '"administrator": true' in service.command("account", "show", ada.email, "--json").stdout
        ada.opens(first_link)
        ada.sees("This link no longer works")


def test_invitation_creates_one_account(guest: BrowserPerson, invite_only: Service) -> None:
    """The guest chooses a password and is signed in, and the link no longer works."""
    invitation = link(invite_only, "account", "invite", guest.email)
    guest.opens(invitation)
    guest.sees("Accept your invitation")
    expect(guest.field("Email")).to_have_value(guest.email)
    expect(guest.field("Email")).not_to_be_editable()
    chooses_password(guest, "Create account")
    guest.sees("User Settings")
    guest.opens(invitation)
    guest.sees("This link no longer works")


def test_sign_up_page_by_invitation_only_says_whom_to_ask(guest: BrowserPerson) -> None:
    """The sign-in page has no link to sign up."""
    guest.opens("/sign-in")
    expect(guest.link("Create an account")).to_have_count(0)
    guest.opens("/sign-up")
    guest.sees("Sign-up is by invitation")
    expect(guest.password_field()).to_have_count(0)


def test_sign_up_page_of_a_closed_service_says_so(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, *, script: bool
) -> None:
    """The page says that registration is closed."""
    folder = tmp_path_factory.mktemp("closed")
    with (
        Service(folder, settings={"registration": "closed"}) as service,
        Computer(browser, service, script=script) as computer,
    ):
        stranger = BrowserPerson(computer)
        stranger.opens("/sign-up")
        stranger.sees("Sign-up is closed")


def test_reset_link_changes_the_password_and_keeps_2fa_on(computer: Computer, service: Service) -> None:
    """The new password signs in together with a code, and the link works once."""
    ada = BrowserPerson.with_authenticator(computer)
    reset = link(service, "account", "reset-password", ada.email)
    ada.opens(reset)
    ada.sees("Choose a new password")
    ada.password = "short"
    chooses_password(ada, "Change password", "New password")
    ada.is_refused(re.compile("."))
    ada.password = "violet-anchor-meadow-81"
    chooses_password(ada, "Change password", "New password")
    ada.sees("Your password was changed")
    ada.opens(reset)
    ada.sees("This link no longer works")
    ada.signs_in()
