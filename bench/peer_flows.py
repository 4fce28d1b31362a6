"""The same actions through the HTTP API of each service: a session check, and a sign-in's password and code steps.

The password step returns what the code step needs, and the code step what a session check needs.
"""

import re
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from bench.client import Action, Answer, WrongAnswer, expect, request
from bench.people import PASSWORD, Person
from bench.workloads import password_request

Step: TypeAlias = Generator[bytes, Answer, str]

_ALLAUTH, _BETTER = "/_allauth/app/v1", "/api/auth"
_COOKIE = re.compile(r"^set-cookie: ([^=]+=[^;\r\n]*)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Flow:
    """How a service is used: `code` also takes what `password` returned, and `check` what `code` returned."""

    password: Callable[[Person], Step]
    code: Callable[[Person, str], Step]
    check: Callable[[str], Action]

    def sign_in(self, person: Person) -> Step:
        """Return a whole sign-in."""
        return (yield from self.code(person, (yield from self.password(person))))


def _json(path: str, fields: Mapping[str, str], **headers: str) -> bytes:
    return request("POST", path, msgspec.json.encode(fields), content_type="application/json", **headers)


def _containing(answer: Answer, status: int, text: bytes) -> Answer:
    """Return an answer. Raise WrongAnswer if it has another status, or lacks a text that shows what it means."""
    if text not in expect(answer, status).body:
        raise WrongAnswer(f"expected {text!r} in {answer.body!r}")
    return answer


def _twofold_password(person: Person) -> Step:
    return str(msgspec.json.decode(expect((yield password_request(person)), 200).body)["sign_in"])


def _twofold_code(person: Person, sign_in: str) -> Step:
    answer = yield _json("/api/v1/sign-in/code", {"sign_in": sign_in, "code": person.code(time.time())})
    return str(msgspec.json.decode(_containing(answer, 200, b'"signed_in"').body)["session"]["token"])


def _twofold_check(session: str) -> Action:
    answer = yield request("GET", "/api/v1/session", authorization=f"Bearer {session}")
    _containing(answer, 200, b"@example.com")


def _allauth_password(person: Person) -> Step:
    answer = yield _json(f"{_ALLAUTH}/auth/login", {"email": person.email, "password": PASSWORD})
    return str(msgspec.json.decode(_containing(answer, 401, b"mfa_authenticate").body)["meta"]["session_token"])


def _allauth_code(person: Person, session: str) -> Step:
    code = {"code": person.code(time.time())}
    answer = yield _json(f"{_ALLAUTH}/auth/2fa/authenticate", code, x_session_token=session)
    meta = msgspec.json.decode(_containing(answer, 200, b'"is_authenticated": true').body)["meta"]
    return str(meta.get("session_token", session))


def _allauth_check(session: str) -> Action:
    answer = yield request("GET", f"{_ALLAUTH}/auth/session", x_session_token=session)
    _containing(answer, 200, b"@example.com")


def _better_password(person: Person) -> Step:
    answer = yield _json(f"{_BETTER}/sign-in/email", {"email": person.email, "password": PASSWORD})
    return _cookies(_containing(answer, 200, b"twoFactorRedirect"))


def _better_code(person: Person, cookies: str) -> Step:
    code = {"code": person.code(time.time())}
    origin = "http://127.0.0.1"
    answer = yield _json(f"{_BETTER}/two-factor/verify-totp", code, cookie=cookies, origin=origin)
    return _cookies(_containing(answer, 200, b'"token"'))


def _better_check(cookies: str) -> Action:
    answer = yield request("GET", f"{_BETTER}/get-session", cookie=cookies)
    _containing(answer, 200, b"@example.com")


def _cookies(answer: Answer) -> str:
    return "; ".join(each for each in _COOKIE.findall(answer.head.decode("latin-1")) if not each.endswith("="))


TWOFOLD = Flow(_twofold_password, _twofold_code, _twofold_check)
ALLAUTH = Flow(_allauth_password, _allauth_code, _allauth_check)
BETTER_AUTH = Flow(_better_password, _better_code, _better_check)
