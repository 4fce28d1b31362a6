"""Mails as text and as equivalent plain HTML: paragraphs and links to our own pages.

Text chosen by others, such as the name of a device, goes through `inert` first: it must not become markup, a link, a
change of text direction or a new line.
"""

import unicodedata
from dataclasses import dataclass
from html import escape

from twofold.base.outbox import Message
from twofold.base.texts import JOINERS, locale

_MAX_LENGTH = 80  # characters of text chosen by others
_SAFE_CHARACTERS = f" -_'(){JOINERS}"


@dataclass(frozen=True, slots=True)
class Link:
    """A link to one of our pages, on a line of its own."""

    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """The content of a mail: a subject, and paragraphs and links in the reader's language."""

    subject: str
    parts: tuple[str | Link, ...]


def mail(to: str, letter: Letter) -> Message:
    """Return a letter as a message to an address."""
    text = "\n\n".join(part.url if isinstance(part, Link) else part for part in letter.parts)
    html = "\n".join(_paragraph(part) for part in letter.parts)
    document = f'<!doctype html>\n<html lang="{locale()}">\n<body>\n{html}\n</body>\n</html>\n'
    return Message("mail", to, f"{text}\n", _one_line(letter.subject), document)


def inert(text: str) -> str:
    """Return text chosen by others in a form that no mail program interprets: letters, digits, some punctuation."""
    return "".join(character if _is_safe(character) else "·" for character in text[:_MAX_LENGTH])


def _is_safe(character: str) -> bool:
    return character in _SAFE_CHARACTERS or unicodedata.category(character)[0] in "LMN"


def _paragraph(part: str | Link) -> str:
    if isinstance(part, Link):
        address = escape(part.url)
        return f'<p><a href="{address}">{address}</a></p>'
    return f"<p>{escape(part)}</p>"


def _one_line(text: str) -> str:
    return " ".join(text.split())
