"""One text of SQL becomes what each driver reads, and nothing else in it is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.database.statements import for_postgres, for_sqlite, split

TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20)
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
UNTOUCHED = st.one_of(
    TEXT.map(lambda text: "'" + text.replace("'", "''") + "'"),
    TEXT.map(lambda text: '"' + text.replace('"', '""') + '"'),
    TEXT.map(lambda text: "--" + text.replace("\n", " ") + "\n"),
    TEXT.map(lambda text: "/*" + text.replace("*/", "") + " */"),
    NAME.map(lambda name: f"value::{name}"),
)


@given(st.lists(st.one_of(UNTOUCHED.map(lambda text: (text, None)), NAME.map(lambda name: (f":{name}", name)))))
def test_only_parameters_are_numbered(pieces: list[tuple[str, str | None]]) -> None:
    """Texts, quoted names, comments and casts pass unchanged, whatever is in them; each name has one number."""
    values = {name: name for _, name in pieces if name}
    order = list(values)
    expected = " ".join(f"${order.index(name) + 1}::text" if name else text for text, name in pieces)
    text, given_values = for_postgres(" ".join(text for text, _ in pieces), values)
    assert text == expected
    assert given_values == order


@given(st.lists(UNTOUCHED))
def test_a_script_is_cut_between_statements_only(texts: list[str]) -> None:
    """A semicolon inside a text, a quoted name or a comment ends nothing."""
    statements = [f"part {text}\n" for text in texts]
    assert split(";\n".join(statements), "sqlite") == [statement.strip() for statement in statements]


def test_types_are_written_to_the_numbers() -> None:
    """Integers are 64 bits wide for PostgreSQL whatever stands beside them; NULL takes its neighbour's type."""
    text, values = for_postgres("SELECT :a, :b, :c, :d, :a", {"a": 1, "b": "x", "c": b"y", "d": None})
    assert text == "SELECT $1::bigint, $2::text, $3::bytea, $4, $1::bigint"
    assert values == [1, "x", b"y", None]


def test_a_forgotten_value_is_named() -> None:
    """The error says which parameter has none."""
    for write in (for_postgres, for_sqlite):
        with pytest.raises(LookupError, match="size"):
            write("SELECT :size", {"siez": 1})


def test_other_types_are_refused() -> None:
    """A float has no place in the port."""
    with pytest.raises(TypeError, match=":size is a float"):
        for_postgres("SELECT :size", {"size": 1.5})  # type: ignore[dict-item]


def test_both_number_alike() -> None:
    """SQLite gets the same numbers and the same values, without types."""
    assert for_sqlite("SELECT :b, :a, :b", {"a": 1, "b": "x"}) == ("SELECT ?1, ?2, ?1", ["x", 1])


@pytest.mark.parametrize("lock", [" FOR UPDATE", "\n  for update\n", " FOR UPDATE SKIP LOCKED"])
def test_a_trailing_lock_is_dropped_for_sqlite(lock: str) -> None:
    """Only the clause at the end goes; the same words elsewhere stay."""
    question = "SELECT ' FOR UPDATE' FROM thing"
    assert for_sqlite(question + lock, {}) == (question, [])


def test_lines_for_the_other_database_are_left_out() -> None:
    """A line marked for one database is not there for the other."""
    script = "CREATE TABLE a (x TEXT\n) WITHOUT ROWID -- sqlite only\n) -- postgres only\n; -- the end\n"
    assert split(script, "postgres") == ["CREATE TABLE a (x TEXT\n) -- postgres only"]
    assert split(script, "sqlite") == ["CREATE TABLE a (x TEXT\n) WITHOUT ROWID -- sqlite only"]
