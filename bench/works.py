"""The works that are measured: what a person or program does over and over, and how many at once do it.

The same acts run against Twofold and against the raw application, which plays back what Twofold answered.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import msgspec

from bench.client import Act, Answer, expect, request
from bench.people import PASSWORD, Person


@dataclass(frozen=True, slots=True)
class Work:
    """One work. `spends`: each act needs a person who has not done it yet; `phones`: one with a phone.

    `hashes`: each act hashes a password.
    """

    name: str
    concurrency: int
    act: Callable[[Person], Act]
    spends: bool = False
    hashes: bool = False
    phones: bool = False

    def acts(self, people: Iterator[Person]) -> Iterator[Act]:
        """The act of one person after another."""
        return map(self.act, people)


def _session_check(person: Person) -> Act:
    expect((yield request("GET", "/api/v1/session", authorization=f"Bearer {person.session}")), 200)


def _code_step(person: Person) -> Act:
    yield from _give_code(person, person.sign_in)


def _password_step(person: Person) -> Act:
    yield from _give_password(person)


def _full_sign_in(person: Person) -> Act:
    sign_in = yield from _give_password(person)
    yield from _give_code(person, sign_in)


def _sign_in_page(_person: Person) -> Act:
    expect((yield request("GET", "/sign-in")), 200)


def _settings_page(person: Person) -> Act:
    expect((yield request("GET", "/settings", cookie=f"twofold_session={person.session}")), 200)


def _give_password(person: Person) -> Generator[bytes, Answer, str]:
    body = msgspec.json.encode({"email": person.email, "password": PASSWORD})
    answer = expect((yield request("POST", "/api/v1/sign-in", body, content_type="application/json")), 200)
    return str(msgspec.json.decode(answer.body)["sign_in"])


def _give_code(person: Person, sign_in: str) -> Act:
    body = msgspec.json.encode({"sign_in": sign_in, "code": person.code(time.time())})
    expect((yield request("POST", "/api/v1/sign-in/code", body, content_type="application/json")), 200)


SESSION_CHECK = Work("session check", 32, _session_check)
CODE_STEP = Work("code step", 64, _code_step, spends=True)
TEXT_MESSAGE_STEP = Work("code step by text message", 64, _code_step, spends=True, phones=True)
PASSWORD_STEP = Work("password step", 16, _password_step, hashes=True)
FULL_SIGN_IN = Work("full sign-in, password and code", 16, _full_sign_in, spends=True, hashes=True)
SIGN_IN_PAGE = Work("page /sign-in", 32, _sign_in_page)
SETTINGS_PAGE = Work("settings page", 32, _settings_page)

# What spends the prepared sign-ins comes first: they live five minutes.
WORKS = (CODE_STEP, TEXT_MESSAGE_STEP, SESSION_CHECK, SIGN_IN_PAGE, SETTINGS_PAGE, PASSWORD_STEP, FULL_SIGN_IN)
