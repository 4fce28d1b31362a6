"""The catalogue names tests that are there."""

import ast
from pathlib import Path

import pytest

from tests.attacks.catalogue import CASES, LATER

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("known", CASES)
def test_every_case_has_its_tests(known: str) -> None:
    """A test that is renamed or removed is missed here."""
    assert CASES[known].tests
    for place in CASES[known].tests:
        file, _, function = place.partition("::")
        assert function in functions(TESTS / file), place


def test_what_comes_later_has_no_test_yet() -> None:
    """A case is either tested or an empty place with its reason."""
    assert not CASES.keys() & LATER.keys()
    assert all(LATER.values())


def functions(file: Path) -> set[str]:
    """The names of the functions of a file."""
    parsed = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
