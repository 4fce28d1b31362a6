"""The tables of mutants fit the sources and the tests."""

import pytest

from tests.support.mutants import read_mutants, why_outdated

MUTANTS = read_mutants()


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_fits_the_sources(name: str) -> None:
    """Each change applies at exactly one place, and the tests exist."""
    outdated = why_outdated(MUTANTS[name])
    assert not outdated, "\n".join(["this mutant is outdated, adapt it in tests/mutants:", *outdated])
