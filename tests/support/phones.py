"""Phones that receive texts and calls by the development mailbox."""

import re
import secrets
import time
from typing import Any

from tests.support.service import RUNNING, Service
from tests.support.users import User

# The tests of a file share one address and leave many codes unused. Limits per number and account stay.
FROM_ONE_ADDRESS = {"limit_sends_source": "100000/1h", "send_budget": "100000"}
BOUND_CODE = re.compile(r"^@\S+ #([0-9]{6})$", re.MULTILINE)
SAID_CODE = re.compile(r"\b([0-9](?:, [0-9]){5})\b")


class Phone:
    """A phone with a fictitious number (+1 555), whose texts and calls can be read."""

    def __init__(self, url: str, number: str | None = None) -> None:
        self.url = url
        self.number = number or f"+1555{secrets.randbelow(10**7):07}"

    def messages(self) -> list[dict[str, Any]]:
        """Return all received messages, oldest first."""
        return [message for message in RUNNING[self.url].outbox() if message["to"] == self.number]

    def code(self) -> str:
        """Return the last code received, by text or call."""
        message = self.messages()[-1]
        found = (BOUND_CODE if message["channel"] == "sms" else SAID_CODE).search(message["text"])
        assert found, f"no code in {message}"
        return found[1].replace(", ", "")

    def wrong_code(self) -> str:
        """Return six digits that were never received."""
        arrived = " ".join(message["text"].replace(", ", "") for message in self.messages())
        return next(code for code in map("{:06}".format, range(1_000_000)) if code not in arrived)

    def waits_for(self, text: str, within: float = 10.0) -> dict[str, Any]:
        """Wait for a message that contains a text, and return it."""
        give_up_at = time.monotonic() + within
        while not (found := [message for message in self.messages() if text in message["text"]]):
            assert time.monotonic() < give_up_at, f"{text!r} did not arrive, only {self.messages()}"
            time.sleep(0.05)
        return found[0]


class PhoneUser(User):
    """A user with a phone number as second factor."""

    phone: Phone
    phone_id: str

    def enable_phone(self, kind: str = "sms", phone: Phone | None = None, **more: str) -> str:
        """Add a phone, use it from then on, and return the new recovery code."""
        self.phone = phone or Phone(self.url)
        begun = self.api.begin_phone(kind, self.phone.number, **more).expect(201)
        self.phone_id = begun["id"]
        verified = self.api.verify(begun["id"], self.phone.code()).expect(200)
        self.recovery_code = verified["recovery_code"]
        return str(verified["recovery_code"])


def phone_user(service: Service, kind: str = "sms") -> PhoneUser:
    """Return a new user with a phone as default factor, signed in with unlocked settings."""
    person = PhoneUser(service)
    person.api.sign_up(person.email, person.password).expect(201)
    person.sign_in()
    person.enable_phone(kind)
    return person
