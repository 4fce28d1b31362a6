"""Texts for people pass through gettext: pages in the language of their request, messages in that of their account.

A text is marked where it is written (`N_`) and translated where it is shown (`_`).
"""

import unicodedata
from contextvars import ContextVar
from gettext import NullTranslations

ENGLISH = "en"  # what texts are written in

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, direction marks, surrogates, line ends

language: ContextVar[str] = ContextVar("language", default=ENGLISH)
translations: ContextVar[NullTranslations] = ContextVar("translations", default=NullTranslations())  # noqa: B039


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for a marked text
    """Mark a text for translation without translating it yet."""
    return text


def _(text: str) -> str:
    """Give a text in the language that is spoken just now."""
    return translations.get().gettext(text)


def locale() -> str:
    """Name the language that texts are in just now (BCP 47)."""
    return language.get()


def counted(one: str, many: str, number: int) -> str:
    """Give the singular or plural text for `number`, with `{number}` filled in."""
    return translations.get().ngettext(one, many, number).format(number=number)


def is_visible(text: str) -> bool:
    """Tell whether a text that somebody wrote can be shown beside ours: no control or direction mark is in it."""
    return not any(unicodedata.category(character) in _INVISIBLE for character in text)
