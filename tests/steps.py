"""The order of the suite and its headings: what is quick and basic comes first, and each step prints its name."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOMS = "rooms"
STEPS = {
    "test_house.py": "the laws of the house: style, types, imports",
    "test_parts.py": "real parts to test against",
    ROOMS: "rooms, one by one",
    "contract": "the contract, over HTTP, on both databases",
    "model": "random acts against a reference model",
    "pages": "pages, served",
    "interop": "interop: other people's authenticators and parsers",
    "attacks": "attacks",
    "faults": "faults: kills, full disks, clocks, databases that go away",
    "journeys": "journeys in a real browser",
}


def step_of(item: pytest.Item) -> str:
    """The step that a test belongs to, by the first part of its path below tests/."""
    first = item.path.relative_to(TESTS).parts[0]
    return first if first in STEPS else ROOMS


class Steps:
    """A pytest plugin that sorts tests into steps and prints a heading where a step begins."""

    def __init__(self) -> None:
        self.step_of_test: dict[str, str] = {}
        self.begun: str | None = None
        self.terminal: pytest.TerminalReporter | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Sorts by step and leaves the order within a step alone."""
        order = list(STEPS)
        items.sort(key=lambda item: order.index(step_of(item)))
        self.step_of_test = {item.nodeid: step_of(item) for item in items}
        self.terminal = config.pluginmanager.get_plugin("terminalreporter")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Prints the name of the step whose first test starts now."""
        step = self.step_of_test.get(nodeid)
        if step is None or step == self.begun or self.terminal is None:
            return
        self.begun = step
        self.terminal.ensure_newline()
        self.terminal.section(STEPS[step], sep="-", bold=True)
