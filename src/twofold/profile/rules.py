"""What a person can be called."""

from twofold.base.names import visible_name
from twofold.base.texts import N_

_MOST = 128


def normal_name(text: str | None) -> str | None:
    """Return a person's name, or None for an empty one. Raise InvalidRequest."""
    return visible_name(text or "", "name", most=_MOST, too_long=N_("Use a name of at most 128 characters.")) or None
