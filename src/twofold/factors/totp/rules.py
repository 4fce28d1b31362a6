"""Time-based one-time passwords (RFC 6238 on RFC 4226): SHA-1, 6 digits, 30 seconds, and nothing else.

Apps ignore other parameters without a word, so there are none. A code is accepted for its own half minute and the
one either side, once, and never at or below a step that was accepted before (RFC 6238, 5.2).
"""

import hmac
from base64 import b32encode
from urllib.parse import quote

from twofold.factors.contract import ClockOff, Right, Used, Verdict, Wrong

SECRET_BYTES = 20  # RFC 4226 R6 advises 160 bits; 32 characters of base32 without padding
STEP = 30  # seconds
_EITHER_SIDE = 1
_EXPLAINED = 10  # steps looked at only to explain a wrong clock
_URI_MOST = 180  # characters: the picture stays small
_ISSUER_MOST = 40  # characters as encoded; it is written twice
_ACCOUNT_LEAST = 12  # characters as encoded that are left to the address by a long name
_UNSAFE_IN_LABEL = str.maketrans(dict.fromkeys("#?%&:/", "-"))


def code_at(secret: bytes, step: int) -> str:
    """Give the six digits of a time step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def match(secret: bytes, code: str, now: int, *, after: int, explain_ahead: bool) -> Verdict:
    """Judge six digits at `now` (epoch seconds); steps up to `after` are spent.

    All three are compared, each in constant time. A code ahead of the clock is explained only where no guesser can
    learn a code that is still to come (`explain_ahead`).
    """
    current = now // STEP
    near = _fitting(secret, code, range(max(current - _EITHER_SIDE, 0), current + _EITHER_SIDE + 1))
    if near:
        fresh = [step for step in near if step > after]
        return Right(fresh[0]) if fresh else Used()
    last = current + _EXPLAINED if explain_ahead else current
    explained = _fitting(secret, code, range(max(current - _EXPLAINED, 0), last + 1))
    if after in explained:  # the code that was given last: a second look, not a slow clock
        return Used()
    return ClockOff(_minutes(min(explained, key=lambda step: abs(step - current)) - current)) if explained else Wrong()


def _fitting(secret: bytes, code: str, steps: range) -> list[int]:
    return [step for step in steps if hmac.compare_digest(code_at(secret, step), code)]


def key_uri(secret: bytes, *, issuer: str, account: str, name: str | None) -> str:
    """Write the key URI that authenticator apps scan.

    Only what all apps read alike: the issuer in front of the label and as parameter, every part percent-encoded, no
    padding, no other parameter. `name` tells a second app of the same account from the first.
    """
    issuer = _label_part(issuer, _ISSUER_MOST)
    room = _URI_MOST - len(_uri(secret, issuer, ""))
    suffix = quote(" (") + _label_part(name, room - _ACCOUNT_LEAST - len(quote(" ()"))) + quote(")") if name else ""
    return _uri(secret, issuer, _label_part(account, room - len(suffix)) + suffix)


def text_key(secret: bytes) -> str:
    """Write the secret for typing: 32 characters of base32 (RFC 4648)."""
    return b32encode(secret).decode("ascii")


def _uri(secret: bytes, issuer: str, account: str) -> str:
    return f"otpauth://totp/{issuer}:{account}?secret={text_key(secret)}&issuer={issuer}"


def _label_part(text: str, room: int) -> str:
    """Encode a part of the label; what does not fit goes out of its middle: names differ at their ends."""
    text = text.translate(_UNSAFE_IN_LABEL)
    kept, encoded = len(text), quote(text, safe="")
    while len(encoded) > room:
        kept -= 1
        encoded = quote(f"{text[: kept // 2]}..{text[len(text) - (kept + 1) // 2 :]}", safe="")
    return encoded


def _minutes(steps: int) -> int:
    minutes = -(-abs(steps) * STEP // 60)
    return minutes if steps > 0 else -minutes
