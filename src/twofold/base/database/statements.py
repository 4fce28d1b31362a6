"""The same SQL for both databases: each statement is translated for its driver once, and cached.

The common subset has 'texts', "names", -- and /* comments */, `::casts` (PostgreSQL only) and `:parameters`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise

from twofold.base.database import Dialect, Value

_TOKEN = re.compile(
    r"""
      ' (?: [^'] | '' )* '
    | " (?: [^"] | "" )* "
    | -- [^\n]*
    | /\* .*? \*/
    | ::
    | : (?P<name> [A-Za-z_] \w* )
    | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL,
)
_LOCK = re.compile(r"\s+FOR\s+UPDATE(\s+SKIP\s+LOCKED|\s+NOWAIT)?\s*(?=\)|\Z)", re.IGNORECASE)
_TYPES = ((str, "::text"), (int, "::bigint"), (bytes, "::bytea"), (type(None), ""))


def for_sqlite(sql: str, params: Mapping[str, Value]) -> tuple[str, list[Value]]:
    """Replace parameters with numbers as `for_postgres` does, and drop the lock clause at the end of a query."""
    text, names = _for_sqlite(sql)
    return text, [params[name] for name in names]


def for_postgres(sql: str, params: Mapping[str, Value]) -> tuple[str, list[Value]]:
    """Replace parameters with numbers, in the order of their first use, and return their values in that order."""
    text, names = _for_postgres(sql, tuple(params), tuple(map(type, params.values())))
    return text, [params[name] for name in names]


def split(script: str, dialect: Dialect) -> list[str]:
    """Split a script into statements, without the lines that are marked for the other database."""
    other = "postgres" if dialect == "sqlite" else "sqlite"
    marked = re.compile(rf"--\s*{other} only\s*$")
    script = "\n".join(line for line in script.split("\n") if not marked.search(line))
    ends = [match.start() for match in _TOKEN.finditer(script) if match["end"]]
    cuts = [-1, *ends, len(script)]
    statements = (script[start + 1 : end].strip() for start, end in pairwise(cuts))
    return [statement for statement in statements if _is_not_empty(statement)]


@lru_cache(maxsize=4096)
def _for_sqlite(sql: str) -> tuple[str, tuple[str, ...]]:
    return _numbered(_LOCK.sub("", sql), "?", {})


@lru_cache(maxsize=4096)
def _for_postgres(sql: str, names: tuple[str, ...], kinds: tuple[type, ...]) -> tuple[str, tuple[str, ...]]:
    # Each number has an explicit type, because PostgreSQL would use 32 bits for `:now + 1`.
    types = {name: _type(name, kind) for name, kind in zip(names, kinds, strict=True)}
    return _numbered(sql, "$", types)


def _numbered(sql: str, prefix: str, types: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        return f"{prefix}{numbers.setdefault(name, len(numbers) + 1)}{types.get(name, '')}"

    return _TOKEN.sub(number, sql), tuple(numbers)


def _type(name: str, kind: type) -> str:
    for known, written in _TYPES:
        if issubclass(kind, known):
            return written
    raise TypeError(f"the parameter :{name} is a {kind.__name__}; use str, int, bytes or None")


def _is_not_empty(statement: str) -> bool:
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/|\s", "", statement, flags=re.DOTALL))
