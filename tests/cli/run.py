"""Running commands as a person does: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path


def environment(**settings: str) -> dict[str, str]:
    """Give these settings and no others."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return kept | {f"TWOFOLD_{name}": value for name, value in settings.items()}


def twofold(folder: Path, *arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of its own, with these settings and no others."""
    command = [sys.executable, "-m", "twofold", *arguments]
    environ = environment(**settings)
    return subprocess.run(command, cwd=folder, env=environ, input=stdin, capture_output=True, text=True, check=False)


def refusal(run: subprocess.CompletedProcess[str]) -> str:
    """Give the one line of a command that was refused."""
    assert run.returncode == 1, run
    (line,) = run.stderr.splitlines()
    assert line.endswith((".", "?")), line
    return line
