"""Read the values of settings from the environment, files that it names, and one TOML file.

The environment overrides the TOML file. Values are read as text and parsed by `settings`. A fault names where a
value was set, and never repeats it.
"""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from twofold.config.injected import injected

PREFIX = "TWOFOLD_"
_FILE = "_FILE"
_CONFIG = "CONFIG"
_MAX_BYTES = 1 << 20


class Value(NamedTuple):
    """A value as text, and where it was set, in words."""

    text: str
    source: str


class Sources(NamedTuple):
    """Values by lower-case setting name, the faults, and the settings without a usable value."""

    values: dict[str, Value]
    faults: list[str]
    broken: set[str]


class _Unreadable(Exception):
    """An unusable file or value; the message is the end of a sentence."""


def read(environ: Mapping[str, str], known: Collection[str]) -> Sources:
    """Return the values of the `known` settings from the environment and the files that it names."""
    sources = Sources({}, [], set())
    raw = {key.removeprefix(PREFIX): text for key, text in environ.items() if key.startswith(PREFIX)}
    if (path := raw.pop(_CONFIG, None)) is not None:
        _add(_read_toml(path, known, sources), known, sources)
    foreign = injected({name: text for name, text in raw.items() if name.removesuffix(_FILE).lower() not in known})
    own = {name: Value(text, PREFIX + name) for name, text in raw.items() if name not in foreign}
    _add(own, known, sources)
    return sources


def _add(named: Mapping[str, Value], known: Collection[str], sources: Sources) -> None:
    """Add the values of one source, replacing earlier ones; report unknown and duplicate names as faults."""
    for name, value in sorted(named.items()):
        plain = name.removesuffix(_FILE)
        setting = plain.lower()
        if setting not in known or name != name.upper():
            sources.faults.append(
                f"{value.source} is not a setting: did you mean {_nearest(name, known, value.source)}?"
            )
        elif name != plain and plain in named:
            sources.faults.append(f"{named[plain].source} and {value.source} are both set: keep one of them.")
        else:
            try:
                sources.values[setting] = _checked(value if name == plain else _content(value))
            except _Unreadable as fault:
                sources.faults.append(f"{value.source} {fault}.")
                sources.broken.add(setting)


def _content(value: Value) -> Value:
    return Value(_read_text(value.text), f"The content of {value.source}")


def _read_text(path: str) -> str:
    try:
        content = Path(path).expanduser().read_bytes()[: _MAX_BYTES + 1]
        if len(content) > _MAX_BYTES:
            raise _Unreadable("names a file that is too large")
        return content.decode("utf-8-sig")  # editors on Windows begin a file with a byte order mark
    except UnicodeDecodeError:
        raise _Unreadable("names a file that is not UTF-8 text") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no usable path"
        raise _Unreadable(f"names a file that cannot be read ({reason}): check its path and permissions") from None


def _checked(value: Value) -> Value:
    text = value.text.strip()
    if not text:
        raise _Unreadable("is empty: set a value or remove it")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", text):
        raise _Unreadable("contains control characters: remove them")
    return Value(text, value.source)


def _read_toml(path: str, known: Collection[str], sources: Sources) -> dict[str, Value]:
    import tomllib  # noqa: PLC0415 - takes 12 ms, needed only if there is such a file

    try:
        text = _read_text(path)
        table = tomllib.loads(text)
    except _Unreadable as fault:
        sources.faults.append(f"{PREFIX}{_CONFIG} {fault}.")
        return {}
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at (line [0-9]+)", str(error))
        line = where[1] if where else f"line {text.count(chr(10)) + 1}"  # "at end of document"
        sources.faults.append(f"{PREFIX}{_CONFIG} names {path}, which is not valid TOML at {line}: fix that line.")
        return {}
    named = {}
    for key, value in _settings_in(table):
        source = f"{key} in {path}"
        written = _toml_text(value)
        if key in known and written is None:
            sources.faults.append(f"{source} must be a string, a whole number or a list of strings.")
            sources.broken.add(key)
        else:
            # Only lower-case keys are valid; any other key is turned into a name that no setting has.
            named[key.upper() if key.islower() else key.lower()] = Value(written or "", source)
    return named


def _settings_in(table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield names and values; tables such as `[[gate.rules]]` are the setting `gate_rules`, with their own name."""
    for key, value in table.items():
        if isinstance(value, dict) and value and all(_is_tables(inner) for inner in value.values()):
            yield from ((f"{key}_{name}", {name: inner}) for name, inner in value.items())
        else:
            yield key, value


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _toml_text(value: object) -> str | None:
    if isinstance(value, dict) and all(_is_tables(inner) for inner in value.values()):
        return json.dumps(value, default=str)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    return None


def _nearest(name: str, known: Collection[str], source: str) -> str:
    """Return the setting most similar to `name`, in the spelling of its source."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - needed only after a mistake

    base = name.upper().removesuffix(_FILE)
    similarity = {word: SequenceMatcher(None, base, word).ratio() for word in (*(k.upper() for k in known), _CONFIG)}
    best = max(similarity, key=lambda word: similarity[word])
    suffix = _FILE if name.upper().endswith(_FILE) and best != _CONFIG else ""
    return PREFIX + best + suffix if source.startswith(PREFIX) else (best + suffix).lower()
