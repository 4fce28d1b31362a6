"""Time-based one-time passwords (RFC 6238 on RFC 4226): SHA-1, 6 digits, 30 seconds only.

Many apps silently ignore other parameters, so none are offered. A code is accepted in its own time step and the one
before and after it, once, and only if its step is later than the last accepted one (RFC 6238, 5.2).
"""

import hmac
from base64 import b32encode
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote

import msgspec

from twofold.base.texts import _
from twofold.factors.rules import CodeAlreadyUsed, WrongCode

T = TypeVar("T")

SECRET_BYTES = 20  # RFC 4226 R6 advises 160 bits; 32 characters of base32 without padding
STEP = 30  # seconds
_EITHER_SIDE = 1
_EXPLAINED = 10  # steps in each direction that are compared only to explain a wrong clock
_MAX_URI_LENGTH = 180  # characters, to keep the QR code small
_MAX_ISSUER_LENGTH = 40  # characters as encoded; the issuer appears twice
_ACCOUNT_LEAST = 12  # characters as encoded that are reserved for the address if the name is long
_UNSAFE_IN_LABEL = str.maketrans(dict.fromkeys("#?%&:/", "-"))


class Right(msgspec.Struct, frozen=True):
    """The code is correct and belongs to this time step, which accepting it uses up."""

    step: int


class Used(msgspec.Struct, frozen=True):
    """The code is correct, but it or a later one has already been accepted."""


class ClockOff(msgspec.Struct, frozen=True):
    """The code belongs to another time; minutes are positive if the app's clock is ahead."""

    minutes: int


class Wrong(msgspec.Struct, frozen=True):
    """The code does not belong to this factor."""


Match = Right | Used | ClockOff | Wrong


class WrongAppCode(WrongCode):
    """The code does not belong to any authenticator app of the account."""

    @property
    def detail(self) -> str:
        """Say what to do, and how many tries are left."""
        return f"{_('The code you entered is not correct. Check your authenticator app and try again.')} {self.left}"


class AppCodeUsed(CodeAlreadyUsed):
    """The code is correct, but has already been used."""

    @property
    def detail(self) -> str:
        """Say what to do."""
        return _("This code has been used. Wait for the next one in your app.")


def code_at(secret: bytes, step: int) -> str:
    """Return the six digits of a time step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def match(secret: bytes, code: str, now: int, *, after: int, explain_ahead: bool) -> Match:
    """Compare six digits with the codes at `now` (epoch seconds); steps up to `after` are used up.

    A correct code is not accepted yet: `store.consume` then uses up its step, in one statement that succeeds once.
    All three codes are compared, each in constant time. A code ahead of the clock is explained only if `explain_ahead`
    is true, because the explanation would confirm a code that is still to come.
    """
    current = now // STEP
    near = _fitting(secret, code, range(max(current - _EITHER_SIDE, 0), current + _EITHER_SIDE + 1))
    if near:
        fresh = [step for step in near if step > after]
        return Right(fresh[0]) if fresh else Used()
    last = current + _EXPLAINED if explain_ahead else current
    explained = _fitting(secret, code, range(max(current - _EXPLAINED, 0), last + 1))
    if after in explained:  # the code that was accepted last, entered again: not a slow clock
        return Used()
    return ClockOff(_minutes(min(explained, key=lambda step: abs(step - current)) - current)) if explained else Wrong()


def best(matches: Sequence[tuple[T, Match]]) -> tuple[T, Match]:
    """Return the match that counts among several apps: a correct code, else a used one, else the best explanation."""
    return min(matches, key=lambda each: (Right, Used, ClockOff, Wrong).index(type(each[1])))


def _fitting(secret: bytes, code: str, steps: range) -> list[int]:
    return [step for step in steps if hmac.compare_digest(code_at(secret, step), code)]


def key_uri(secret: bytes, *, issuer: str, account: str, name: str | None) -> str:
    """Return the key URI that authenticator apps scan.

    It has only what all apps interpret in the same way: the issuer both in the label and as a parameter, every part
    percent-encoded, no padding, and no other parameter. `name` distinguishes a second app of the same account.
    """
    issuer = _label_part(issuer, _MAX_ISSUER_LENGTH)
    room = _MAX_URI_LENGTH - len(_uri(secret, issuer, ""))
    suffix = quote(" (") + _label_part(name, room - _ACCOUNT_LEAST - len(quote(" ()"))) + quote(")") if name else ""
    return _uri(secret, issuer, _label_part(account, room - len(suffix)) + suffix)


def text_key(secret: bytes) -> str:
    """Return the secret as text to type: 32 characters of base32 (RFC 4648)."""
    return b32encode(secret).decode("ascii")


def _uri(secret: bytes, issuer: str, account: str) -> str:
    return f"otpauth://totp/{issuer}:{account}?secret={text_key(secret)}&issuer={issuer}"


def _label_part(text: str, room: int) -> str:
    """Return a part of the label, encoded; cut the middle of a long one, because names often differ at their ends."""
    text = text.translate(_UNSAFE_IN_LABEL)
    kept, encoded = len(text), quote(text, safe="")
    while len(encoded) > room:
        kept -= 1
        encoded = quote(f"{text[: kept // 2]}..{text[len(text) - (kept + 1) // 2 :]}", safe="")
    return encoded


def _minutes(steps: int) -> int:
    minutes = -(-abs(steps) * STEP // 60)
    return minutes if steps > 0 else -minutes
