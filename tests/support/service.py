"""The real server in a separate process, with its own data directory."""

import contextlib
import json
import os
import re
import secrets
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
from typing import Any, Self

from tests.support.programs import need

# The cheapest hash that the settings allow, and limits for a whole suite that comes from one address.
# Limits per account keep their defaults.
SUITE_SETTINGS = {
    "password_hash": "m=19456 t=2 p=1",
    "limit_source": "100000/5m",
    "limit_sign_ups": "100000/1h",
    "registration": "open",  # also at a public base URL
    "log": "text",
}
START_WITHIN = 20.0
STOP_WITHIN = 30.0
DEVELOPMENT_KEY = re.compile(r"/dev\?key=(\S+)")
RUNNING: dict[str, "Service"] = {}  # by URL, for helpers that do not have the service
FIRST_ADMINISTRATOR = re.compile(r"https?://\S+/setup/\S+")


class Service:
    """`twofold serve` on a free loopback port, for `with Service(folder) as service:`.

    Settings are named like their variables, in lower case and without the prefix. `launcher` is put before the
    command, for example `["strace", "-f"]`, and `arguments` after it, for example `["--workers", "2"]`.
    With `movable_clock=True` the server's clock can be moved while it runs. With `default_address=True` no base URL is
    set, so that the service is at `http://localhost:PORT`, on both addresses of this machine.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        launcher: list[str] | None = None,
        arguments: Sequence[str] = (),
        movable_clock: bool = False,
        default_address: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.log_file = folder / "service.log"
        self.clock_file = folder / "clock"
        self.port = free_port()
        self.url = f"http://{'localhost' if default_address else '127.0.0.1'}:{self.port}"
        written = {} if default_address else {"base_url": self.url}
        self.settings = {**SUITE_SETTINGS, "data_dir": str(self.data_dir), **written, **(settings or {})}
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
        """Start the server, and return once it responds. Raise RuntimeError with its output if it does not."""
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
        RUNNING[self.url] = self
        if wait:
            self.wait_until_it_answers()
        return self

    def command_line(self) -> list[str]:
        """Return the command that is run."""
        return [*self.launcher, sys.executable, "-m", "twofold", "serve", "--port", str(self.port), *self.arguments]

    def stop(self) -> int:
        """Stop the server by SIGTERM, and return its exit status."""
        process = self.running()
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_WITHIN)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the server and all its processes at once (SIGKILL)."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_WITHIN)
        self.process = None

    def restart(self) -> Self:
        """Stop the server, and start it again with the same port and data."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def running(self) -> subprocess.Popen[bytes]:
        """Return the server's process. Raise AssertionError if it was not started."""
        assert self.process is not None, "the service was not started"
        return self.process

    def wait_until_it_answers(self, within: float = START_WITHIN) -> None:
        """Wait until /healthz answers 200. Raise RuntimeError with the output if that takes too long."""
        give_up_at = time.monotonic() + within
        while time.monotonic() < give_up_at:
            if self.running().poll() is not None:
                raise RuntimeError(f"the service ended with {self.running().returncode}:\n{self.output()}")
            if self.is_healthy():
                return
            time.sleep(0.02)
        raise RuntimeError(f"the service did not answer within {within} s:\n{self.output()}")

    def is_healthy(self, path: str = "/healthz") -> bool:
        """Return whether the server answers 200 on a health path."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    # ------------------------------------------------------------------ what it is given, what it says

    def environment(self) -> dict[str, str]:
        """Return the server's complete environment, which excludes Twofold settings of this process."""
        passed_on = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
        kept = {name: os.environ[name] for name in passed_on if name in os.environ}
        settings = {f"TWOFOLD_{name.upper()}": value for name, value in self.settings.items()}
        return {**kept, "PYTHONUNBUFFERED": "1", **settings, **(self.clock_environment() if self.movable_clock else {})}

    def output(self) -> str:
        """Return the server's output since its last start, including its log."""
        return self.log_file.read_bytes()[self.printed_before :].decode(errors="replace")

    def whole_output(self) -> str:
        """Return the server's output since its first start, including its log."""
        return self.log_file.read_text(errors="replace")

    def first_administrator_link(self) -> str:
        """Return the link for the first administrator that was printed at the last start."""
        return self.wait_for_output(FIRST_ADMINISTRATOR)

    def development(self, path: str = "/dev") -> str:
        """Return the path of a development page, with the key that was printed at the last start."""
        found = DEVELOPMENT_KEY.search(self.wait_for_output(DEVELOPMENT_KEY))
        assert found
        return f"{path}?key={found[1]}"

    def outbox(self) -> list[dict[str, Any]]:
        """Return all messages in the development mailbox since the last start, oldest first."""
        with urllib.request.urlopen(self.url + self.development("/dev/outbox.json"), timeout=30) as answer:  # noqa: S310 - our own loopback address
            messages: list[dict[str, Any]] = json.load(answer)
            return messages

    def wait_for_output(self, pattern: re.Pattern[str], within: float = 5.0) -> str:
        """Wait until the output since the last start matches a pattern, and return the match."""
        give_up_at = time.monotonic() + within
        while (found := pattern.search(self.output())) is None:
            assert time.monotonic() < give_up_at, f"{pattern.pattern} was not printed:\n{self.output()}"
            time.sleep(0.02)
        return found[0]

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command on the same data, for example `account list --json`."""
        command = [sys.executable, "-m", "twofold", *arguments]
        given = {"TWOFOLD_BASE_URL": self.url, **self.environment()}  # commands do not know the port
        return subprocess.run(
            command, cwd=self.folder, env=given, input=stdin, capture_output=True, text=True, check=False
        )

    # ------------------------------------------------------------------ its clock

    def move_clock(self, seconds: int) -> None:
        """Set the server's clock ahead of the true time by these seconds (behind if negative), also while it runs."""
        assert self.movable_clock, "start the service with movable_clock=True"
        self.clock_offset = seconds
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self.clock_file)

    def clock(self) -> float:
        """Return the time on the server's clock, in epoch seconds."""
        return time.time() + self.clock_offset

    def clock_environment(self) -> dict[str, str]:
        """Return the variables that make the C library read the time from the clock file.

        Timers and timeouts are not affected.

        Under this library, `time.sleep` fails, but waits of the event loop and of threads work.
        """
        self.move_clock(self.clock_offset)
        return {
            "LD_PRELOAD": faketime_library(),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock_file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Without this, timed waits on conditions take up to a second, and so do thread switches in Python.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
        }


def faketime_library() -> str:
    """Return the library that faketime preloads, in the variant for programs with threads."""
    shown = subprocess.run([need("faketime"), "-f", "+0s", "env"], capture_output=True, text=True, check=True).stdout
    library = next(line.split("=", 1)[1] for line in shown.splitlines() if line.startswith("LD_PRELOAD="))
    return library.split(":")[-1].strip().replace("libfaketime.so", "libfaketimeMT.so")


def free_port() -> int:
    """Return a free loopback port.

    It is below the range for outgoing connections, so only another call of this function can take it meanwhile.
    """
    while True:
        port = 10_000 + secrets.randbelow(22_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
