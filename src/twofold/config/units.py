"""Small quantities as operators write them: durations, rates, waits, counts, the cost of a hash.

Nothing here can be zero, negative or switched off. A refusal never repeats what was given: it may be a secret
that was put into the wrong variable.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST = 3_650 * 86_400
_HIGHEST = 1_000_000_000
_DURATION = "must be a duration such as 30s, 10m, 1h or 30d: a whole number above 0 and one of s, m, h, d"


class Refused(ValueError):
    """A value that cannot be taken; the message continues the sentence that begins with the setting's name."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any `seconds`."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Backoff:
    """After `free` failures a wait of `first` seconds that doubles, to `most` seconds."""

    free: int
    first: int
    most: int


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one argon2id hash costs: KiB of memory, passes over it, lanes (RFC 9106 3.1)."""

    memory_cost: int
    time_cost: int
    parallelism: int


_LEAST_MEMORY = {1: 47_104}  # with more passes: 19456
_MOST = HashCost(4_194_304, 100, 16)


def words(text: str) -> list[str]:
    """Split a list written with spaces, commas, or both."""
    return re.split(r"[,\s]+", text.strip(", \t\r\n"))


def duration(text: str) -> int:
    """Read `30s`, `10m`, `1h` or `30d` as seconds. Raises Refused."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not seconds:
        raise Refused(_DURATION)
    if seconds > _LONGEST:
        raise Refused("must not be longer than 3650d")
    return seconds


def days(text: str) -> int:
    """Read a duration of a day or longer as seconds. Raises Refused."""
    seconds = duration(text)
    if seconds < _UNITS["d"]:
        raise Refused("must be at least 1d")
    return seconds


def write_duration(seconds: int) -> str:
    """Write seconds in the largest unit that divides them: 3600 is `1h`."""
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def rates(text: str) -> tuple[Rate, ...]:
    """Read `5/5m 20/1h`, shortest window first. Raises Refused."""
    read = sorted((_rate(word) for word in words(text)), key=lambda rate: rate.seconds)
    if len({rate.seconds for rate in read}) < len(read):
        raise Refused("names the same span twice: give each span one number")
    return tuple(read)


def _rate(word: str) -> Rate:
    number, slash, span = word.partition("/")
    if not slash:
        raise Refused("must be rates such as 5/5m 20/1h: a number, a stroke, a duration")
    return Rate(count()(number), duration(span))


def write_rates(read: tuple[Rate, ...]) -> str:
    """Write rates as they are read."""
    return " ".join(f"{rate.count}/{write_duration(rate.seconds)}" for rate in read)


def backoff(text: str) -> Backoff:
    """Read `5 30s..1h`. Raises Refused."""
    found = re.fullmatch(r"(\S+)\s+(\S+?)\.\.(\S+)", text)
    if not found:
        raise Refused("must be tries and waits such as 5 30s..1h: a number, the first wait, two dots, the longest wait")
    read = Backoff(count()(found[1]), duration(found[2]), duration(found[3]))
    if read.first > read.most:
        raise Refused("must name the shorter wait first, such as 5 30s..1h")
    return read


def write_backoff(read: Backoff) -> str:
    """Write a backoff as it is read."""
    return f"{read.free} {write_duration(read.first)}..{write_duration(read.most)}"


def count(least: int = 1, most: int = _HIGHEST) -> Callable[[str], int]:
    """Give a parser for whole numbers from `least` to `most`; it raises Refused."""

    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,12}", text) else -1
        if not least <= number <= most:
            raise Refused(f"must have a whole number from {least} to {most}")
        return number

    return parse


def hash_cost(text: str) -> HashCost:
    """Read `m=47104 t=1 p=1`, not cheaper than the floor of OWASP's password storage sheet. Raises Refused."""
    pairs = [re.fullmatch(r"([mtp])=([0-9]{1,7})", word) for word in words(text)]
    given = {pair[1]: int(pair[2]) for pair in pairs if pair}
    if len(pairs) != len("mtp") or set(given) != set("mtp"):
        raise Refused("must be memory in KiB, passes and lanes, such as m=47104 t=1 p=1")
    cost = HashCost(given["m"], given["t"], given["p"])
    if cost.time_cost < 1 or cost.memory_cost < _LEAST_MEMORY.get(cost.time_cost, 19_456):
        raise Refused("is cheaper than the floor: use at least m=47104 with t=1, or m=19456 with t=2")
    if (
        cost.memory_cost > _MOST.memory_cost
        or cost.time_cost > _MOST.time_cost
        or not 1 <= cost.parallelism <= _MOST.parallelism
    ):
        raise Refused("must stay within m=4194304, t=100 and p from 1 to 16")
    return cost


def write_hash_cost(cost: HashCost) -> str:
    """Write a hash cost as it is read."""
    return f"m={cost.memory_cost} t={cost.time_cost} p={cost.parallelism}"


def choice(*options: str) -> Callable[[str], str]:
    """Give a parser that takes one of `options`; it raises Refused."""

    def parse(text: str) -> str:
        if text not in options:
            raise Refused(f"must be one of: {', '.join(options)}")
        return text

    return parse
