"""Servers in separate processes, with start times, CPU and memory as the kernel reports them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")
_START_WITHIN = 30.0
_STOP_WITHIN = 20.0


class Process:
    """A program that serves on a loopback port: `with Process(folder, ("-m", "twofold", "serve"), {...}) as it:`.

    `start` is the time in seconds from creating the process to its first 200 on `path`.
    """

    def __init__(
        self, folder: Path, command: Sequence[str], settings: Mapping[str, str], path: str, around: Sequence[str] = ()
    ) -> None:
        """Prepare the command. `around` is a program, with its arguments, that runs it."""
        self.port = free_port()
        self.start = 0.0
        self._path = path
        self._folder = folder
        self._command = [*around, sys.executable, *command, "--port", str(self.port)]
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
        self._environment = {**kept, **settings}

    def __enter__(self) -> Self:
        """Start the server and wait for its first answer."""
        began = time.perf_counter()
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait(began + _START_WITHIN)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self.start = time.perf_counter() - began
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the server as an operator does."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_WITHIN)
        finally:
            self._process.kill()

    def kill(self) -> None:
        """Kill the server immediately."""
        self._process.kill()
        self._process.wait()

    def cpu(self) -> float:
        """Return the user and system CPU of all its threads and processes so far, in seconds."""
        return cpu_of_tree(self._process.pid)

    def resident(self) -> float:
        """Return the resident memory of the process and its children, in MB (10^6 bytes)."""
        return sum(_resident(each) for each in _tree(self._process.pid))

    def highest_resident(self) -> float:
        """Return the peak memory of the process since the last call, in MB, without its children."""
        status = _read(f"/proc/{self._process.pid}/status")
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")  # resets the peak: proc(5)
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

    def _wait(self, until: float) -> None:
        while not _answers(self.port, self._path):
            if self._process.poll() is not None or time.perf_counter() > until:
                raise RuntimeError((self._folder / "server.log").read_text() or "the server did not answer")
            time.sleep(0.002)


def cpu_of_tree(process: int) -> float:
    """Return the user and system CPU of a process and its children, ended ones included, in seconds."""
    return sum(_cpu(each) for each in _tree(process))


def _cpu(process: int) -> float:
    # The clock of another process (clock_getcpuclockid(3)) is exact; /proc counts in hundredths.
    with suppress(OSError, IndexError):
        ended = sum(map(int, _stat(process)[13:15])) / _TICK
        return time.clock_gettime(~process << 3 | 2) + ended
    return 0.0


class Others:
    """Measure the CPU that other programs use from now until `used`; `database_cpu` is not counted as theirs."""

    def __init__(self, database_cpu: Callable[[], float]) -> None:
        self._database_cpu = database_cpu
        self._began = time.perf_counter()
        self._foreign = self._now()

    def used(self) -> float:
        """Return the cores used on average. Servers that still run count as others."""
        return max(self._now() - self._foreign, 0.0) / (time.perf_counter() - self._began)

    def _now(self) -> float:
        user, nice, system, _idle, _wait, hard, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
        busy = (user + nice + system + hard + soft) / _TICK
        return busy - sum(os.times()[:4]) - self._database_cpu()


@contextmanager
def ahead() -> Iterator[None]:
    """Raise the priority of the client if run as root, so that it does not measure its own wait for a core."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, before - 10)
    try:
        yield
    finally:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, before)


def free_port() -> int:
    """Return a loopback port on which no program listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _tree(process: int) -> list[int]:
    children = _read(f"/proc/{process}/task/{process}/children").split()
    return [process, *(below for child in children for below in _tree(int(child)))]


def _stat(process: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the third on: proc(5) numbers them from 1, user time is 14."""
    return _read(f"/proc/{process}/stat").rpartition(")")[2].split()


def _resident(process: int) -> float:
    pages = int(_read(f"/proc/{process}/statm").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _read(file: str) -> str:
    """Return a file of the kernel about a process; empty if it has just ended, since its parent reports its CPU."""
    try:
        return Path(file).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
