"""The state of a bounce: sealed, carried by the browser, and never stored.

It says which address a browser wanted, and which browser asked. On our own origin it is sealed again for the door
cookie of the browser, which gives the visitor a day to sign in.
"""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

import msgspec

from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.keys import BrokenSealError, Keyring
from twofold.gate.origins import Origin

MAX_TARGET = 2_000  # characters; a longer one becomes its path, or /
BOUNCE_LASTS = 60  # seconds from the proxy to us
_DOOR_LASTS = 86_400
_PURPOSE = "gate-state"


class State(msgspec.Struct, frozen=True, array_like=True):
    """The target that a browser wanted at an origin. `nonce` is the hash of the browser's nonce there.

    `method` and `client` are as the check saw them, so that the same rule decides on our own page. `door` is the hash
    of the door cookie, or empty until the browser has come to us; `at` is epoch seconds. The page at the target needs
    data from the target `data`, whose rule may demand more.
    """

    origin: Origin
    target: str
    nonce: str
    at: int
    method: str = "GET"
    client: str = ""
    in_frame: bool = False
    door: str = ""
    data: str = ""

    @property
    def address(self) -> str:
        """The whole address."""
        return f"{self.origin}{self.target}"

    def is_current(self, now: int, door: str) -> bool:
        """Return whether the state still counts in the browser with this door cookie, given as a hash."""
        lasts = _DOOR_LASTS if self.door else BOUNCE_LASTS
        return -MAX_CLOCK_SKEW <= now - self.at <= lasts + MAX_CLOCK_SKEW and self.door in {"", door}


def short_target(target: str) -> str:
    """Return a target that fits in a state: itself, its path or the front page."""
    path = target.partition("?")[0]
    return next((each for each in (target, path) if len(each) <= MAX_TARGET), "/")


def short_data(data: str, target: str) -> str:
    """Return the path of a page's data if it fits in a state beside the target, else an empty text."""
    path = data.partition("?")[0]
    return path if len(path) + len(target) <= MAX_TARGET else ""


def seal(keys: Keyring, state: State) -> str:
    """Return a state as text for an address."""
    plain = zlib.compress(msgspec.json.encode(state), 9)
    return _encode(keys.seal(_PURPOSE, plain, bound_to=""))


def unseal(keys: Keyring, text: str) -> State | None:
    """Return the state in a text, or None if we have not sealed it, also if it was spelt in another way."""
    if not text.isascii() or len(text) > 2 * MAX_TARGET:
        return None
    try:
        sealed = urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}")
        if _encode(sealed) != text:
            return None
        return msgspec.json.decode(zlib.decompress(keys.unseal(_PURPOSE, sealed, bound_to="")), type=State)
    except (Base64Error, ValueError, BrokenSealError):
        return None


def _encode(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")
