"""The article with text messages and voice calls, and later changes to phones."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser_person import TRUST, BrowserPerson
from tests.support.clients import Api
from tests.support.computer import Computer
from tests.support.phones import Phone

METHODS = {"Text message": "Get codes by text message", "Voice call": "Get codes by voice call"}
HOUR = 3600


def waits(person: BrowserPerson, seconds: int) -> None:
    """Advance the clock of the service."""
    service = person.computer.service
    service.move_clock(service.clock_offset + seconds)


def gives_number(person: BrowserPerson, phone: Phone, heading: str) -> None:
    """Enter a phone number, and check that the form for the code is shown."""
    person.sees(heading)
    person.field("Phone number").fill(phone.number)
    person.button("Send code").click()
    person.sees("Enter the code we sent")
    person.reads(re.compile(f"the number ending in {phone.number[-2:]}"))


def with_phone(computer: Computer, *kinds: str, policy: str = "every_log_in") -> tuple[BrowserPerson, Phone]:
    """Return a signed-out person with one phone and these methods; the first is the default."""
    person, phone, service = BrowserPerson(computer), Phone(computer.service.url), computer.service
    with Api(service.url) as api:
        api.sign_up(person.email, person.password).expect(201)
        api.sign_in(person.email, person.password).expect(200)
        for kind in kinds:
            begun = api.begin_phone(kind, phone.number, name=f"My phone, {kind}").expect(201)
            person.recovery_code = api.verify(begun["id"], phone.code()).expect(200)["recovery_code"]
        api.set_policy(policy).expect(200)
        api.sign_out().expect(204)
    return person, phone


@pytest.mark.parametrize("method", METHODS)
def test_documented_steps_lead_to_codes_on_a_phone(computer: Computer, method: str) -> None:
    """Authenticate, choose, enter the number, verify, save the recovery code, and sign in with a code."""
    ada, phone = BrowserPerson(computer), Phone(computer.service.url)
    ada.signs_up()
    ada.locks_settings()
    ada.authenticates()
    ada.chooses_frequency("Every log-in")
    ada.chooses_method(method)
    gives_number(ada, phone, METHODS[method])
    ada.field("Verification code").fill(phone.code())
    ada.button("Verify").click()
    ada.saves_the_recovery_code()
    expect(ada.page.get_by_role("radio", name=method)).to_be_checked()
    expect(ada.section("Enable Two-Factor Authentication (2FA)").get_by_text("On", exact=True)).to_be_visible()
    ada.signs_out()
    ada.gives_password()
    ada.reads(re.compile(f"the number ending in {phone.number[-2:]}"))
    ada.gives_code(phone.code())
    ada.sees("User Settings")


def test_method_can_be_switched_at_the_prompt(computer: Computer) -> None:
    """Users can switch between text, call and app and sign in with any of them; the recovery code stays available."""
    ada, phone = with_phone(computer, "sms", "voice")
    digits = phone.number[-2:]
    waits(ada, HOUR)
    ada.gives_password()
    ada.reads(f"We sent a text message with a code to the number ending in {digits}.")
    waits(ada, 60)
    ada.button(f"Voice call to number ending in {digits}").click()
    ada.reads(f"We are calling the number ending in {digits} with your code.")
    assert [message["channel"] for message in phone.messages()][-2:] == ["sms", "voice"]
    expect(ada.link("Use your recovery code")).to_be_visible()
    ada.gives_code(phone.code())
    ada.sees("User Settings")
    ada.adds_an_authenticator("My app")
    ada.phone = ada.takes_the_key()
    ada.button("Continue").click()
    ada.verifies(ada.code())
    ada.signs_out()
    waits(ada, HOUR)
    ada.gives_password()
    ada.link("Authenticator app").click()
    ada.reads("Enter the 6-digit code from your authenticator app.")
    ada.gives_code()
    ada.sees("User Settings")


def test_trust_checkbox_keeps_its_state_when_the_method_changes(computer: Computer) -> None:
    """Only without JavaScript does the user have to tick it again."""
    ada, phone = with_phone(computer, "sms", "voice", policy="once_per_computer")
    waits(ada, HOUR)
    ada.gives_password()
    ada.page.get_by_label(TRUST).check()
    waits(ada, 60)
    ada.button(f"Voice call to number ending in {phone.number[-2:]}").click()
    ada.reads("We are calling the number")
    expect(ada.page.get_by_label(TRUST)).to_be_checked(checked=computer.script)
    ada.button("Start again").click()
    ada.gives_password()
    ada.sees("Enter your code")
    expect(ada.page.get_by_label(TRUST)).not_to_be_checked()


def test_new_number_can_get_another_text_or_a_call(computer: Computer) -> None:
    """Next to the field for the code, another text can be requested a little later, or a call instead."""
    ada, phone = BrowserPerson(computer), Phone(computer.service.url)
    ada.signs_up()
    ada.chooses_method("Text message")
    gives_number(ada, phone, METHODS["Text message"])
    ada.button("Send a new code").click()
    ada.is_refused("You can ask for another")
    waits(ada, 31)
    ada.button("Get a voice call instead").click()
    ada.reads("We are calling the number")
    ada.field("Verification code").fill(phone.code())
    ada.button("Verify").click()
    ada.saves_the_recovery_code()
    expect(ada.page.get_by_role("radio", name="Voice call")).to_be_checked()


def test_phone_number_can_be_changed_and_the_old_one_is_notified(computer: Computer) -> None:
    """After authenticating with the old phone and verifying the new one, the old one gets no more codes."""
    ada, old = with_phone(computer, "sms")
    new, first = Phone(computer.service.url), ada.recovery_code
    waits(ada, HOUR)
    ada.gives_password()
    ada.gives_code(old.code())
    ada.locks_settings()
    ada.button("Authenticate").click()
    waits(ada, HOUR // 10)
    ada.button("Send code").click()
    ada.reads(f"We sent a text message with a code to the number ending in {old.number[-2:]}.")
    ada.password_field().fill(ada.password)
    ada.field("Verification code").fill(old.code())
    ada.button("Authenticate").click()
    ada.button("Replace My phone, sms").click()
    gives_number(ada, new, METHODS["Text message"])
    ada.field("Verification code").fill(new.code())
    ada.button("Verify").click()
    ada.saves_the_recovery_code()
    assert ada.recovery_code != first
    old.waits_for("no longer gets codes")
    ada.signs_out()
    ada.gives_password()
    ada.gives_code(new.code())
    ada.sees("User Settings")
    assert not any(new.number[-4:] in message["text"] for message in old.messages())
