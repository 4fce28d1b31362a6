"""The works that are measured: what a person or program does over and over, and how many at once do it.

The same acts run against Twofold and against the raw application, which plays back what Twofold answered. People have
signed in with this program before; their first sign-in with another one costs a notice more.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import msgspec

from bench.client import Act, Answer, expect, request
from bench.people import PASSWORD, Kind, Person


@dataclass(frozen=True, slots=True)
class Work:
    """One work, done by people who have this beside their password. `answers`: how many requests an act takes.

    `spends`: each act needs a person with an unspent code; `hashes`: each act hashes a password.
    """

    name: str
    concurrency: int
    act: Callable[[Person], Act]
    kind: Kind = "app"
    answers: int = 1
    spends: bool = False
    hashes: bool = False


def _session_check(person: Person) -> Act:
    expect((yield request("GET", "/api/v1/session", authorization=f"Bearer {person.session}")), 200)


def _code_step(person: Person) -> Act:
    yield from _give_code(person, person.sign_in)


def _password_step(person: Person) -> Act:
    yield from _give_password(person)


def _sign_in(person: Person) -> Act:
    sign_in = yield from _give_password(person)
    yield from _give_code(person, sign_in)


def _sign_in_page(_person: Person) -> Act:
    expect((yield request("GET", "/sign-in")), 200)


def _settings_page(person: Person) -> Act:
    expect((yield request("GET", "/settings", cookie=f"twofold_session={person.session}")), 200)


def password_request(person: Person) -> bytes:
    """Write the request of a password step."""
    body = msgspec.json.encode({"email": person.email, "password": PASSWORD})
    return request("POST", "/api/v1/sign-in", body, content_type="application/json")


def _give_password(person: Person) -> Generator[bytes, Answer, str]:
    answer = expect((yield password_request(person)), 200)
    return str(msgspec.json.decode(answer.body).get("sign_in"))


def _give_code(person: Person, sign_in: str) -> Act:
    body = msgspec.json.encode({"sign_in": sign_in, "code": person.code(time.time())})
    expect((yield request("POST", "/api/v1/sign-in/code", body, content_type="application/json")), 200)


SESSION_CHECK = Work("session check", 32, _session_check)
CODE_STEP = Work("code step", 64, _code_step, spends=True)
TEXT_MESSAGE_STEP = Work("code step by text message", 64, _code_step, kind="phone", spends=True)
PASSWORD_STEP = Work("password step", 16, _password_step, hashes=True)
PLAIN_SIGN_IN = Work("sign-in without 2FA", 16, _password_step, kind="none", hashes=True)
FULL_SIGN_IN = Work("full sign-in, password and code", 16, _sign_in, answers=2, spends=True, hashes=True)
SIGN_IN_PAGE = Work("page /sign-in", 32, _sign_in_page)
SETTINGS_PAGE = Work("settings page", 32, _settings_page)

# Where every password is taken at once: what is left of a sign-in without its hash.
PLAIN_WITHOUT_HASH = Work("sign-in without 2FA, no hash", 16, _password_step, kind="none")
FULL_WITHOUT_HASH = Work("full sign-in, no hash", 16, _sign_in, answers=2, spends=True)

WORKS = (
    SESSION_CHECK,
    CODE_STEP,
    TEXT_MESSAGE_STEP,
    PASSWORD_STEP,
    PLAIN_SIGN_IN,
    FULL_SIGN_IN,
    SIGN_IN_PAGE,
    SETTINGS_PAGE,
)
WITHOUT_HASH = (PLAIN_WITHOUT_HASH, FULL_WITHOUT_HASH)
