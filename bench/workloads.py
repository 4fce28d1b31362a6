"""The measured workloads: what users or programs do repeatedly, and how many at once.

The same actions run against Twofold and against the raw application, which replays the answers of Twofold. Users have
signed in with this program before; a first sign-in with another one would also send a notice.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import msgspec

from bench.client import Action, Answer, expect, request
from bench.people import APPLICATION, PASSWORD, Kind, Person

_ASKED = {
    "x_forwarded_host": APPLICATION.authority,
    "x_forwarded_proto": APPLICATION.scheme,
    "x_forwarded_method": "GET",
    "x_forwarded_uri": "/projects/42?tab=members",
    "x_forwarded_for": "203.0.113.7",
    "accept": "text/html,application/xhtml+xml",
    "accept_language": "en",
    "sec_fetch_mode": "navigate",
    "sec_fetch_dest": "document",
}


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload, for users who have `kind` besides their password. `answers`: the requests of an action.

    `spends`: each action needs a user with an unused code; `hashes`: each action hashes a password.
    """

    name: str
    concurrency: int
    action: Callable[[Person], Action]
    kind: Kind = "app"
    answers: int = 1
    spends: bool = False
    hashes: bool = False


def _session_check(person: Person) -> Action:
    expect((yield request("GET", "/api/v1/session", authorization=f"Bearer {person.session}")), 200)


def _gate_check(person: Person) -> Action:
    """Ask as Caddy does about a page of the application, with what a browser sends."""
    expect((yield request("GET", "/gate/forward", b"", cookie=person.gate_cookie, **_ASKED)), 200)


def _code_step(person: Person) -> Action:
    yield from _submit_code(person, person.sign_in)


def _password_step(person: Person) -> Action:
    yield from _submit_password(person)


def _sign_in(person: Person) -> Action:
    sign_in = yield from _submit_password(person)
    yield from _submit_code(person, sign_in)


def _sign_in_page(_person: Person) -> Action:
    expect((yield request("GET", "/sign-in")), 200)


def _settings_page(person: Person) -> Action:
    expect((yield request("GET", "/settings", authorization=f"Bearer {person.session}")), 200)


def password_request(person: Person) -> bytes:
    """Return the request of a password step."""
    body = msgspec.json.encode({"email": person.email, "password": PASSWORD})
    return request("POST", "/api/v1/sign-in", body, content_type="application/json")


def _submit_password(person: Person) -> Generator[bytes, Answer, str]:
    answer = expect((yield password_request(person)), 200)
    return str(msgspec.json.decode(answer.body).get("sign_in"))


def _submit_code(person: Person, sign_in: str) -> Action:
    body = msgspec.json.encode({"sign_in": sign_in, "code": person.code(time.time())})
    expect((yield request("POST", "/api/v1/sign-in/code", body, content_type="application/json")), 200)


SESSION_CHECK = Workload("session check", 32, _session_check)
GATE_CHECK = Workload("gate check", 32, _gate_check)
CODE_STEP = Workload("code step", 64, _code_step, spends=True)
TEXT_MESSAGE_STEP = Workload("code step by text message", 64, _code_step, kind="phone", spends=True)
PASSWORD_STEP = Workload("password step", 16, _password_step, hashes=True)
PLAIN_SIGN_IN = Workload("sign-in without 2FA", 16, _password_step, kind="none", hashes=True)
FULL_SIGN_IN = Workload("full sign-in, password and code", 16, _sign_in, answers=2, spends=True, hashes=True)
SIGN_IN_PAGE = Workload("page /sign-in", 32, _sign_in_page)
SETTINGS_PAGE = Workload("settings page", 32, _settings_page)

# These need `bench.served no-hash`, which accepts every password immediately.
PLAIN_WITHOUT_HASH = Workload("sign-in without 2FA, no hash", 16, _password_step, kind="none")
FULL_WITHOUT_HASH = Workload("full sign-in, no hash", 16, _sign_in, answers=2, spends=True)

WORKLOADS = (
    SESSION_CHECK,
    GATE_CHECK,
    CODE_STEP,
    TEXT_MESSAGE_STEP,
    PASSWORD_STEP,
    PLAIN_SIGN_IN,
    FULL_SIGN_IN,
    SIGN_IN_PAGE,
    SETTINGS_PAGE,
)
WITHOUT_HASH = (PLAIN_WITHOUT_HASH, FULL_WITHOUT_HASH)
