"""Mails in plain words, as text and as plain HTML that says the same: paragraphs and links to our own pages.

What somebody else chose, such as the name of a factor, goes through `inert` first: it must be neither markup nor a
link, and neither turn the line round nor begin a new one.
"""

import unicodedata
from dataclasses import dataclass
from html import escape

from twofold.base.outbox import Message
from twofold.base.texts import locale

_LONGEST = 80  # characters of what somebody else chose
_HARMLESS = " -_'()"


@dataclass(frozen=True, slots=True)
class Link:
    """The address of one of our pages, on a line of its own."""

    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says: a subject, and paragraphs and links in the reader's language."""

    subject: str
    parts: tuple[str | Link, ...]


def mail(to: str, letter: Letter) -> Message:
    """Put a letter into its envelope."""
    text = "\n\n".join(part.url if isinstance(part, Link) else part for part in letter.parts)
    html = "\n".join(_paragraph(part) for part in letter.parts)
    document = f'<!doctype html>\n<html lang="{locale()}">\n<body>\n{html}\n</body>\n</html>\n'
    return Message("mail", to, f"{text}\n", _one_line(letter.subject), document)


def inert(text: str) -> str:
    """Write what somebody else chose so that no program makes anything of it: letters, digits and few signs stay."""
    return "".join(sign if _is_harmless(sign) else "·" for sign in text[:_LONGEST])


def _is_harmless(sign: str) -> bool:
    return sign in _HARMLESS or unicodedata.category(sign)[0] in "LMN"


def _paragraph(part: str | Link) -> str:
    if isinstance(part, Link):
        address = escape(part.url)
        return f'<p><a href="{address}">{address}</a></p>'
    return f"<p>{escape(part)}</p>"


def _one_line(text: str) -> str:
    return " ".join(text.split())
