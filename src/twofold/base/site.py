"""The environment of actions: created once at start and passed on, never global."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from twofold.base.clock import Clock
from twofold.base.database import Database
from twofold.base.keys import Keyring
from twofold.base.passwords import PasswordPool
from twofold.config import Config

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """Settings, database, keys, hashing, the clock, and the parts that features share, by type."""

    config: Config
    db: Database
    keys: Keyring
    passwords: PasswordPool
    clock: Clock
    parts: Mapping[type[Any], Any] = field(default_factory=dict)

    def part(self, kind: type[T]) -> T:
        """Return the part of this type. Raise KeyError if no feature has one."""
        part: T = self.parts[kind]
        return part


class HasSite(Protocol):
    """What an accessor of a part takes: a site's unit of work, runner or request context."""

    @property
    def site(self) -> Site:
        """The site."""
