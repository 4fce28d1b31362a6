"""The real server as a process of its own, with its own data directory: tests speak to it as the world does."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.parts import need

# The cheapest hash that the settings allow, and room for a whole suite that comes from one address.
# The limits of an account stay as they are shipped.
SUITE_SETTINGS = {
    "password_hash": "m=19456 t=2 p=1",
    "limit_source": "100000/5m",
    "limit_sign_ups": "100000/1h",
    "log": "text",
}
START_WITHIN = 20.0
STOP_WITHIN = 30.0
FIRST_ADMINISTRATOR = re.compile(r"https?://\S+/setup/\S+")


class Service:
    """`twofold serve` on a free port of loopback, for `with Service(folder) as service:`.

    Settings are keywords by the name of their variable without the prefix, in lower case. `launcher` is put before the
    command, for example `["strace", "-f"]`, `arguments` behind it, for example `["--workers", "2"]`.
    With `movable_clock=True` the server's clock can be moved while it runs.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        launcher: list[str] | None = None,
        arguments: Sequence[str] = (),
        movable_clock: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.log_file = folder / "service.log"
        self.clock_file = folder / "clock"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {**SUITE_SETTINGS, "data_dir": str(self.data_dir), "base_url": self.url, **(settings or {})}
        if database_url is not None:
            self.settings["database_url"] = database_url
        self.launcher = launcher or []
        self.arguments = arguments
        self.movable_clock = movable_clock
        self.clock_offset = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.printed_before = 0

    # ------------------------------------------------------------------ starting and ending

    def start(self, *, wait: bool = True) -> Self:
        """Starts the server, and returns once it answers; raises RuntimeError with its output when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.printed_before = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command_line(),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if wait:
            self.wait_until_it_answers()
        return self

    def command_line(self) -> list[str]:
        """What is run."""
        return [*self.launcher, sys.executable, "-m", "twofold", "serve", "--port", str(self.port), *self.arguments]

    def stop(self) -> int:
        """Asks the server to end as an operator does, by SIGTERM, and returns its exit status."""
        process = self.running()
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_WITHIN)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends the server and all its processes at once, as a power cut would (SIGKILL)."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_WITHIN)
        self.process = None

    def restart(self) -> Self:
        """Stops the server in good order and starts it again on the same port and data."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def running(self) -> subprocess.Popen[bytes]:
        """The server's process; an AssertionError when it was not started."""
        assert self.process is not None, "the service was not started"
        return self.process

    def wait_until_it_answers(self, within: float = START_WITHIN) -> None:
        """Returns when /healthz says 200; raises RuntimeError with what was printed when that takes too long."""
        give_up_at = time.monotonic() + within
        while time.monotonic() < give_up_at:
            if self.running().poll() is not None:
                raise RuntimeError(f"the service ended with {self.running().returncode}:\n{self.output()}")
            if self.is_healthy():
                return
            time.sleep(0.02)
        raise RuntimeError(f"the service did not answer within {within} s:\n{self.output()}")

    def is_healthy(self, path: str = "/healthz") -> bool:
        """True when the server answers 200 on a health path."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    # ------------------------------------------------------------------ what it is given, what it says

    def environment(self) -> dict[str, str]:
        """The server's whole environment: nothing of the caller's settings leaks in."""
        passed_on = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
        kept = {name: os.environ[name] for name in passed_on if name in os.environ}
        settings = {f"TWOFOLD_{name.upper()}": value for name, value in self.settings.items()}
        return {**kept, "PYTHONUNBUFFERED": "1", **settings, **(self.clock_environment() if self.movable_clock else {})}

    def output(self) -> str:
        """All that the server has printed and logged since its last start."""
        return self.log_file.read_bytes()[self.printed_before :].decode(errors="replace")

    def whole_output(self) -> str:
        """All that the server has printed and logged over all its starts."""
        return self.log_file.read_text(errors="replace")

    def first_administrator_link(self) -> str:
        """The link printed at the last start that makes the first administrator."""
        return self.wait_for_output(FIRST_ADMINISTRATOR)

    def wait_for_output(self, pattern: re.Pattern[str], within: float = 5.0) -> str:
        """The first thing printed since the last start that fits a pattern; fails the test when it does not come."""
        give_up_at = time.monotonic() + within
        while (found := pattern.search(self.output())) is None:
            assert time.monotonic() < give_up_at, f"{pattern.pattern} was not printed:\n{self.output()}"
            time.sleep(0.02)
        return found[0]

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs another command of the command line on the same data, for example `account list --json`."""
        command = [sys.executable, "-m", "twofold", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(), input=stdin, capture_output=True, text=True, check=False
        )

    # ------------------------------------------------------------------ its clock

    def move_clock(self, seconds: int) -> None:
        """Sets the server's clock so many seconds ahead of the true time (behind, if negative), while it runs."""
        assert self.movable_clock, "start the service with movable_clock=True"
        self.clock_offset = seconds
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self.clock_file)

    def clock(self) -> float:
        """The time on the server's clock, in epoch seconds."""
        return time.time() + self.clock_offset

    def clock_environment(self) -> dict[str, str]:
        """What makes the C library tell the time in the clock file; timers and time-outs keep running true.

        `time.sleep` fails under this library, the waits of the event loop and of threads do not.
        """
        self.move_clock(self.clock_offset)
        return {
            "LD_PRELOAD": faketime_library(),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock_file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Without this, timed waits on conditions last up to a second, and so do changes of threads in Python.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
        }


def faketime_library() -> str:
    """The library that the program faketime preloads, the variant for programs with threads."""
    shown = subprocess.run([need("faketime"), "-f", "+0s", "env"], capture_output=True, text=True, check=True).stdout
    library = next(line.split("=", 1)[1] for line in shown.splitlines() if line.startswith("LD_PRELOAD="))
    return library.split(":")[-1].strip().replace("libfaketime.so", "libfaketimeMT.so")


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
