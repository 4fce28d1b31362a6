"""Every page in every state is for everybody: axe finds nothing at WCAG 2.2 AA, and 320 pixels are enough."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.clients import Api
from tests.journeys.computer import Computer
from tests.journeys.gallery import Gallery
from tests.journeys.person import Person
from tests.journeys.phone import Phone
from tests.journeys.test_links import link
from tests.mailbox import link_in, wait_for_mail
from tests.phones import Phone as Called
from tests.recorder import Recorder
from tests.service import Service


@pytest.fixture
def computer(browser: Browser, service: Service) -> Iterator[Computer]:
    """A computer with script, without which axe cannot look."""
    with Computer(browser, service) as opened:
        yield opened


@pytest.fixture
def gallery(computer: Computer) -> Iterator[Gallery]:
    """Fails at the end with all that was found on the way."""
    opened = Gallery(computer.page)
    yield opened
    opened.close()


def test_pages_for_nobody_in_particular(computer: Computer, gallery: Gallery, service: Service) -> None:
    """Sign-up, sign-in with its refusals, links, and the pages for what is not there."""
    ada = Person(computer)
    ada.opens("/sign-up")
    gallery.shows("sign-up", "Create your account")
    ada.button("Create account").click()
    gallery.shows("sign-up-refused", "Create your account")
    ada.opens("/sign-in")
    gallery.shows("sign-in", "Sign in to 127.0.0.1")
    ada.link("Forgot your password?").click()
    gallery.shows("forgot-password", "Forgot your password?")
    ada.button("Send link").click()
    gallery.shows("forgot-password-refused", "Forgot your password?")
    ada.field("Email").fill("nobody@example.com")
    ada.button("Send link").click()
    gallery.shows("forgot-password-sent", "Check your mail")
    ada.opens("/sign-in")
    ada.gives_password("not-my-password")
    gallery.shows("sign-in-refused", "Sign in to 127.0.0.1")
    for _ in range(5):
        ada.gives_password("not-my-password")
        ada.page.get_by_role("alert").wait_for()
    gallery.shows("sign-in-locked", "Sign in to 127.0.0.1")
    ada.opens("/signed-out")
    gallery.shows("signed-out", "You are signed out")
    ada.opens("/nothing/here")
    gallery.shows("not-found", "There is nothing here")
    ada.opens("/sign-out")
    gallery.shows("not-allowed", "This cannot be done here")
    ada.opens("/sign-in/code")
    gallery.shows("sign-in-expired", "This sign-in has expired")
    ada.opens("/api/v1/docs")
    gallery.shows("api-docs", "Twofold API of 127.0.0.1")
    ada.opens(service.first_administrator_link())
    gallery.shows("first-administrator", "Create the first account")
    ada.opens("/setup/no-such-link")
    gallery.shows("sign-up-link-gone", "This link no longer works")
    ada.opens(link(service, "account", "invite", "guest@example.com"))
    gallery.shows("invitation", "Accept your invitation")


def test_pages_of_a_new_password(computer: Computer, gallery: Gallery, service: Service) -> None:
    """The reset link's page, its refusal, its end, and the link that is used up."""
    ada = Person.with_authenticator(computer)
    reset = link(service, "account", "reset-password", ada.email)
    ada.opens(reset)
    gallery.shows("reset", "Choose a new password")
    ada.button("Change password").click()
    gallery.shows("reset-refused", "Choose a new password")
    ada.password_field("New password").fill("violet-anchor-meadow-81")
    ada.button("Change password").click()
    gallery.shows("reset-done", "Your password is changed")
    ada.opens(reset)
    gallery.shows("reset-link-gone", "This link no longer works")


def test_pages_of_another_email_and_of_the_end(computer: Computer, gallery: Gallery, service: Service) -> None:
    """The card, the page of the mailed link, its end, and closing the account in two steps."""
    ada = Person(computer)
    ada.signs_up()
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
    ada.button("Close my account").click()
    gallery.shows("close", "Close your account?")
    ada.button("Close my account for good").click()
    gallery.shows("closed", "Your account is closed")


def test_pages_of_a_proven_address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where mail is configured: the mailbox, the page of the link with its refusal, and its end."""
    folder = tmp_path_factory.mktemp("mailing")
    with (
        Recorder() as recorder,
        Service(folder, settings={"mail_url": recorder.url}) as service,
        Computer(browser, service) as computer,
    ):
        ada, gallery = Person(computer), Gallery(computer.page)
        ada.opens("/sign-up")
        ada.field("Email").fill(ada.email)
        ada.password_field().fill(ada.password)
        ada.button("Create account").click()
        gallery.shows("sign-up-mailed", "Check your mail")
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


def test_pages_where_nobody_signs_up(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sign-up by invitation, and none at all."""
    for registration, heading in (("invite", "Sign-up is by invitation"), ("closed", "Sign-up is closed")):
        folder, settings = tmp_path_factory.mktemp(registration), {"registration": registration}
        with Service(folder, settings=settings) as service, Computer(browser, service) as computer:
            computer.page.goto("/sign-up")
            gallery = Gallery(computer.page)
            gallery.shows(f"sign-up-{registration}", heading)
            gallery.close()


def test_pages_of_the_set_up(computer: Computer, gallery: Gallery) -> None:
    """From empty settings to the recovery code, with every refusal on the way."""
    ada = Person(computer)
    ada.signs_up()
    gallery.shows("settings-empty", "User Settings")
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
    gallery.shows("recovery-code-shown-already", "Your recovery code was shown already")
    ada.opens("/settings/factors/nothing/verify")
    gallery.shows("set-up-gone", "There is nothing here")


def test_pages_of_the_door(computer: Computer, gallery: Gallery) -> None:
    """The second step of a sign-in with all its refusals, and the recovery code."""
    ada = Person.with_authenticator(computer, "Once per computer")
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
    ada.gives_password()
    for _ in range(2):
        ada.gives_code(ada.phone.wrong_code())
        ada.page.get_by_role("alert").wait_for()
    ada.gives_code()
    gallery.shows("code-locked", "Enter your code")


def test_pages_of_a_full_account(computer: Computer, gallery: Gallery, service: Service) -> None:
    """Settings with all that an account can have, unlocked, locked and refused, and the pages they lead to."""
    ada = Person.with_authenticator(computer, "Once per computer")
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


def test_pages_of_a_phone(computer: Computer, gallery: Gallery, service: Service) -> None:
    """A number, its code, both at the door and at Authenticate, with what can go wrong on the way."""
    ada, phone = Person(computer), Called(service.url)
    ada.signs_up()
    ada.chooses_method("Text message")
    gallery.shows("phone-number", "Get codes by text message")
    ada.page.get_by_text("How safe is this?").click()
    ada.field("Phone number").fill("12")
    ada.button("Send code").click()
    gallery.shows("phone-number-refused", "Get codes by text message")
    ada.field("Phone number").fill(phone.number)
    ada.button("Send code").click()
    gallery.shows("phone-code", "Enter the code that we sent")
    ada.button("Send a new code").click()
    gallery.shows("phone-code-too-soon", "Enter the code that we sent")
    ada.field("Verification code").fill(phone.wrong_code())
    ada.button("Verify").click()
    gallery.shows("phone-code-refused", "Enter the code that we sent")
    ada.opens(f"{ada.page.url.removesuffix('/verify')}?sent=no")
    gallery.shows("phone-code-not-sent", "Enter the code that we sent")
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


def begins_a_call_and_an_app(person: Person, phone: Called, service: Service) -> None:
    """All three methods in one account, by the API."""
    with Api(service.url) as api:
        factor_id = api.sign_in(person.email, person.password).must(200)["default_factor_id"]
        service.move_clock(service.clock_offset + 60)
        api.send_code(factor_id).must(202)
        api.give_code(phone.code()).must(200)
        begun = api.begin_phone("voice", phone.number, name="Landline in the hall").must(201)
        api.verify(begun["id"], phone.code()).must(200)
        begun = api.begin_totp().must(201)
        api.verify(begun["id"], Phone(begun["secret"], service).code()).must(200)
    service.move_clock(service.clock_offset + 3600)
    person.gives_password()
    person.gives_code(phone.code())
    person.sees("User Settings")


def fills(person: Person, service: Service) -> None:
    """As many authenticators as an account can have, and some sessions and trusted computers, by the API."""
    with Api(service.url) as api:
        api.sign_in(person.email, person.password).must(200)
        api.give_code(person.code()).must(200)
        for number in range(2, 11):
            begun = api.begin_totp(name=f"The {number}th of ten with a long name").must(201)
            api.verify(begun["id"], Phone(begun["secret"], service).code()).must(200)
    for _ in range(2):
        with Api(service.url) as api:
            api.sign_in(person.email, person.password).must(200)
            api.give_code(person.code(), trust_this_computer=True).must(200)
