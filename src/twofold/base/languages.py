"""The languages that texts are there in: English, as they are written, and one for each catalogue beside this package.

A catalogue is `locale/TAG/LC_MESSAGES/twofold.mo`, made by gettext; a language is one file to add. Its folder names it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from twofold.base.acts import Act
from twofold.base.texts import ENGLISH, language, translations

_FOLDER = Path(__file__).parents[1] / "locale"
_MOST_RANGES = 20  # of what a browser prefers


class Languages:
    """The languages that there are, by their tags (BCP 47)."""

    def __init__(self) -> None:
        self._known: dict[str, NullTranslations] = {ENGLISH: NullTranslations()}
        for path in sorted(_FOLDER.glob("*/LC_MESSAGES/twofold.mo")):
            with path.open("rb") as file:
                self._known[path.parents[1].name.replace("_", "-")] = GNUTranslations(file)
        self._tags = {tag.lower(): tag for tag in self._known}

    def preferred(self, accepted: str) -> str | None:
        """Choose for an `Accept-Language` (RFC 9110 12.5.4; look-up as in RFC 4647 3.4); None if nothing fits."""
        if len(self._known) == 1:  # nothing to choose, and every request would pay for it
            return None
        for wanted in _ranges(accepted):
            parts = wanted.split("-")
            shorter = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
            if (found := next((self._tags[tag] for tag in shorter if tag in self._tags), None)) is not None:
                return found
        return None

    @contextmanager
    def spoken(self, tag: str | None) -> Iterator[None]:
        """Write what is written meanwhile in this language, or go on as before where none is named."""
        if tag is None:
            yield
            return
        tag = tag if tag in self._known else ENGLISH
        texts_before, language_before = translations.set(self._known[tag]), language.set(tag)
        try:
            yield
        finally:
            translations.reset(texts_before)
            language.reset(language_before)


@contextmanager
def spoken(act: Act, tag: str | None) -> Iterator[None]:
    """Write what is written meanwhile in this language, whoever asked for it in whichever."""
    with act.site.part(Languages).spoken(tag):
        yield


def _ranges(accepted: str) -> list[str]:
    """Give what a browser prefers, best first, in small letters."""
    weights: dict[str, float] = {}
    for part in "".join(accepted.lower().split()).split(",")[:_MOST_RANGES]:
        tag, _, weight = part.partition(";q=")
        with suppress(ValueError):
            weights.setdefault(tag, float(weight or 1))
    return sorted((tag for tag, weight in weights.items() if 0 < weight <= 1), key=weights.__getitem__, reverse=True)
