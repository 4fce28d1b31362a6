"""Names that people choose for themselves and for their devices."""

import unicodedata

from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_, is_visible, visible_form

_LONGEST_TYPED = 512  # characters including blanks and joiners, checked before any slow step


def visible_name(text: str, field: str, *, most: int, too_long: str) -> str:
    """Return a name of at most `most` characters in one spelling (NFC); it may be empty.

    Raise InvalidRequest with `too_long`, or if it has invisible characters: controls and direction marks among them.
    """
    text = text.strip()
    if len(text) > _LONGEST_TYPED:
        raise InvalidRequest(FieldError(field, too_long))
    if not is_visible(visible_form(text)):
        raise InvalidRequest(FieldError(field, N_("Use only visible letters, digits and symbols.")))
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if len(name) > most:
        raise InvalidRequest(FieldError(field, too_long))
    return name
