"""Run commands as operators do: each in its own process and folder.

Where the process does not matter, `run_here` saves the time to start it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from tests.support.service import Service
from twofold.cli import main

WITHIN = 120  # seconds; otherwise, a command that serves instead of failing would run on


def environment(**settings: str) -> dict[str, str]:
    """Return an environment with these settings and no others."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return kept | {f"TWOFOLD_{name}": value for name, value in settings.items()}


def twofold(folder: Path, *arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a separate folder, with these settings and no others."""
    command = [sys.executable, "-m", "twofold", *arguments]
    environ = environment(**settings)
    return subprocess.run(
        command, cwd=folder, env=environ, input=stdin, capture_output=True, text=True, check=False, timeout=WITHIN
    )


def run_here(service: Service, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command beside a running service, in this process."""
    outcome = CliRunner(env=service.environment()).invoke(main, arguments, input=stdin, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, outcome.exit_code, outcome.stdout, outcome.stderr)


def refusal(run: subprocess.CompletedProcess[str]) -> str:
    """Return the one-line error of a command that failed."""
    assert run.returncode == 1, run
    (line,) = run.stderr.splitlines()
    assert line.endswith((".", "?")), line
    return line


@contextmanager
def serving(folder: Path, port: int, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run `twofold serve` until the end of the block."""
    command = [sys.executable, "-m", "twofold", "serve", "--port", str(port), *arguments]
    with subprocess.Popen(
        command, cwd=folder, env=environment(**settings), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_lines(process: subprocess.Popen[str], count: int) -> str:
    """Return the first lines of the output."""
    assert process.stdout is not None
    return "".join(process.stdout.readline() for _ in range(count))
