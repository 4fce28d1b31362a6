"""One SQL text is translated for each driver, and only its parameters are changed."""

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
def test_only_parameters_are_replaced_by_numbers(pieces: list[tuple[str, str | None]]) -> None:
    """Strings, quoted names, comments and casts are not changed, and each name has one number."""
    values = {name: name for _, name in pieces if name}
    order = list(values)
    expected = " ".join(f"${order.index(name) + 1}::text" if name else text for text, name in pieces)
    text, given_values = for_postgres(" ".join(text for text, _ in pieces), values)
    assert text == expected
    assert given_values == order


@given(st.lists(UNTOUCHED))
def test_script_is_split_between_statements_only(texts: list[str]) -> None:
    """A semicolon in a string, a quoted name or a comment does not end a statement."""
    statements = [f"part {text}\n" for text in texts]
    assert split(";\n".join(statements), "sqlite") == [statement.strip() for statement in statements]


def test_parameters_are_cast_to_their_types_for_postgres() -> None:
    """Integers have 64 bits in every expression, and NULL takes the type of the other operand."""
    text, values = for_postgres("SELECT :a, :b, :c, :d, :a", {"a": 1, "b": "x", "c": b"y", "d": None})
    assert text == "SELECT $1::bigint, $2::text, $3::bytea, $4, $1::bigint"
    assert values == [1, "x", b"y", None]


def test_error_names_the_parameter_without_a_value() -> None:
    """The error names the parameter."""
    for write in (for_postgres, for_sqlite):
        with pytest.raises(LookupError, match="size"):
            write("SELECT :size", {"siez": 1})


def test_unsupported_parameter_types_are_refused() -> None:
    """Floats are refused."""
    with pytest.raises(TypeError, match=":size is a float"):
        for_postgres("SELECT :size", {"size": 1.5})  # type: ignore[dict-item]


def test_sqlite_and_postgres_use_the_same_parameter_numbers() -> None:
    """SQLite gets the same numbers and values, without types."""
    assert for_sqlite("SELECT :b, :a, :b", {"a": 1, "b": "x"}) == ("SELECT ?1, ?2, ?1", ["x", 1])


@pytest.mark.parametrize("lock", [" FOR UPDATE", "\n  for update\n", " FOR UPDATE SKIP LOCKED"])
def test_trailing_for_update_is_removed_for_sqlite(lock: str) -> None:
    """Only the clause at the end is removed; the same words elsewhere are kept."""
    question = "SELECT ' FOR UPDATE' FROM thing"
    assert for_sqlite(question + lock, {}) == (question, [])


def test_lines_marked_for_another_database_are_left_out() -> None:
    """A line marked for one database is left out for the other."""
    script = "CREATE TABLE a (x TEXT\n) WITHOUT ROWID -- sqlite only\n) -- postgres only\n; -- the end\n"
    assert split(script, "postgres") == ["CREATE TABLE a (x TEXT\n) -- postgres only"]
    assert split(script, "sqlite") == ["CREATE TABLE a (x TEXT\n) WITHOUT ROWID -- sqlite only"]
