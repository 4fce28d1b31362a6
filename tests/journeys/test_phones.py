"""The article with a text message and with a voice call, and what people do with phones afterwards."""

import re

import pytest
from playwright.sync_api import expect

from tests.clients import Api
from tests.journeys.computer import Computer
from tests.journeys.person import TRUST, Person
from tests.phones import Phone

METHODS = {"Text message": "Get codes by text message", "Voice call": "Get codes by voice call"}
HOUR = 3600


def waits(person: Person, seconds: int) -> None:
    """Lets time pass at the service."""
    service = person.computer.service
    service.move_clock(service.clock_offset + seconds)


def gives_number(person: Person, phone: Phone, heading: str) -> None:
    """Enters a phone number, and is asked for the code that was sent to it."""
    person.sees(heading)
    person.field("Phone number").fill(phone.number)
    person.button("Send code").click()
    person.sees("Enter the code that we sent")
    person.reads(re.compile(f"the number ending in {phone.number[-2:]}"))


def with_phone(computer: Computer, *kinds: str, policy: str = "every_log_in") -> tuple[Person, Phone]:
    """Somebody whose codes come to one phone in these ways, the first being the default; signed in nowhere."""
    person, phone, service = Person(computer), Phone(computer.service.url), computer.service
    with Api(service.url) as api:
        api.sign_up(person.email, person.password).must(201)
        api.sign_in(person.email, person.password).must(200)
        for kind in kinds:
            begun = api.begin_phone(kind, phone.number, name=f"My phone, {kind}").must(201)
            person.recovery_code = api.verify(begun["id"], phone.code()).must(200)["recovery_code"]
        api.set_policy(policy).must(200)
        api.sign_out().must(204)
    return person, phone


@pytest.mark.parametrize("method", METHODS)
def test_whoever_follows_the_article_gets_codes_on_a_phone(computer: Computer, method: str) -> None:
    """Authenticate, choose, give the number, verify, save the recovery code, sign in with a code that was sent."""
    ada, phone = Person(computer), Phone(computer.service.url)
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


def test_one_switches_freely_at_the_prompt(computer: Computer) -> None:
    """From text to call to app and back, and in by whichever one likes; the recovery code stays in reach."""
    ada, phone = with_phone(computer, "sms", "voice")
    digits = phone.number[-2:]
    waits(ada, HOUR)
    ada.gives_password()
    ada.reads(f"We sent a text message with a code to the number ending in {digits}.")
    waits(ada, 60)
    ada.button(f"Voice call to number ending in {digits}").click()
    ada.reads(f"We are calling the number ending in {digits} to tell you a code.")
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


def test_the_tick_outlasts_a_change_of_the_method(computer: Computer) -> None:
    """Who trusts the computer and then asks for a call says so once (without script, again)."""
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


def test_a_number_that_gets_no_text_is_called(computer: Computer) -> None:
    """Beside the code field of a new number: another text a little later, or a call instead."""
    ada, phone = Person(computer), Phone(computer.service.url)
    ada.signs_up()
    ada.chooses_method("Text message")
    gives_number(ada, phone, METHODS["Text message"])
    ada.button("Send a new code").click()
    ada.is_refused("You can ask for another")
    waits(ada, 31)
    ada.button("Receive a call instead").click()
    ada.reads("We are calling the number")
    ada.field("Verification code").fill(phone.code())
    ada.button("Verify").click()
    ada.saves_the_recovery_code()
    expect(ada.page.get_by_role("radio", name="Voice call")).to_be_checked()


def test_a_number_is_changed(computer: Computer) -> None:
    """Authenticate with the old phone, prove the new one; the old is told, and no longer asked."""
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
    old.waits_for("no longer used")
    ada.signs_out()
    ada.gives_password()
    ada.gives_code(new.code())
    ada.sees("User Settings")
    assert not any(new.number[-4:] in message["text"] for message in old.messages())
