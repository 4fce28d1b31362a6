"""The attack catalogue names only tests that exist."""

import ast
from pathlib import Path

import pytest

from tests.support.attack_catalogue import CASES, LATER

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("known", CASES)
def test_every_case_names_existing_tests(known: str) -> None:
    """Every test that a case names is defined."""
    assert CASES[known].tests
    for place in CASES[known].tests:
        file, _, function = place.partition("::")
        assert function in functions(TESTS / file), place


def test_case_without_tests_gives_a_reason() -> None:
    """A case names its tests, or says why it has none yet."""
    assert not CASES.keys() & LATER.keys()
    assert all(LATER.values())


def functions(file: Path) -> set[str]:
    """Return the names of the functions of a file."""
    parsed = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
