"""What a username may be, and which ones are tried for a new account."""

import hmac
import re
import unicodedata
from collections.abc import Callable, Iterator

import msgspec

from twofold.accounts.usernames.reserved import RESERVED
from twofold.base.problems import Conflict, FieldError, InvalidRequest
from twofold.base.texts import N_

MOST = 64  # characters
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FALLBACK = "user"
# Letters that Unicode does not decompose into an ASCII letter and an accent.
_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i"}
)
_COUNTED_TO = 9  # the numbers 2 to 9 are tried in turn; then random ones, so that a crowd of one name finds places
_TRIES_OF_A_LENGTH = 3


class UsernameTaken(Conflict):
    """Another account has this username, or had it once."""

    def __init__(self) -> None:
        super().__init__(
            N_("Another account has this username, or had it before. Choose another username."), at="username"
        )


class UsernameKey(msgspec.Struct, frozen=True):
    """The key of the hashes by which used usernames are remembered. It never changes."""

    key: bytes

    def hash(self, username: str) -> bytes:
        """Return the hash of a username."""
        return hmac.digest(self.key, username.encode(), "sha256")


def check_username(text: str) -> str:
    """Return a chosen username. Raise InvalidRequest unless it is one."""
    if not _USERNAME.fullmatch(text):
        rule = N_("Use 1 to 64 of a-z, 0-9, dot, hyphen and underscore, and begin with a letter or digit.")
        raise InvalidRequest(FieldError("username", rule))
    return text


def usernames_for(email: str, random_below: Callable[[int], int]) -> Iterator[str]:
    """Yield usernames for an address, best first and without end. A reserved one always has a number."""
    base = username_from(email)
    if base not in RESERVED:
        yield base
    for number in range(2, _COUNTED_TO + 1):
        yield _numbered(base, number)
    length = 2
    while True:
        for _ in range(_TRIES_OF_A_LENGTH):
            yield _numbered(base, 10 ** (length - 1) + random_below(9 * 10 ** (length - 1)))
        length = min(length + 1, 18)


def username_from(email: str) -> str:
    """Return the local part of an address in the letters of usernames; `user` if it has none of them."""
    local, _, _ = email.rpartition("@")
    spelled = local.lower().translate(_SPELLED)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    kept = re.sub("[^a-z0-9._-]+", "-", re.sub("['`]", "", plain.lower()))
    return kept.strip("._-")[:MOST].rstrip("._-") or _FALLBACK


def _numbered(base: str, number: int) -> str:
    digits = str(number)
    return base[: MOST - len(digits)] + digits
