"""Removing a factor kind takes its folder and its lines in the list of features; everything else still works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import twofold

SOURCE = Path(twofold.__file__).parent
HOME = Path(__file__).parents[2]
# What still runs: import rules are checked on the real source, and journeys and faults need all kinds.
STANDS = ("tests/factors/test_enrolment.py", "tests/signin", "tests/unlock")


def demolish(folder: Path, *kinds: str) -> Path:
    """Return a copy of the source without these kinds and their lines in the list of features."""
    source = folder / "src"
    shutil.copytree(SOURCE, source / "twofold", ignore=shutil.ignore_patterns("__pycache__"))
    rooms = source / "twofold" / "features.py"
    for kind in kinds:
        (source / "twofold" / "factors" / "phone" / f"{kind}.py").unlink()
        lines = rooms.read_text().splitlines(keepends=True)
        named = re.compile(rf"factors\.phone\.{kind}\b|\b{kind.capitalize()}\b")
        kept = [line for line in lines if not named.search(line)]
        assert len(lines) - len(kept) == 2, f"{kind} is named in more than an import and a line"
        rooms.write_text("".join(kept))
    return source


@pytest.mark.parametrize("kinds", [("sms",), ("voice",), ("sms", "voice")], ids="+".join)
def test_phone_kind_is_removed_with_its_file_and_lines(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    """Enrolment, sign-in and unlock still work, and the settings show the kind as not available."""
    source = demolish(tmp_path, *kinds)
    environment = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{HOME}"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-k", "not postgres", "-p", "no:cacheprovider", *STANDS]
    done = subprocess.run(command, cwd=HOME, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = subprocess.run(
        [sys.executable, "-c", "import twofold.features; print(twofold.__file__)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(source) in shown.stdout, "the copy was not what ran"
