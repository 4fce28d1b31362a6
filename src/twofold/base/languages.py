"""The available languages: English, and one for each translation catalogue in this package.

To add a language, add one gettext catalogue: `locale/TAG/LC_MESSAGES/twofold.mo`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from twofold.base.texts import ENGLISH, language, translations
from twofold.base.unit_of_work import UnitOfWork

_FOLDER = Path(__file__).parents[1] / "locale"
_MAX_RANGES = 20  # of an Accept-Language header


class Languages:
    """The available languages, by their tags (BCP 47)."""

    def __init__(self) -> None:
        self._known: dict[str, NullTranslations] = {ENGLISH: NullTranslations()}
        for path in sorted(_FOLDER.glob("*/LC_MESSAGES/twofold.mo")):
            with path.open("rb") as file:
                self._known[path.parents[1].name.replace("_", "-")] = GNUTranslations(file)
        self._tags = {tag.lower(): tag for tag in self._known}

    @property
    def are_several(self) -> bool:
        """Return whether there is anything to choose."""
        return len(self._known) > 1

    def preferred(self, accepted: str) -> str | None:
        """Return the best language for `Accept-Language` (RFC 9110 12.5.4, look-up as in RFC 4647 3.4), or None."""
        if not self.are_several:  # so skip the parsing
            return None
        for wanted in _ranges(accepted):
            parts = wanted.split("-")
            shorter = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
            if (best := next((self._tags[tag] for tag in shorter if tag in self._tags), None)) is not None:
                return best
        return None

    @contextmanager
    def speaking(self, tag: str | None) -> Iterator[None]:
        """Translate texts to this language within the context; None changes nothing."""
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
def speaking(uow: UnitOfWork, tag: str | None) -> Iterator[None]:
    """Translate texts to this language within the context, whatever the language of the request."""
    with uow.site.part(Languages).speaking(tag):
        yield


def _ranges(accepted: str) -> list[str]:
    """Return the preferred languages, best first, in lower case."""
    weights: dict[str, float] = {}
    for part in "".join(accepted.lower().split()).split(",")[:_MAX_RANGES]:
        tag, _, weight = part.partition(";q=")
        with suppress(ValueError):
            weights.setdefault(tag, float(weight or 1))
    return sorted((tag for tag, weight in weights.items() if 0 < weight <= 1), key=weights.__getitem__, reverse=True)
