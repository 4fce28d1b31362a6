"""The values that features hand in fit together."""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from twofold.base.feature import Feature
from twofold.base.problems import Problem
from twofold.features import FEATURES


def problems(kind: type[Problem] = Problem) -> list[type[Problem]]:
    """Return every problem of the product."""
    return [kind, *(each for below in kind.__subclasses__() for each in problems(below))]


NAMES: dict[str, Callable[[Feature], Iterable[object]]] = {
    "routes": lambda feature: [(route.method, route.path) for route in feature.routes],
    "messages": lambda feature: feature.messages,
    "problem links": lambda feature: feature.problem_links,
    "evidence": lambda feature: feature.evidence,
    "cookies": lambda feature: feature.cookies,
    "keys of an account": lambda feature: feature.account_keys,
}


@pytest.mark.parametrize("what", NAMES)
def test_no_two_features_hand_in_the_same_name(what: str) -> None:
    """One would silently take the place of the other."""
    counted = Counter(name for feature in FEATURES._features for name in NAMES[what](feature))
    assert counted, "nothing is handed in"
    assert [name for name, times in counted.items() if times > 1] == []


def test_every_page_that_a_problem_leads_to_has_a_label() -> None:
    """The button on the error page says where it leads."""
    led_to = {kind.resolve_at.split("?")[0] for kind in problems() if kind.resolve_at}
    assert led_to >= {"/sign-in", "/authenticate", "/settings"}
    assert led_to <= FEATURES.problem_links.keys()


def test_no_table_has_two_rules_of_expiry() -> None:
    """Two rules for a table could not both be right about when a row expires."""
    tables = Counter(each.table for each in FEATURES.expiries(FEATURES.read_settings({})[0]))
    assert [table for table, times in tables.items() if times > 1] == []
