"""Texts for people pass through gettext, in the language of the request that shows them.

A text is marked where it is written (`N_`) and translated where it is shown (`_`): actions may run on
another thread, which knows nothing of the request's language.
"""

import unicodedata
from contextvars import ContextVar
from gettext import NullTranslations

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, direction marks, surrogates, line ends

translations: ContextVar[NullTranslations] = ContextVar("translations", default=NullTranslations())  # noqa: B039


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for a marked text
    """Mark a text for translation without translating it yet."""
    return text


def _(text: str) -> str:
    """Give a text in the language of this request."""
    return translations.get().gettext(text)


def language() -> NullTranslations:
    """Give the language of this request, for a text that is written where the request is out of sight."""
    return translations.get()


def tag_of(spoken: NullTranslations) -> str:
    """Name a language as a locale does; texts that nobody translated are English."""
    return spoken.info().get("language", "en")


def counted(one: str, many: str, number: int) -> str:
    """Give the singular or plural text for `number`, with `{number}` filled in."""
    return translations.get().ngettext(one, many, number).format(number=number)


def is_visible(text: str) -> bool:
    """Tell whether a text that somebody wrote can be shown beside ours: no control or direction mark is in it."""
    return not any(unicodedata.category(character) in _INVISIBLE for character in text)
