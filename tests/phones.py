"""Phones that take what the service sends: the development mailbox is the network, and tests read what arrived."""

import re
import secrets
import time
from typing import Any

import httpx2

from tests.residents import Resident
from tests.service import Service

# A whole file comes from one address, and its people leave many codes unused. Limits of numbers and accounts stay.
FROM_ONE_ADDRESS = {"limit_sends_source": "100000/1h", "send_budget": "100000"}
BOUND_CODE = re.compile(r"^@\S+ #([0-9]{6})$", re.MULTILINE)
SAID_CODE = re.compile(r"\b([0-9](?:, [0-9]){5})\b")


class Phone:
    """One phone: texts are read, calls are listened to. Its number is one of those that nobody has (+1 555)."""

    def __init__(self, url: str, number: str | None = None) -> None:
        self.url = url
        self.number = number or f"+1555{secrets.randbelow(10**7):07}"

    def messages(self) -> list[dict[str, Any]]:
        """All that arrived, oldest first."""
        answer = httpx2.get(f"{self.url}/dev/outbox.json", trust_env=False, timeout=30)
        assert answer.status_code == 200, answer.text
        return [message for message in answer.json() if message["to"] == self.number]

    def code(self) -> str:
        """The code that arrived last, however it came."""
        message = self.messages()[-1]
        found = (BOUND_CODE if message["channel"] == "sms" else SAID_CODE).search(message["text"])
        assert found, f"no code in {message}"
        return found[1].replace(", ", "")

    def wrong_code(self) -> str:
        """Six digits that never arrived."""
        arrived = " ".join(message["text"].replace(", ", "") for message in self.messages())
        return next(code for code in map("{:06}".format, range(1_000_000)) if code not in arrived)

    def waits_for(self, text: str, within: float = 10.0) -> dict[str, Any]:
        """The first message with a text in it; nobody waits for its sending before they are answered."""
        give_up_at = time.monotonic() + within
        while not (found := [message for message in self.messages() if text in message["text"]]):
            assert time.monotonic() < give_up_at, f"{text!r} did not arrive, only {self.messages()}"
            time.sleep(0.05)
        return found[0]


class Caller(Resident):
    """Somebody with a phone number as second factor."""

    phone: Phone
    phone_id: str

    def enable_phone(self, kind: str = "sms", phone: Phone | None = None, **more: str) -> str:
        """Adds a phone, which becomes the one this person uses; gives the new recovery code."""
        self.phone = phone or Phone(self.url)
        begun = self.api.begin_phone(kind, self.phone.number, **more).must(201)
        self.phone_id = begun["id"]
        verified = self.api.verify(begun["id"], self.phone.code()).must(200)
        self.recovery_code = verified["recovery_code"]
        return str(verified["recovery_code"])


def caller(service: Service, kind: str = "sms") -> Caller:
    """A new person, signed in, settings unlocked, whose codes come to a phone by default."""
    person = Caller(service)
    person.api.sign_up(person.email, person.password).must(201)
    person.sign_in()
    person.enable_phone(kind)
    return person
