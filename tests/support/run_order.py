"""The order in which test files run, the files that `--quick` leaves out, and the time of each file.

Files run in parallel, so slow ones start first; otherwise, one worker would finish long after the others.
"""

from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SHOWN = 20
SLOW_FILES = [
    "mutants/test_mutants.py",
    "faults/test_kills.py",
    "contract/test_races.py",
    "model/test_reference_model.py",
    "journeys/test_every_page.py",
    "attacks/test_timing.py",
    "journeys/test_phones.py",
    "notices/test_notices.py",
    "password/test_forgotten.py",
    "admin/test_groups.py",
    "admin/test_people.py",
    "signup/test_sign_up.py",
    "address/test_confirmation.py",
    "factors/test_gateways.py",
    "couriers/test_smtp.py",
]
SLOW_FOLDERS = ["journeys", "faults", "contract", "attacks", "model", "nodes"]
NOT_QUICK = {
    *SLOW_FOLDERS,
    "test_bench_modes.py",
    "test_demo.py",
    "test_demolition.py",
    "cli",
    "doors",
    "interop",
    "mutants/test_mutants.py",
    "admin/test_account_commands.py",
    "couriers/test_kills.py",
    "couriers/test_new_driver.py",
    "factors/test_caps.py",
    "factors/test_demolition.py",
    "factors/test_gateways.py",
    "sessions/test_bounds.py",
}


class Order:
    """A pytest plugin that starts slow files first, selects the quick tests and prints the time of each file."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Skip what `--quick` leaves out before it is imported, which takes as long as a fifth of the run."""
        return True if self.quick and is_left_out(collection_path) else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Sort by file, slow ones first, keeping the order within each file."""
        if self.quick:
            left_out = [item for item in items if not is_quick(item)]
            items[:] = [item for item in items if is_quick(item)]
            config.hook.pytest_deselected(items=left_out)
        items.sort(key=lambda item: rank(item.path))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the duration of a test phase to its file."""
        self.seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the slowest files if several were run."""
        if len(self.seconds) < 2:
            return
        terminalreporter.section(f"slowest {SHOWN} files")
        for name, seconds in sorted(self.seconds.items(), key=lambda entry: -entry[1])[:SHOWN]:
            terminalreporter.write_line(f"{seconds:7.1f}s  {name}")


def rank(path: Path) -> tuple[int, int]:
    """Return a sort key: slow files first, then slow folders, then all others."""
    inside = path.relative_to(TESTS)
    file, folder = inside.as_posix(), inside.parts[0]
    return (
        SLOW_FILES.index(file) if file in SLOW_FILES else len(SLOW_FILES),
        SLOW_FOLDERS.index(folder) if folder in SLOW_FOLDERS else len(SLOW_FOLDERS),
    )


def is_left_out(path: Path) -> bool:
    """Return whether `--quick` leaves out a file or folder."""
    inside = path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""
    return bool({inside, inside.partition("/")[0]} & NOT_QUICK)


def is_quick(item: pytest.Item) -> bool:
    """Return whether a test needs no PostgreSQL and is not left out."""
    if not isinstance(item, pytest.Function) or is_left_out(item.path):
        return False
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "cluster" not in item.fixturenames and not any(isinstance(it, str) and it == "postgres" for it in params)
