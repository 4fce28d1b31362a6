"""Signed marks in the query of a request, by which the gate recognises the requests of a probe."""

import re

import msgspec

from twofold.base.keys import Keyring

PARAMETER = "twofold-probe"
LASTS = 600  # seconds
_MARK = re.compile(rf"{PARAMETER}=([0-9a-f]{{16}})\.([0-9]{{1,4}})\.([0-9]{{1,12}})\.([0-9a-f]{{32}})(?![0-9a-f])")
_PURPOSE = "gate-probe"


class Mark(msgspec.Struct, frozen=True):
    """One request of one run of the probe."""

    run: str
    number: int


def add_mark(keys: Keyring, target: str, mark: Mark, now: int) -> str:
    """Return a target with a mark in its query."""
    text = f"{mark.run}.{mark.number}.{now + LASTS}"
    return f"{target}{'&' if '?' in target else '?'}{PARAMETER}={text}.{keys.mac(_PURPOSE, text)[:32]}"


def find_mark(keys: Keyring, text: str, now: int) -> Mark | None:
    """Return the mark in a text, or None without one of ours that is still valid."""
    if (found := _MARK.search(text)) is None:
        return None
    run, number, until, given = found.groups()
    known = any(mac[:32] == given for mac in keys.macs(_PURPOSE, f"{run}.{number}.{until}"))
    return Mark(run, int(number)) if known and now <= int(until) else None
