"""The bench judges: a promise that is not kept is told, whichever way it was missed."""

import math

import pytest

from bench.report import Figure, Results, written


@pytest.mark.parametrize(
    "most, least, value, kept",
    [
        (2.3, None, 2.3, True),
        (2.3, None, 2.31, False),
        (2.3, None, math.nan, False),
        (None, 2500, 2500, True),
        (None, 2500, 2499, False),
        (None, 2500, math.nan, False),
        (None, None, 1e9, True),
    ],
)
def test_a_promise_is_kept_or_told(most: float | None, least: float | None, value: float, *, kept: bool) -> None:
    """A figure beyond its promise, or none at all, is missed; one without a promise never is."""
    figure = Figure("code step", value, ".2f", at_most=most, at_least=least)
    results = Results("What it costs", "SQLite 3", "bin/bench", (), [figure], others=0.0)
    assert (figure in results.missed) is not kept
    assert ("**missed**" in written(results)) is not kept
