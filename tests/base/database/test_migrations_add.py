"""Migrations only add: a node of the previous version keeps serving during and after a migration.

What is no longer used is removed by a later release, in a file that says so: `NNNN_contract_....sql`.
"""

import re
from pathlib import Path

import pytest

from twofold.base.database.migrate import PACKAGED
from twofold.base.database.statements import split

FILES = [path for path in sorted(PACKAGED.glob("*.sql")) if "_contract_" not in path.name]
NEW_TABLE = re.compile(r"CREATE TABLE\s+(\w+)")
INDEXED = re.compile(r"CREATE (?:UNIQUE )?INDEX (IF NOT EXISTS )?\w+ ON (\w+)")
# What the version before would stumble over: names that are gone or changed, values that it does not give.
TAKES_AWAY = re.compile(
    r"\b(DROP|RENAME|TRUNCATE|ALTER COLUMN|SET NOT NULL|ADD CONSTRAINT|ADD CHECK|CREATE UNIQUE INDEX)\b"
    r"|ADD COLUMN(?=.*\bNOT NULL\b)(?!.*\bDEFAULT\b)",
    re.IGNORECASE,
)


def faults(script: str) -> list[str]:
    """Return the statements that break an older node or lock a large table."""
    statements = [re.sub(r"--[^\n]*", "", each).strip() for each in split(script, "postgres")]
    new = {found[1] for each in statements if (found := NEW_TABLE.match(each))}
    return [each for each in statements if not is_additive(each, new)]


def is_additive(statement: str, new: set[str]) -> bool:
    """Return whether a statement only adds; an index on an existing table must be optional."""
    if NEW_TABLE.match(statement):
        return True
    if indexed := INDEXED.match(statement):
        return indexed[2] in new or bool(indexed[1])
    return not TAKES_AWAY.search(statement)


@pytest.mark.parametrize("path", FILES[4:], ids=lambda path: path.stem)
def test_every_migration_is_additive(path: Path) -> None:
    """This holds from the first migration that running nodes may meet."""
    assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE account DROP COLUMN email",
        "DROP TABLE link",
        "ALTER TABLE account RENAME COLUMN email TO address",
        "ALTER TABLE account ADD COLUMN locale TEXT NOT NULL",
        "ALTER TABLE account ALTER COLUMN stamp TYPE TEXT",
        "CREATE UNIQUE INDEX one_name ON computer (name)",
        "CREATE INDEX account_created ON account (created_at)",
    ],
)
def test_destructive_statement_is_detected(script: str) -> None:
    """The check can fail."""
    assert faults(script) == [script]


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE account ADD COLUMN locale TEXT",
        "ALTER TABLE account ADD COLUMN locale TEXT NOT NULL DEFAULT 'en'",
        "CREATE INDEX IF NOT EXISTS account_created ON account (created_at)",
        "CREATE TABLE thing (id TEXT NOT NULL UNIQUE); CREATE UNIQUE INDEX thing_id ON thing (id)",
    ],
)
def test_additive_statement_is_allowed(script: str) -> None:
    """Statements that do not affect an older node are allowed."""
    assert faults(script) == []
