"""One text of SQL for both databases: what each driver needs changed is found once per statement and remembered.

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
    """Number the parameters as `for_postgres` does, and drop the lock clause that ends a question.

    SQLite has one writer, who sees nobody else's changes. Raises LookupError for a parameter without a value.
    """
    text, names = _for_sqlite(sql)
    return text, [params[name] for name in names]


def for_postgres(sql: str, params: Mapping[str, Value]) -> tuple[str, list[Value]]:
    """Number the parameters, in the order of their first mention, and give their values in that order.

    Raises LookupError for a parameter without a value and TypeError for a value of another type.
    """
    text, names = _for_postgres(sql, tuple(params), tuple(map(type, params.values())))
    return text, [params[name] for name in names]


def split(script: str, dialect: Dialect) -> list[str]:
    """Cut a script into statements, without the lines that are marked for the other database."""
    other = "postgres" if dialect == "sqlite" else "sqlite"
    marked = re.compile(rf"--\s*{other} only\s*$")
    script = "\n".join(line for line in script.split("\n") if not marked.search(line))
    ends = [match.start() for match in _TOKEN.finditer(script) if match["end"]]
    cuts = [-1, *ends, len(script)]
    statements = (script[start + 1 : end].strip() for start, end in pairwise(cuts))
    return [statement for statement in statements if _says_something(statement)]


@lru_cache(maxsize=4096)
def _for_sqlite(sql: str) -> tuple[str, tuple[str, ...]]:
    return _numbered(_LOCK.sub("", sql), "?", {})


@lru_cache(maxsize=4096)
def _for_postgres(sql: str, given: tuple[str, ...], kinds: tuple[type, ...]) -> tuple[str, tuple[str, ...]]:
    # The type is written to each number, because PostgreSQL would take `:now + 1` for 32 bits.
    types = {name: _type(name, kind) for name, kind in zip(given, kinds, strict=True)}
    return _numbered(sql, "$", types)


def _numbered(sql: str, sign: str, types: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        return f"{sign}{numbers.setdefault(name, len(numbers) + 1)}{types.get(name, '')}"

    return _TOKEN.sub(number, sql), tuple(numbers)


def _type(name: str, kind: type) -> str:
    for known, written in _TYPES:
        if issubclass(kind, known):
            return written
    raise TypeError(f"the parameter :{name} is a {kind.__name__}; str, int, bytes and None are taken")


def _says_something(statement: str) -> bool:
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/|\s", "", statement, flags=re.DOTALL))
