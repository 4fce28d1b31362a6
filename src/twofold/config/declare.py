"""How a setting is declared: with all that parsing, `config show` and the reference need to know of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Known = Mapping[str, Any]  # the settings declared above, and "port"


class ConfigError(Exception):
    """Settings that cannot be taken; `faults` holds one plain sentence each, never a value that was given."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Setting:
    """What is known of a setting besides its name."""

    parse: Callable[[str], Any]
    default: str  # as written; where it depends on others, in words
    derive: Callable[[Known], Any] | None
    form: str
    meaning: str
    write: Callable[[Any], str]
    secret: bool


def setting(
    parse: Callable[[str], T],
    default: str,
    meaning: str,
    *,
    form: str,
    write: Callable[[T], str] = str,
    derive: Callable[[Known], T] | None = None,
    secret: bool = False,
) -> T:
    """Declare a field of Config; `derive` computes a default that depends on the settings above it."""
    known = Setting(parse, default, derive, form, meaning, write, secret)
    return field(metadata={"setting": known}, repr=not secret)  # type: ignore[no-any-return]
