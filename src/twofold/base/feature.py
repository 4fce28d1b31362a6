"""The value that each feature adds to the list of features; lower layers know features only through it."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from twofold.base import outbox, sightings, throttle
from twofold.base.database import Database
from twofold.base.housekeeping import Expiry
from twofold.base.keys import Keyring
from twofold.base.throttle import Limits
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.base.web.context import Banner, Context
from twofold.base.web.routes import Endpoint, Route
from twofold.config import Config, Fault, load

Checked = tuple[Literal["ok", "warn", "fail"], str, str]  # status, what was checked, and a sentence
Card = Callable[[UnitOfWork, Visitor, Context], Awaitable[dict[str, Any]]]  # returns its template and context
Listener = Callable[[UnitOfWork, Any], Awaitable[None]]  # called with an entry of the audit log
ExportPage = Callable[[UnitOfWork, Visitor, str | None], Awaitable[tuple[Sequence[Any], str | None]]]
Ending = Callable[[UnitOfWork, Any], Awaitable[None]]  # called with an act that ends items of one kind


@dataclass(frozen=True, slots=True)
class Message:
    """A success message that the User Settings page shows in a card, or at its top if `card` is empty."""

    text: str
    card: str = ""  # its id


@dataclass(frozen=True, slots=True)
class Export:
    """A section of the file with which users download their data. Never add a secret, a hash or a token.

    `page` takes the cursor of the previous page, and returns items that can be encoded as JSON and the next cursor.
    """

    page: ExportPage
    single: bool = False  # one item instead of a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature; members that it does not need are empty."""

    routes: tuple[Route, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    evidence: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of its problems, as JSON Schemas by name
    problem_links: Mapping[str, str] = field(default_factory=dict)  # text of the link to each path
    cards: tuple[Card, ...] = ()  # on the User Settings page
    messages: Mapping[str, Message] = field(default_factory=dict)  # shown by /settings?done=NAME
    banners: tuple[Banner, ...] = ()
    cookies: tuple[str, ...] = ()  # names; `name_*` stands for several cookies
    remedies: Mapping[str, str] = field(default_factory=dict)  # of its sightings, as in `base.sightings`
    listeners: tuple[Listener, ...] = ()  # run in the transaction of each event
    endings: Mapping[str, Ending] = field(default_factory=dict)  # by the kind of item that each ends
    exports: Mapping[str, Export] = field(default_factory=dict)  # sections, by name
    expiries: Callable[[Config], Iterable[Expiry]] = lambda _: ()
    parts: Callable[[Config, Keyring], Mapping[type[Any], Any]] = (
        lambda *_: {}
    )  # of a site; the last one of a type wins
    announcements: Callable[[Config], Iterable[str]] = lambda _: ()  # printed at the start
    limits: Callable[[Config], Limits] = lambda _: Limits()
    account_keys: tuple[str, ...] = ()  # prefixes of throttle keys that end with the id of an account
    checks: tuple[Callable[[Config, Database, int], Awaitable[Iterable[Checked]]], ...] = ()  # of `twofold doctor`
    faults: Callable[[Config], Iterable[Fault]] = lambda _: ()  # in settings that only this feature can parse
    warnings: Callable[[Config], Iterable[str]] = lambda _: ()  # sentences about valid settings that are mistakes


class Features:
    """All features, in the order of their cards, and the combined values."""

    def __init__(self, *features: Feature) -> None:
        self.routes: tuple[Route, ...] = tuple(chain.from_iterable(each.routes for each in features))
        self.cards: tuple[Card, ...] = tuple(chain.from_iterable(each.cards for each in features))
        self.listeners: tuple[Listener, ...] = tuple(chain.from_iterable(each.listeners for each in features))
        self.endings = tuple(chain.from_iterable(each.endings.items() for each in features))
        self.exports = {name: section for each in features for name, section in each.exports.items()}
        self.evidence = {name: schema for each in features for name, schema in each.evidence.items()}
        self.problem_links = {path: text for each in features for path, text in each.problem_links.items()}
        self.remedies = sightings.REMEDIES | {name: text for each in features for name, text in each.remedies.items()}
        self.messages = {name: message for each in features for name, message in each.messages.items()}
        self.banners: tuple[Banner, ...] = tuple(chain.from_iterable(each.banners for each in features))
        self.cookies: tuple[str, ...] = tuple(chain.from_iterable(each.cookies for each in features))
        self.endpoints: tuple[Endpoint, ...] = tuple(chain.from_iterable(each.endpoints for each in features))
        self.checks = tuple(chain.from_iterable(each.checks for each in features))
        self.account_keys: tuple[str, ...] = tuple(chain.from_iterable(each.account_keys for each in features))
        self._features = features

    def expiries(self, config: Config) -> tuple[Expiry, ...]:
        """Return everything that housekeeping deletes."""
        own = chain.from_iterable(each.expiries(config) for each in self._features)
        return (
            *own,
            outbox.EXPIRY,
            sightings.EXPIRY,
            throttle.expiry([each.limits(config) for each in self._features]),
        )

    def parts(self, config: Config, keys: Keyring) -> dict[type[Any], Any]:
        """Return new parts for a site."""
        return {kind: part for each in self._features for kind, part in each.parts(config, keys).items()}

    def announcements(self, config: Config) -> Iterator[str]:
        """Return what to print at the start."""
        return chain.from_iterable(each.announcements(config) for each in self._features)

    def faults(self, config: Config) -> Iterator[Fault]:
        """Return the faults in settings that only features can parse."""
        return chain.from_iterable(each.faults(config) for each in self._features)

    def warnings(self, config: Config) -> Iterator[str]:
        """Return a sentence for each setting that is valid, but probably a mistake."""
        return chain.from_iterable(each.warnings(config) for each in self._features)

    def read_settings(self, environ: Mapping[str, str], *, port: int = 8000) -> tuple[Config, dict[str, str]]:
        """Return the settings and the source of each. Raise ConfigError with all faults, those of features included."""
        return load(environ, port=port, check=self.faults)
