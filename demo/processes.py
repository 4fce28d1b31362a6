"""The programs of the demo: started together, ended together, and never left behind."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

START_WITHIN, STOP_WITHIN = 60.0, 40.0
PAUSE = 0.1  # seconds between two looks at the programs
SHOWN = 20  # lines of a program's output that explain why it ended


class Stopped(Exception):
    """The user pressed Ctrl-C, or the terminal was closed."""


class Ended(Exception):
    """A program has ended by itself, or did not start in time; the message says which, with its last words."""


class Processes:
    """All programs, for `with Processes(folder) as processes:`, whose logs are kept in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[Program] = []
        self.stopping = False

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in reversed(self.running):
            program.ask_to_stop()
        give_up_at = time.monotonic() + STOP_WITHIN
        for program in self.running:
            program.wait_until_it_stops(give_up_at)

    def start(self, name: str, command: Sequence[str], settings: Mapping[str, str]) -> "Program":
        """Start a program without the user's own settings of Twofold."""
        inherited = {each: value for each, value in os.environ.items() if not each.startswith("TWOFOLD_")}
        state = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        program = Program(self, name, command, {**inherited, **state, **settings})
        self.running.append(program)
        return program

    def wait(self) -> None:
        """Wait for the end. Raise Stopped for Ctrl-C, and Ended if a program ends first."""
        while True:
            self.pause()

    def pause(self) -> None:
        """Wait a moment. Raise Stopped for Ctrl-C, and Ended if a program has ended."""
        time.sleep(PAUSE)
        if self.stopping:
            raise Stopped
        for program in self.running:
            program.check()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        # Only noted here: an exception could come between the start of a program and its entry in the list.
        self.stopping = True


class Program:
    """A running program whose output is kept in a file."""

    def __init__(self, processes: Processes, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.processes = processes
        self.name = name
        self.log_file = processes.folder / f"{name}.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                cwd=processes.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which ends the programs in order
            )

    @property
    def output(self) -> str:
        """What the program has written so far."""
        return self.log_file.read_text(errors="replace")

    def check(self) -> None:
        """Raise Ended if the program has ended."""
        if self.process.poll() is not None:
            raise Ended(self._last_words("ended"))

    def wait_for(self, pattern: str) -> str:
        """Wait until the output matches a pattern, and return the match. Raise Ended if it does not in time."""
        give_up_at = time.monotonic() + START_WITHIN
        while (found := re.search(pattern, self.output)) is None:
            self._check_in_time(give_up_at)
        return found[0]

    def wait_until_it_listens(self, port: int) -> None:
        """Wait until a port of this machine accepts connections. Raise Ended if it does not in time."""
        give_up_at = time.monotonic() + START_WITHIN
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            self._check_in_time(give_up_at)

    def ask_to_stop(self) -> None:
        """Ask the program to finish its requests and end."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def wait_until_it_stops(self, give_up_at: float) -> None:
        """Wait until the program ends, and kill it after that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0, give_up_at - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _check_in_time(self, give_up_at: float) -> None:
        self.processes.pause()
        if time.monotonic() > give_up_at:
            raise Ended(self._last_words("did not start"))

    def _last_words(self, what: str) -> str:
        lines = "\n".join(self.output.splitlines()[-SHOWN:])
        return f"{self.name} {what}. The last lines that it wrote:\n{lines}"
