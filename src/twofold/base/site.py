"""What every act needs from its surroundings: made once by the composition root, passed on, never global."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from twofold.base.clock import Clock
from twofold.base.database import Database
from twofold.base.keys import Keyring
from twofold.base.passwords import PasswordPool
from twofold.config import Config

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """Settings, database, keys, hashing, the clock, and the parts that rooms hand each other by type."""

    config: Config
    db: Database
    keys: Keyring
    passwords: PasswordPool
    clock: Clock
    parts: Mapping[type[Any], Any] = field(default_factory=dict)

    def part(self, kind: type[T]) -> T:
        """Give the part of this type, as the composition root put it in."""
        part: T = self.parts[kind]
        return part
