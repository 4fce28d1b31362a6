"""Where values come from: environment over files named by the environment over one TOML file.

Reads names and texts only; what a text means is the settings' business. Nothing read here is ever repeated in a
fault, only the name of where it stood.
"""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

PREFIX = "TWOFOLD_"
_FILE = "_FILE"
_CONFIG = "CONFIG"
_FOREIGN = ("SERVICE_", "PORT")  # container platforms inject these for a service that is called twofold
_LARGEST = 1 << 20


class Given(NamedTuple):
    """A value as text, and the words that say where it stood."""

    text: str
    place: str


class Sources(NamedTuple):
    """What was found, by the setting's name in lower case; what could not be read, and which settings that spoils."""

    given: dict[str, Given]
    faults: list[str]
    broken: set[str]


class _Unreadable(Exception):
    """A file that cannot be used; the message is the end of a sentence."""


def read(environ: Mapping[str, str], known: Collection[str]) -> Sources:
    """Gather what is given for the `known` settings, from the environment and from the file that it names."""
    found = Sources({}, [], set())
    raw = {key.removeprefix(PREFIX): text for key, text in environ.items() if key.startswith(PREFIX)}
    if (path := raw.pop(_CONFIG, None)) is not None:
        _layer(_read_toml(path, known, found), known, found)
    ours = {name: Given(text, PREFIX + name) for name, text in raw.items() if not name.startswith(_FOREIGN)}
    _layer(ours, known, found)
    return found


def _layer(named: Mapping[str, Given], known: Collection[str], found: Sources) -> None:
    """Lay one source over what was found: unknown names, values in files of their own, the same thing given twice."""
    for name, given in sorted(named.items()):
        plain = name.removesuffix(_FILE)
        setting = plain.lower()
        if setting not in known or name != name.upper():
            found.faults.append(f"{given.place} is not a setting: did you mean {_nearest(name, known, given.place)}?")
        elif name != plain and plain in named:
            found.faults.append(f"{named[plain].place} and {given.place} are both set: keep one of them.")
        else:
            try:
                found.given[setting] = _checked(given if name == plain else _content(given))
            except _Unreadable as fault:
                found.faults.append(f"{given.place} {fault}.")
                found.broken.add(setting)


def _content(given: Given) -> Given:
    text = _read_text(given.text)
    return Given(text, f"The content of {given.place}")


def _read_text(path: str) -> str:
    try:
        content = Path(path).expanduser().read_bytes()[: _LARGEST + 1]
        if len(content) > _LARGEST:
            raise _Unreadable("names a file that is too large to hold settings")
        return content.decode()
    except UnicodeDecodeError:
        raise _Unreadable("names a file that is not UTF-8 text") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no usable path"
        raise _Unreadable(f"names a file that cannot be read ({reason}): check the path and its rights") from None


def _checked(given: Given) -> Given:
    text = given.text.strip()
    if not text:
        raise _Unreadable("is empty: give it a value or leave it out")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", text):
        raise _Unreadable("holds characters that are not text: remove them")
    return Given(text, given.place)


def _read_toml(path: str, known: Collection[str], found: Sources) -> dict[str, Given]:
    import tomllib  # noqa: PLC0415 - 12 ms that only those pay who have such a file

    try:
        text = _read_text(path)
        table = tomllib.loads(text)
    except _Unreadable as fault:
        found.faults.append(f"{PREFIX}{_CONFIG} {fault}.")
        return {}
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at (line [0-9]+)", str(error))
        line = where[1] if where else f"line {text.count(chr(10)) + 1}"  # "at end of document"
        found.faults.append(f"{PREFIX}{_CONFIG} names {path}, which is not valid TOML at {line}: mend that line.")
        return {}
    named = {}
    for key, value in table.items():
        place = f"{key} in {path}"
        written = _toml_text(value)
        if key in known and written is None:
            found.faults.append(f"{place} must be a text, a whole number or a list of texts.")
            found.broken.add(key)
        else:
            # Only lower-case keys are names; any other stays one that no setting has.
            named[key.upper() if key.islower() else key.lower()] = Given(written or "", place)
    return named


def _toml_text(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    return None


def _nearest(name: str, known: Collection[str], place: str) -> str:
    """Name the setting most like `name`, in the manner of the place where `name` stood."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only the mistaken pay for it

    base = name.upper().removesuffix(_FILE)
    likeness = {word: SequenceMatcher(None, base, word).ratio() for word in (*(k.upper() for k in known), _CONFIG)}
    best = max(likeness, key=lambda word: likeness[word])
    suffix = _FILE if name.upper().endswith(_FILE) and best != _CONFIG else ""
    return PREFIX + best + suffix if place.startswith(PREFIX) else (best + suffix).lower()
