"""Detect easily guessed passwords: common ones in any disguise, sequences, dates, repetitions and public facts.

NIST SP 800-63B-4 3.1.1.2 requires a block list rather than an estimate of strength. Attackers combine the entries of
their lists, so each known part counts for fewer characters than it has, and the rest must be long enough.
`_MAX_EXAMINED` bounds the work for any text (decision 15).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

_MIN_COST = 8  # characters, with the reduced cost of known parts
_MAX_EXAMINED = 96  # characters: a password is strong enough if its beginning is
# The cost of a known part, in characters.
_COMMON_COST, _DATE_COST, _RUN_COST, _PUBLIC_COST, _REPETITION_COST = 2, 3, 2, 1, 1
_MIN_RUN = _MIN_NAME = _MIN_REPETITION = 3
_MAX_WORD_LENGTH = 24
_FILE = Path(__file__).with_name("common_passwords.txt")
_LOOKALIKES = str.maketrans(
    "@48([{<369!|1l0$57+%2", "aabcccceggiiiiossttxz"
)  # signs that replace letters: one of each class
_KEYS = (
    "qwertyuiop[] asdfghjkl;' zxcvbnm,./ 1234567890-= !@#$%^&*()_+ qwertzuiopü asdfghjklöä yxcvbnm azertyuiop"
    " qsdfghjklm wxcvbn йцукенгшщзхъ фывапролджэ ячсмитьбю 1qaz2wsx3edc4rfv5tgb6yhn7ujm zaq1xsw2cde3vfr4bgt5nhy6"
    " 1q2w3e4r5t6y7u8i9o0p q1w2e3r4t5y6u7i8o9p0 a1b2c3d4e5f6g7h8i9 1a2b3c4d5e6f7g8h9 147258369 159357"
)
_ROWS = f"{_KEYS} {_KEYS[::-1]}"
_DATE = re.compile(
    r"(?:(?:0?[1-9]|[12][0-9]|3[01])[-./ ]?(?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-./ ]?(?:0?[1-9]|[12][0-9]|3[01]))"
    r"[-./ ]?(?:(?:19|20)?[0-9]{2})|(?:19|20)[0-9]{2}[-./ ]?(?:0[1-9]|1[0-2])[-./ ]?(?:0[1-9]|[12][0-9]|3[01])"
)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


def is_guessable(password: str, public: Iterable[str]) -> bool:
    """Return whether attackers would try a password early.

    `public` are facts that anyone may know: the address and the name of the site.
    """
    plain = _plain(password)[:_MAX_EXAMINED]
    words = {word for name in public for word in _words(name)}
    undoubled = "".join(character for character, _ in groupby(plain))
    forms = (plain, undoubled) if 3 * len(undoubled) <= 2 * len(plain) else (plain,)  # the second for 112233445566
    return any(_cost(form, words) < _MIN_COST for form in forms)


def _cost(plain: str, public: set[str]) -> int:
    """Return the cost of the cheapest division into known parts and single characters."""
    folded = plain.translate(_LOOKALIKES)
    costs: list[int] = [*range(len(plain) + 1)]
    for start in range(len(plain)):
        for end, cost in _parts(plain, folded, start, public):
            costs[end] = min(costs[end], costs[start] + cost)
    return costs[-1]


def _parts(plain: str, folded: str, start: int, public: set[str]) -> Iterator[tuple[int, int]]:
    """Yield the end and the cost of each known part that begins at `start`."""
    yield start + 1, 1
    length = len(plain)
    for end in range(start + _MIN_NAME, length + 1):
        part = folded[start:end]
        if part in public:
            yield end, _PUBLIC_COST
        elif end - start <= _MAX_WORD_LENGTH and (part in _common() or part[::-1] in _common()):
            yield end, _COMMON_COST
    for end in range(start + _MIN_RUN, _run_end(plain, start) + 1):
        yield end, _RUN_COST
    for pattern, cost in ((_YEAR, _COMMON_COST), (_DATE, _DATE_COST)):
        if match := pattern.match(plain, start):
            yield match.end(), cost
    end = start + _MIN_REPETITION
    while end <= length and folded.find(folded[start:end], 0, end - 1) >= 0:
        yield end, _REPETITION_COST
        end += 1


def _run_end(plain: str, start: int) -> int:
    """Return the end of the longest sequence from `start`: as in 123, cba, or a row of keys."""
    end = start + 1
    step = ord(plain[end]) - ord(plain[start]) if end < len(plain) else 0
    if step in (-1, 0, 1):
        while end < len(plain) and ord(plain[end]) - ord(plain[end - 1]) == step:
            end += 1
    row = start + _MIN_RUN
    while row <= len(plain) and " " not in plain[start:row] and plain[start:row] in _ROWS:
        row += 1
    return max(end, row - 1)


def _words(name: str) -> Iterator[str]:
    """Yield variants of a name: the whole, its words with and without digits, and the words joined."""
    plain = _plain(name)
    words, letters = re.findall(r"\w+", plain), re.findall(r"[^\W\d_]+", plain)
    for word in (plain, *words, *letters, "".join(words), "".join(letters)):
        if len(word) >= _MIN_NAME:
            yield word.translate(_LOOKALIKES)


def _plain(text: str) -> str:
    """Return a text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", decomposed))


@cache
def _common() -> frozenset[str]:
    """Load the list of common passwords at its first use, since it takes a megabyte."""
    return frozenset(_FILE.read_text("utf-8").translate(_LOOKALIKES).split())
