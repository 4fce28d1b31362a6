"""The findings of the checks."""

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """One line: the status, what was checked, and a sentence."""

    status: Literal["ok", "warn", "fail"]
    name: str
    text: str
