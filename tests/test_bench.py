"""The benchmark reports every missed target."""

import math

import pytest

from bench.report import Figure, Results, written


@pytest.mark.parametrize(
    "most, least, value, met",
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
def test_figure_beyond_its_target_is_reported_as_missed(
    most: float | None, least: float | None, value: float, *, met: bool
) -> None:
    """A figure beyond its target, or not a number, is missed; a figure without a target never is."""
    figure = Figure("code step", value, ".2f", at_most=most, at_least=least)
    results = Results("Cost of Twofold", "SQLite 3", "bin/bench", (), [figure], others=0.0)
    assert (figure in results.missed) is not met
    assert ("**missed**" in written(results)) is not met
