"""Declarations of settings, with everything that parsing, `config show` and the reference need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Known = Mapping[str, Any]  # the settings declared above, and "port"


class ConfigError(Exception):
    """Invalid settings; `faults` holds one plain sentence for each, and never a value."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Setting:
    """Everything about a setting except its name."""

    parse: Callable[[str], Any]
    default: str  # as written; in words if it depends on other settings
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
    declared = Setting(parse, default, derive, form, meaning, write, secret)
    return field(metadata={"setting": declared}, repr=not secret)  # type: ignore[no-any-return]
