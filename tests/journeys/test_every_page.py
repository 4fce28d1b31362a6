"""Every page in every state is accessible: axe finds nothing at WCAG 2.2 AA, and 320 pixels are enough."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.test_links import link
from tests.support.authenticator_phone import AuthenticatorPhone
from tests.support.browser_person import BrowserPerson
from tests.support.clients import Api
from tests.support.computer import Computer
from tests.support.gallery import Gallery
from tests.support.mailbox import link_in, wait_for_mail
from tests.support.phones import Phone as Called
from tests.support.recorder import Recorder
from tests.support.service import Service

APPS = """
[[apps]]
name = "Team wiki"
url = "https://wiki.example.org/"

[[apps]]
name = "Büchersammlungsverwaltungsprogramm"
url = "https://books.example.org/"
"""


@pytest.fixture
def computer(browser: Browser, service: Service) -> Iterator[Computer]:
    """Yield a computer with JavaScript, which axe needs."""
    with Computer(browser, service) as opened:
        yield opened


@pytest.fixture
def gallery(computer: Computer) -> Iterator[Gallery]:
    """Yield the gallery, and fail at the end with all violations."""
    opened = Gallery(computer.page)
    yield opened
    opened.close()


def test_sign_up_sign_in_and_error_pages_are_accessible(computer: Computer, gallery: Gallery, service: Service) -> None:
    """This covers sign-up, sign-in with its errors, links, and missing pages."""
    ada = BrowserPerson(computer)
    ada.opens("/sign-up")
    gallery.shows("sign-up", "Create your account")
    ada.button("Create account").click()
    gallery.shows("sign-up-refused", "Create your account")
    ada.opens("/sign-in")
    gallery.shows("sign-in", "Sign in to localhost")
    ada.link("Forgot your password?").click()
    gallery.shows("forgot-password", "Forgot your password?")
    ada.button("Send link").click()
    gallery.shows("forgot-password-refused", "Forgot your password?")
    ada.field("Email").fill("nobody@example.com")
    ada.button("Send link").click()
    gallery.shows("forgot-password-sent", "Check your email")
    ada.opens("/sign-in")
    ada.gives_password("not-my-password")
    gallery.shows("sign-in-refused", "Sign in to localhost")
    for _ in range(5):
        ada.gives_password("not-my-password")
        ada.page.get_by_role("alert").wait_for()
    gallery.shows("sign-in-locked", "Sign in to localhost")
    ada.opens("/signed-out")
    gallery.shows("signed-out", "You are signed out")
    ada.opens("/nothing/here")
    gallery.shows("not-found", "Nothing was found here")
    ada.opens("/sign-out")
    gallery.shows("not-allowed", "This action is not available here")
    ada.opens("/sign-in/code")
    gallery.shows("cookie-not-kept", "Your browser did not save our cookie")
    ada.opens("/api/v1/docs")
    gallery.shows("api-docs", "Twofold API of localhost")
    ada.opens(service.first_administrator_link())
    gallery.shows("first-administrator", "Create the first account")
    ada.opens("/setup/no-such-link")
    gallery.shows("sign-up-link-gone", "This link no longer works")
    ada.opens(link(service, "account", "invite", "guest@example.com"))
    gallery.shows("invitation", "Accept your invitation")


def test_start_page_and_the_link_to_it_are_accessible(browser: Browser, tmp_path: Path) -> None:
    """With a long address of the site's name, which must leave room for the link at 320 pixels."""
    settings = {"gate_apps": APPS, "site_name": "Accounts of the Example Association"}
    with Service(tmp_path, settings=settings) as service, Computer(browser, service) as computer:
        gallery, ada = Gallery(computer.page), BrowserPerson(computer)
        ada.signs_up()
        ada.opens("/")
        gallery.shows("start", "Your applications")
        ada.opens("/settings")
        gallery.shows("settings-with-start", "User Settings")
        ada.link("Applications").click()
        ada.page.get_by_role("heading", name="Your applications").wait_for()
        gallery.close()


def test_password_reset_pages_are_accessible(computer: Computer, gallery: Gallery, service: Service) -> None:
    """This covers the page of the link, its error, its success and a used link."""
    ada = BrowserPerson.with_authenticator(computer)
    reset = link(service, "account", "reset-password", ada.email)
    ada.opens(reset)
    gallery.shows("reset", "Choose a new password")
    ada.button("Change password").click()
    gallery.shows("reset-refused", "Choose a new password")
    ada.password_field("New password").fill("violet-anchor-meadow-81")
    ada.button("Change password").click()
    gallery.shows("reset-done", "Your password was changed")
    ada.opens(reset)
    gallery.shows("reset-link-gone", "This link no longer works")


def test_address_and_deletion_pages_are_accessible(computer: Computer, gallery: Gallery, service: Service) -> None:
    """This covers the card, the page of each mailed link, its success, and deletion of the account in two steps."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    ada.button(f"Send link {ada.email}").click()
    gallery.shows("settings-confirmation-sent", "User Settings")
    path = link_in(wait_for_mail(service, ada.email, "Confirm your email address"), "/confirm-email/")
    ada.opens(path)
    gallery.shows("address-confirm", "Confirm your email address")
    ada.button("Confirm email").click()
    gallery.shows("settings-address-confirmed", "User Settings")
    ada.opens(path)
    gallery.shows("confirmation-link-gone", "This link no longer works")
    ada.opens_user_settings()
    ada.field("Name").fill("x" * 129)
    ada.button("Save profile").click()
    gallery.shows("settings-name-refused", "User Settings")
    ada.field("Name").fill("Ada " * 32)
    ada.button("Save profile").click()
    gallery.shows("settings-name-saved", "User Settings")
    ada.section("Email").get_by_label("New email").fill("nobody")
    ada.button("Change email").click()
    gallery.shows("settings-email-refused", "User Settings")
    ada.section("Email").get_by_label("New email").fill(f"new-{ada.email}")
    ada.button("Change email").click()
    gallery.shows("settings-email-sent", "User Settings")
    path = link_in(wait_for_mail(service, f"new-{ada.email}", "Confirm your new email"), "/change-email/")
    ada.opens(path)
    gallery.shows("email-confirm", "Confirm your new email")
    ada.button("Change email").click()
    gallery.shows("settings-email-changed", "User Settings")
    ada.opens(path)
    gallery.shows("email-link-gone", "This link no longer works")
    ada.opens_user_settings()
    ada.button("Delete my account").click()
    gallery.shows("delete", "Delete your account?")
    ada.button("Delete my account permanently").click()
    gallery.shows("deleted", "Your account was deleted")


def test_email_confirmation_pages_are_accessible(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With mail configured, this covers the mailbox, the page of the link with its error, and its success."""
    folder = tmp_path_factory.mktemp("mailing")
    with (
        Recorder() as recorder,
        Service(folder, settings={"mail_url": recorder.url}) as service,
        Computer(browser, service) as computer,
    ):
        ada, gallery = BrowserPerson(computer), Gallery(computer.page)
        ada.opens("/sign-up")
        ada.field("Email").fill(ada.email)
        ada.password_field().fill(ada.password)
        ada.button("Create account").click()
        gallery.shows("sign-up-mailed", "Check your email")
        path = recorder.path_to(ada.email)
        ada.opens(path)
        gallery.shows("sign-up-confirm", "Confirm your email")
        ada.password_field().fill("not-my-password")
        ada.button("Create account").click()
        gallery.shows("sign-up-confirm-refused", "Confirm your email")
        ada.password_field().fill(ada.password)
        ada.button("Create account").click()
        gallery.shows("sign-up-confirmed", "User Settings")
        gallery.close()


def test_invitation_only_and_closed_sign_up_pages_are_accessible(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """This covers both settings of registration."""
    for registration, heading in (("invite", "Sign-up is by invitation"), ("closed", "Sign-up is closed")):
        folder, settings = tmp_path_factory.mktemp(registration), {"registration": registration}
        with Service(folder, settings=settings) as service, Computer(browser, service) as computer:
            computer.page.goto("/sign-up")
            gallery = Gallery(computer.page)
            gallery.shows(f"sign-up-{registration}", heading)
            gallery.close()


def test_factor_setup_pages_are_accessible(computer: Computer, gallery: Gallery) -> None:
    """This covers every step from empty settings to the recovery code, with every error."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    gallery.shows("settings-empty", "User Settings")
    ada.opens("/authenticate?level=2fa&return_to=%2Fsettings%2Factivity")
    gallery.shows("set-up-needed", "Set up two-factor authentication")
    ada.locks_settings()
    gallery.shows("settings-empty-locked", "User Settings")
    ada.button("Authenticate").click()
    gallery.shows("authenticate-password", "Authenticate to make changes")
    ada.button("Authenticate").click()
    gallery.shows("authenticate-refused", "Authenticate to make changes")
    ada.opens_user_settings()
    ada.authenticates()
    ada.chooses_frequency("Once per computer")
    gallery.shows("settings-not-finished", "User Settings")
    ada.chooses_method("TOTP authenticator app")
    gallery.shows("set-up-scan", "Set up your authenticator app")
    ada.phone = ada.takes_the_key()
    ada.reads_the_key()
    ada.page.get_by_text("I don't have an app").click()
    ada.button("Continue").click()
    gallery.shows("set-up-all-open", "Set up your authenticator app")
    ada.verifies("")
    gallery.shows("set-up-code-refused", "Enter the code from your app")
    ada.verifies(ada.phone.code_of_step(6))
    gallery.shows("set-up-clock-off", "Enter the code from your app")
    ada.verifies(ada.code())
    gallery.shows("recovery-code", "Save your recovery code")
    ada.page.reload()
    gallery.shows("recovery-code-shown-already", "Your recovery code was already shown")
    ada.opens("/settings/factors/nothing/verify")
    gallery.shows("set-up-gone", "Nothing was found here")


def test_second_step_of_sign_in_pages_are_accessible(computer: Computer, gallery: Gallery) -> None:
    """This covers the second step with all its errors, and the recovery code."""
    ada = BrowserPerson.with_authenticator(computer, "Once per computer")
    ada.gives_password()
    gallery.shows("code", "Enter your code")
    ada.page.get_by_text("Problems with the code?").click()
    gallery.shows("code-help", "Enter your code")
    assert ada.phone is not None
    ada.gives_code(ada.phone.wrong_code(), trust=True)
    gallery.shows("code-refused", "Enter your code")
    ada.gives_code(ada.phone.code_of_step(-5))
    gallery.shows("code-clock-off", "Enter your code")
    ada.link("Use your recovery code").click()
    gallery.shows("recover", "Use your recovery code")
    ada.field("Recovery code").fill("A" * 25)
    ada.button("Sign in").click()
    gallery.shows("recover-refused", "Use your recovery code")
    ada.field("Recovery code").fill(ada.recovery_code)
    ada.button("Sign in").click()
    gallery.shows("recovered", "You are signed in")
    ada.signs_out()
    for tries in (4, 1):  # the fifth in one sign-in would end it; five in total reach the account's limit here
        ada.gives_password()
        for _ in range(tries):
            ada.gives_code(ada.phone.wrong_code())
            ada.page.get_by_role("alert").wait_for()
    ada.gives_code()
    gallery.shows("code-locked", "Enter your code")


def test_settings_pages_of_a_full_account_are_accessible(
    computer: Computer, gallery: Gallery, service: Service
) -> None:
    """This covers unlocked and locked settings, errors, and the pages they lead to."""
    ada = BrowserPerson.with_authenticator(computer, "Once per computer")
    fills(ada, service)
    ada.signs_in(trust=True)
    gallery.shows("settings-full", "User Settings")
    ada.page.get_by_text("Rename").first.click()
    ada.section("Authenticators").get_by_label("New name").first.fill("")
    ada.button("Save name").first.click()
    gallery.shows("settings-refused", "User Settings")
    ada.opens("/settings/activity")
    ada.page.get_by_text("Wasn't you? Secure your account").click()
    gallery.shows("activity", "Activity")
    ada.opens_user_settings()
    ada.page.get_by_role("button", name="Remove Authenticator app").first.click()
    gallery.shows("remove", "Remove Authenticator app?")
    ada.locks_settings()
    gallery.shows("settings-full-locked", "User Settings")
    ada.button("Authenticate").click()
    gallery.shows("authenticate-code", "Authenticate to make changes")
    ada.link("Use your recovery code").click()
    gallery.shows("authenticate-recovery-code", "Authenticate to make changes")
    ada.password_field().fill(ada.password)
    ada.field("Recovery code").fill("nothing like it")
    ada.button("Authenticate").click()
    gallery.shows("authenticate-recovery-code-refused", "Authenticate to make changes")
    ada.opens("/authenticate?level=2fa&since=9999999999&return_to=%2Fsettings%2Factivity")
    gallery.shows("authenticate-to-continue", "Authenticate to continue")
    ada.opens("/authenticate?level=phr")
    gallery.shows("level-unavailable", "A passkey or security key is needed")


def test_phone_pages_are_accessible(computer: Computer, gallery: Gallery, service: Service) -> None:
    """This covers a number and its code, at sign-in and Authenticate, with every error."""
    ada, phone = BrowserPerson(computer), Called(service.url)
    ada.signs_up()
    ada.chooses_method("Text message")
    gallery.shows("phone-number", "Get codes by text message")
    ada.page.get_by_text("How secure is this?").click()
    ada.field("Phone number").fill("12")
    ada.button("Send code").click()
    gallery.shows("phone-number-refused", "Get codes by text message")
    ada.field("Phone number").fill(phone.number)
    ada.button("Send code").click()
    gallery.shows("phone-code", "Enter the code we sent")
    ada.button("Send a new code").click()
    gallery.shows("phone-code-too-soon", "Enter the code we sent")
    ada.field("Verification code").fill(phone.wrong_code())
    ada.button("Verify").click()
    gallery.shows("phone-code-refused", "Enter the code we sent")
    ada.opens(f"{ada.page.url.removesuffix('/verify')}?sent=no")
    gallery.shows("phone-code-not-sent", "Enter the code we sent")
    ada.field("Verification code").fill(phone.code())
    ada.button("Verify").click()
    ada.saves_the_recovery_code()
    begins_a_call_and_an_app(ada, phone, service)
    ada.opens_user_settings()
    gallery.shows("settings-phone", "User Settings")
    ada.button("Remove Phone").click()
    gallery.shows("remove-phone", "Remove Phone?")
    ada.locks_settings()
    ada.button("Authenticate").click()
    gallery.shows("authenticate-send", "Authenticate to make changes")
    ada.button("Send code").click()
    gallery.shows("authenticate-sent", "Authenticate to make changes")
    ada.signs_out()
    ada.gives_password()
    gallery.shows("code-not-sent", "Enter your code")
    service.move_clock(service.clock_offset + 3600)
    ada.gives_password()
    gallery.shows("code-sent", "Enter your code")
    ada.page.get_by_text("Problems with the code?").click()
    ada.button("Send a new code").click()
    gallery.shows("code-too-soon", "Enter your code")
    ada.gives_code(phone.wrong_code())
    gallery.shows("code-sent-refused", "Enter your code")
    ada.link("Authenticator app").click()
    gallery.shows("code-of-the-app", "Enter your code")


def begins_a_call_and_an_app(person: BrowserPerson, phone: Called, service: Service) -> None:
    """Set up all three methods in one account with the API."""
    with Api(service.url) as api:
        factor_id = api.sign_in(person.email, person.password).expect(200)["default_factor_id"]
        service.move_clock(service.clock_offset + 60)
        api.send_code(factor_id).expect(202)
        api.give_code(phone.code()).expect(200)
        begun = api.begin_phone("voice", phone.number, name="Landline in the hall").expect(201)
        api.verify(begun["id"], phone.code()).expect(200)
        begun = api.begin_totp().expect(201)
        api.verify(begun["id"], AuthenticatorPhone(begun["secret"], service).code()).expect(200)
    service.move_clock(service.clock_offset + 3600)
    person.gives_password()
    person.gives_code(phone.code())
    person.sees("User Settings")


def fills(person: BrowserPerson, service: Service) -> None:
    """Add the maximum number of authenticators, and some sessions and trusted computers, with the API."""
    with Api(service.url) as api:
        api.sign_in(person.email, person.password).expect(200)
        api.give_code(person.code()).expect(200)
        for number in range(2, 11):
            begun = api.begin_totp(name=f"The {number}th of ten with a long name").expect(201)
            api.verify(begun["id"], AuthenticatorPhone(begun["secret"], service).code()).expect(200)
    for _ in range(2):
        with Api(service.url) as api:
            api.sign_in(person.email, person.password).expect(200)
            api.give_code(person.code(), trust_this_computer=True).expect(200)
