"""Parse and write durations, rates, backoffs, counts, hash costs, countries, names, paths and keys.

No limit can be zero, negative or disabled. An error never repeats the value: it may be a secret set in the wrong
variable.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_MAX_DURATION = 3_650 * 86_400
_MAX_COUNT = 1_000_000_000
_DURATION = "must be a duration such as 30s, 10m, 1h or 30d: a whole number above 0 and one of s, m, h, d"


class InvalidSetting(ValueError):
    """An invalid value; the message continues a sentence that begins with the setting's name."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any `seconds`."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Backoff:
    """After `free` failures, a wait of `first` seconds that doubles up to `most` seconds."""

    free: int
    first: int
    most: int


@dataclass(frozen=True, slots=True)
class HashCost:
    """The cost of an argon2id hash: memory in KiB, passes and lanes (RFC 9106 3.1)."""

    memory_cost: int
    time_cost: int
    parallelism: int


class SecretKey(NamedTuple):
    """A named key of 32 bytes, hidden from its repr."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        """Return the name of the key, without its value."""
        return f"SecretKey({self.id!r})"


_MIN_MEMORY = {1: 47_104}  # with more passes: 19456
_MAX_COST = HashCost(4_194_304, 100, 16)


def words(text: str) -> list[str]:
    """Split a list separated by spaces, commas or both."""
    return re.split(r"[,\s]+", text.strip(", \t\r\n"))


def duration(text: str) -> int:
    """Return the seconds of `30s`, `10m`, `1h` or `30d`. Raise InvalidSetting if it is not a duration."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not seconds:
        raise InvalidSetting(_DURATION)
    if seconds > _MAX_DURATION:
        raise InvalidSetting("must not be longer than 3650d")
    return seconds


def days(text: str) -> int:
    """Return the seconds of a duration of at least a day. Raise InvalidSetting otherwise."""
    seconds = duration(text)
    if seconds < _UNITS["d"]:
        raise InvalidSetting("must be at least 1d")
    return seconds


def write_duration(seconds: int) -> str:
    """Return seconds in the largest unit that divides them: 3600 is `1h`."""
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def rates(text: str) -> tuple[Rate, ...]:
    """Return the rates of `5/5m 20/1h`, shortest window first. Raise InvalidSetting if they are invalid."""
    read = sorted((_rate(word) for word in words(text)), key=lambda rate: rate.seconds)
    if len({rate.seconds for rate in read}) < len(read):
        raise InvalidSetting("has two rates for the same period: keep one of them")
    return tuple(read)


def _rate(word: str) -> Rate:
    number, slash, span = word.partition("/")
    if not slash:
        raise InvalidSetting("must be rates such as 5/5m 20/1h: a number, a slash and a duration each")
    return Rate(count()(number), duration(span))


def write_rates(read: tuple[Rate, ...]) -> str:
    """Return rates in the form that `rates` reads."""
    return " ".join(f"{rate.count}/{write_duration(rate.seconds)}" for rate in read)


def backoff(text: str) -> Backoff:
    """Return the backoff of `5 30s..1h`. Raise InvalidSetting if it is invalid."""
    match = re.fullmatch(r"(\S+)\s+(\S+?)\.\.(\S+)", text)
    if not match:
        raise InvalidSetting("must be a number of tries and a range of waits, such as 5 30s..1h")
    read = Backoff(count()(match[1]), duration(match[2]), duration(match[3]))
    if read.first > read.most:
        raise InvalidSetting("must have the shorter wait first, such as 5 30s..1h")
    return read


def write_backoff(read: Backoff) -> str:
    """Return a backoff in the form that `backoff` reads."""
    return f"{read.free} {write_duration(read.first)}..{write_duration(read.most)}"


def count(minimum: int = 1, maximum: int = _MAX_COUNT) -> Callable[[str], int]:
    """Return a parser for whole numbers from `minimum` to `maximum`, which raises InvalidSetting."""

    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,12}", text) else -1
        if not minimum <= number <= maximum:
            raise InvalidSetting(f"must use a whole number from {minimum} to {maximum}")
        return number

    return parse


def hash_cost(text: str) -> HashCost:
    """Return the cost of `m=47104 t=1 p=1`. Raise InvalidSetting below the minimum of OWASP's cheat sheet."""
    pairs = [re.fullmatch(r"([mtp])=([0-9]{1,7})", word) for word in words(text)]
    numbers = {pair[1]: int(pair[2]) for pair in pairs if pair}
    if len(pairs) != len("mtp") or set(numbers) != set("mtp"):
        raise InvalidSetting("must be memory in KiB, passes and lanes, such as m=47104 t=1 p=1")
    cost = HashCost(numbers["m"], numbers["t"], numbers["p"])
    if cost.time_cost < 1 or cost.memory_cost < _MIN_MEMORY.get(cost.time_cost, 19_456):
        raise InvalidSetting("is too cheap: use at least m=47104 with t=1, or m=19456 with t=2")
    if (
        cost.memory_cost > _MAX_COST.memory_cost
        or cost.time_cost > _MAX_COST.time_cost
        or not 1 <= cost.parallelism <= _MAX_COST.parallelism
    ):
        raise InvalidSetting("must stay within m=4194304, t=100 and p from 1 to 16")
    return cost


def write_hash_cost(cost: HashCost) -> str:
    """Return a hash cost in the form that `hash_cost` reads."""
    return f"m={cost.memory_cost} t={cost.time_cost} p={cost.parallelism}"


def choice(*options: str) -> Callable[[str], str]:
    """Return a parser that accepts one of `options`, and raises InvalidSetting otherwise."""

    def parse(text: str) -> str:
        if text not in options:
            raise InvalidSetting(f"must be one of: {', '.join(options)}")
        return text

    return parse


def countries(text: str) -> tuple[str, ...]:
    """Return the countries of `US,CA,GB`, or `*` for every country. Raise InvalidSetting otherwise."""
    read = tuple(dict.fromkeys(words(text)))
    if read != ("*",) and not all(re.fullmatch(r"[A-Z]{2}", country) for country in read):
        raise InvalidSetting("must be two-letter country codes such as US,CA,GB, or * for every country")
    return read


def site_name(text: str) -> str:
    """Return the name that authenticator apps show. Raise InvalidSetting if it has other characters."""
    if not re.fullmatch(r"(?! )[\w. -]{1,64}(?<! )", text):
        raise InvalidSetting("must be 1 to 64 letters, digits, `.`, `-` and `_`, with spaces only between them")
    return text


def data_dir(text: str) -> Path:
    """Return the absolute path of a directory. Raise InvalidSetting if its home directory does not exist."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise InvalidSetting("names a home directory that does not exist: use the full path") from None


def secret_keys(text: str) -> tuple[SecretKey, ...]:
    """Return keys written as `id:base64url` of 32 bytes each, newest first. Raise InvalidSetting if one is invalid."""
    keys = tuple(_secret_key(word) for word in words(text))
    if len({key.id for key in keys}) < len(keys):
        raise InvalidSetting("has two keys with the same id: give every key its own id")
    return keys


def _secret_key(word: str) -> SecretKey:
    key_id, _, text = word.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", key_id) or not re.fullmatch(r"[A-Za-z0-9_-]{43}=?", text):
        raise InvalidSetting("must be id:base64url of 32 bytes, newest first, separated by spaces")
    return SecretKey(key_id, urlsafe_b64decode(text.rstrip("=") + "="))
