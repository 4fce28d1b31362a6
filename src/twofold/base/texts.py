"""Translation with gettext: pages in the language of the request, messages in that of the account.

A text is marked where it is defined (`N_`) and translated where it is shown (`_`).
"""

import re
import unicodedata
from contextvars import ContextVar
from gettext import NullTranslations

ENGLISH = "en"  # the language of the source texts

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, direction marks, surrogates, line ends
_IGNORABLE = re.compile(  # Default_Ignorable_Code_Point (Unicode 16, DerivedCoreProperties.txt)
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BLANK = re.compile("[\u2800\u2d7f\ufffc\U00016fe4\U0001107f\U0001bc9d\U0001d159]")  # assigned but blank
_MOST_MARKS = 8  # on one letter: no orthography needs more, and a pile of them covers the lines above
_MAX_PASTED_LENGTH = 128  # characters of a code or number; NFKC may expand one to eighteen
_GAPS = re.compile(r"[\s\u2800\u02d7\u2043\u2212\u2500\u30fc]")  # white space, and characters used as dashes
_PIECE, _MEETING = 64, 3  # characters
JOINERS = "\u200c\u200d"  # part of the orthography of Persian, Hindi and other languages, and of composed emoji
_JOINED = re.compile(rf"(?<=[^\s{JOINERS}])[{JOINERS}](?=[^\s{JOINERS}])")
_EMOJI_STYLE = re.compile(  # U+FE0F after a possible emoji, or in a keycap
    "(?<=[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)"
)

language: ContextVar[str] = ContextVar("language", default=ENGLISH)
translations: ContextVar[NullTranslations] = ContextVar("translations", default=NullTranslations())  # noqa: B039


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for a marked text
    """Return a text unchanged, marked for translation."""
    return text


def _(text: str) -> str:
    """Return a text in the current language."""
    return translations.get().gettext(text)


def locale() -> str:
    """Return the current language (BCP 47)."""
    return language.get()


def counted(one: str, many: str, number: int) -> str:
    """Return the singular or plural text for `number`, with `{number}` filled in."""
    return translations.get().ngettext(one, many, number).format(number=number)


def pasted(text: str) -> str:
    """Return a typed or pasted code or number in one canonical spelling.

    NFKC, decimal digits of any script as ASCII, without invisible characters, white space and dashes. A used code
    therefore counts as used in every spelling. A text that is too long is returned unchanged.
    """
    if len(text) > _MAX_PASTED_LENGTH or (text.isascii() and text.isalnum()):
        return text
    characters = (character for character in unicodedata.normalize("NFKC", text) if not is_invisible(character))
    return "".join(
        _plain_digit(each) for each in characters if not _GAPS.match(each) and unicodedata.category(each) != "Pd"
    )


def is_longer(text: str, limit: int) -> bool:
    """Return whether a text has more than `limit` code points in NFKC, without creating many more than that."""
    pieces = range(0, len(text), _PIECE)
    length = -_MEETING * len(pieces)  # where two pieces meet, a few characters may become one
    for start in pieces:
        length += len(unicodedata.normalize("NFKC", text[start : start + _PIECE]))
        if length > limit:
            return True
    return len(unicodedata.normalize("NFKC", text)) > limit


def trimmed(text: str) -> str:
    """Return a text without the white space and invisible characters that messengers add around it."""
    start, end = 0, len(text)
    while start < end and _is_edge(text[start]):
        start += 1
    while start < end and _is_edge(text[end - 1]):
        end -= 1
    return text[start:end]


def is_invisible(character: str) -> bool:
    """Return whether a character is invisible: a format character, a variation selector or a filler."""
    return unicodedata.category(character) == "Cf" or _IGNORABLE.match(character) is not None


def is_visible(text: str) -> bool:
    """Return whether all of a text is visible and safe to show next to our own text.

    It has no control characters or direction marks, nothing ignored or blank, no accent without a letter, and no
    letter with a pile of accents.
    """
    before, marks = " ", 0
    for character in text:
        category = unicodedata.category(character)
        if category in _INVISIBLE or _IGNORABLE.match(character) or _BLANK.match(character):
            return False
        marks = marks + 1 if category[0] == "M" else 0
        if marks > _MOST_MARKS or (marks and before.isspace()):
            return False
        before = character
    return True


def visible_form(text: str) -> str:
    """Return a text without the joiners and emoji selectors that normal writing contains."""
    return _JOINED.sub("", _EMOJI_STYLE.sub("", text))


def _is_edge(character: str) -> bool:
    return character.isspace() or is_invisible(character)


def _plain_digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)
