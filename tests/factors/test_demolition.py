"""A factor leaves with its folder and its lines in the list of rooms: the rest of the house stands."""

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
# What lives on: laws of imports are checked on the real source, journeys and faults need the whole house.
STANDS = ("tests/factors/test_enrolment.py", "tests/signin", "tests/unlock")


def demolish(folder: Path, *kinds: str) -> Path:
    """A copy of the source without these kinds, and without what names them in the list of rooms."""
    source = folder / "src"
    shutil.copytree(SOURCE, source / "twofold", ignore=shutil.ignore_patterns("__pycache__"))
    rooms = source / "twofold" / "rooms.py"
    for kind in kinds:
        shutil.rmtree(source / "twofold" / "factors" / kind)
        lines = rooms.read_text().splitlines(keepends=True)
        named = re.compile(rf"factors\.{kind}\.|\b{kind.capitalize()}\(")
        kept = [line for line in lines if not named.search(line)]
        assert len(lines) - len(kept) == 2, f"{kind} is named in more than an import and a line"
        rooms.write_text("".join(kept))
    return source


@pytest.mark.parametrize("kinds", [("sms",), ("voice",), ("sms", "voice")], ids="+".join)
def test_a_kind_of_phone_leaves_with_its_folder_and_its_lines(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    """Enrolment, sign-in and unlocking go on without it, and the settings show it as not set up."""
    source = demolish(tmp_path, *kinds)
    environment = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{HOME}"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-k", "not postgres", "-p", "no:cacheprovider", *STANDS]
    done = subprocess.run(command, cwd=HOME, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = subprocess.run(
        [sys.executable, "-c", "import twofold.rooms; print(twofold.__file__)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(source) in shown.stdout, "the copy was not what ran"
