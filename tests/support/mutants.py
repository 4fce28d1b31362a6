"""Mutants: copies of the product with one fault each, and the tests that must fail with it.

Each table in `tests/mutants/*.toml` is a mutant, named after its fault. `change` is a diff without line numbers: the
path of a file below `src/twofold`, then lines that begin with `-`, `+` or a space. A blank line begins another change.
`tests` are node ids below `tests/`; in their brackets, `*` stands for both databases. Of a test without brackets, at
least one set of parameters must fail, on each database that it runs on.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import twofold

TESTS = Path(__file__).parents[1]
SOURCE = Path(twofold.__file__).parent
MAX_SECONDS = 600  # for the tests of one mutant
PASSED = "passed"
DATABASES = ("sqlite", "postgres")
# How pytest reports a failed test: assertions, `pytest.fail`, `[one] = many`, and problems that the product raised.
FOUND = re.compile(r"assert |AssertionError|(\w+\.)+Divergence|Failed: |ValueError: .* values to unpack|twofold\.")


class Mutant(NamedTuple):
    """A fault, and the tests that detect it; `always` runs it without `--full`, `full` with the large counts."""

    change: str
    tests: list[str]
    always: bool = False
    full: bool = False


class Edit(NamedTuple):
    """A change at one place."""

    path: str
    old: str
    new: str


UNCHANGED = Mutant("", [])


def read_mutants() -> dict[str, Mutant]:
    """Return all mutants by name."""
    tables = [tomllib.loads(path.read_text("utf-8")) for path in sorted((TESTS / "mutants").glob("*.toml"))]
    mutants = [(name, Mutant(**row)) for table in tables for name, row in table.items()]
    assert len(mutants) == len(dict(mutants)), "two mutants have the same name"
    return dict(mutants)


def why_outdated(mutant: Mutant) -> list[str]:
    """Return the parts of a mutant that no longer match the sources or the tests."""
    return [
        *(fault for edit in _edits(mutant) if (fault := _misplaced(edit))),
        *(f"there is no test {test}" for test in mutant.tests if not _exists(test)),
    ]


def missed_by(mutant: Mutant, folder: Path) -> list[str]:
    """Return the tests that do not detect the fault, with what they report instead."""
    outcomes: dict[tuple[str, ...], list[str]] = {}
    for test, said in run_tests(mutant.tests, copy_with(mutant, folder), folder, full=mutant.full).items():
        name, _, parameters = test.partition("[")
        database = [each for each in DATABASES if each in re.split(r"\W", parameters)]
        outcomes.setdefault((name, *database), []).append(said)
    return [f"{' on '.join(test)}: {said}" for test, said in outcomes.items() if not any(map(FOUND.match, said))]


def copy_with(mutant: Mutant, folder: Path) -> Path:
    """Copy the product with this fault, and return the folder to import it from."""
    copy = folder / "src" / "twofold"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path, old, new in _edits(mutant):
        text = f"\n{(copy / path).read_text('utf-8')}"
        (copy / path).write_text(text.replace(f"\n{old}", f"\n{new}", 1)[1:], "utf-8")
    return copy.parent


def run_tests(tests: list[str], source: Path, folder: Path, *, full: bool = False) -> dict[str, str]:
    """Run tests against a copy; return for each "passed", the message of its failure, or "error: " and the output."""
    report = folder / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={folder / 'tests'}", f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", *options, "--hypothesis-profile=mutants"]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with subprocess.Popen(
        [*command, *(f"tests/{each}" for test in tests for each in _on_each_database(test))],
        cwd=TESTS.parent,
        env={**outside, "PYTHONPATH": str(source), "FULL": str(int(full)), "QUICK": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            output, _ = running.communicate(timeout=MAX_SECONDS)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)  # this also stops its servers
            output, _ = running.communicate()
    return dict(_outcomes(report)) or {"all": f"error: {output}"}


def _on_each_database(test: str) -> Iterator[str]:
    name, bracket, parameters = test.partition("[*")
    yield from (f"{name}[{each}{parameters}" for each in DATABASES) if bracket else (test,)


def _edits(mutant: Mutant) -> Iterator[Edit]:
    path = ""
    for is_path, group in groupby(mutant.change.splitlines(), lambda line: bool(line) and line[0] not in "-+ "):
        lines = list(group)
        if is_path:
            path = lines[-1]
            continue
        for is_filled, hunk in groupby(lines, bool):
            if is_filled:
                change = list(hunk)
                old, new = ("".join(f"{line[1:]}\n" for line in change if line[0] in kept) for kept in ("- ", "+ "))
                yield Edit(path, old, new)


def _misplaced(edit: Edit) -> str | None:
    file = SOURCE / edit.path
    if not file.is_file():
        return f"there is no file {edit.path}"
    times = f"\n{file.read_text('utf-8')}".count(f"\n{edit.old}")
    return None if times == 1 else f"{edit.path} has these lines {times} times instead of once:\n{edit.old}"


def _exists(test: str) -> bool:
    path, _, function = test.partition("[")[0].partition("::")
    file, defined = TESTS / path, re.compile(rf"^((async )?def {function}\(|{function} = )", re.MULTILINE)
    return file.is_file() and defined.search(file.read_text("utf-8")) is not None


def _outcomes(report: Path) -> Iterator[tuple[str, str]]:
    for case in ET.parse(report).iter("testcase") if report.exists() else ():  # noqa: S314 - pytest wrote it
        name = f"{case.get('classname')}::{case.get('name')}"
        failure = case.find("failure")
        other = next((each for each in case if each.tag in ("error", "skipped")), None)
        if other is not None:
            yield name, f"error: {other.get('message')}\n{other.text}"
        else:
            yield name, PASSED if failure is None else failure.get("message", "")
