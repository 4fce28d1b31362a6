"""Tests can fail: each mutant is caught by the tests that are named for it."""

import os
from pathlib import Path

import pytest

from tests.support.mutants import PASSED, UNCHANGED, copy_with, missed_by, read_mutants, run_tests

MUTANTS = read_mutants()
FULL = os.environ.get("FULL") == "1"


@pytest.mark.parametrize("name", [name for name, mutant in MUTANTS.items() if FULL or mutant.always])
def test_mutant_is_caught(name: str, tmp_path: Path) -> None:
    """All tests of the mutant fail with it, by an assertion and not by an error."""
    missed = missed_by(MUTANTS[name], tmp_path)
    assert not missed, "\n".join(["these tests do not find the fault:", *missed])


@pytest.mark.skipif(not FULL, reason="runs all tests of the mutants: bin/test --full")
def test_unchanged_copy_passes(tmp_path: Path) -> None:
    """The tests fail because of the fault, not because they run on a copy."""
    tests = sorted({test for mutant in MUTANTS.values() for test in mutant.tests})
    outcomes = run_tests(tests, copy_with(UNCHANGED, tmp_path), tmp_path)
    assert {test: said for test, said in outcomes.items() if said != PASSED} == {}
