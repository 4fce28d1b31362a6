"""Servers as processes of their own: started, timed, asked by the kernel what they cost, and stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")
_START_WITHIN = 30.0
_STOP_WITHIN = 20.0


class Process:
    """A program that serves on a port of loopback: `with Process(folder, ("-m", "twofold", "serve"), {...}) as it:`.

    `start` is how many seconds passed between making the process and its first 200 on `path`.
    """

    def __init__(
        self, folder: Path, command: Sequence[str], settings: Mapping[str, str], path: str, around: Sequence[str] = ()
    ) -> None:
        """`around` is a program, with its arguments, that runs it."""
        self.port = free_port()
        self.start = 0.0
        self._path = path
        self._folder = folder
        self._command = [*around, sys.executable, *command, "--port", str(self.port)]
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
        self._environment = {**kept, **settings}

    def __enter__(self) -> Self:
        """Start it and wait for its first answer."""
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
        """Stop it as an operator does."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_WITHIN)
        finally:
            self._process.kill()

    def cpu(self) -> float:
        """User and system CPU of all its threads and processes so far, in seconds."""
        return cpu_of_tree(self._process.pid)

    def resident(self) -> float:
        """Memory that it and its children hold, in MB (10^6 bytes)."""
        return sum(_resident(each) for each in _tree(self._process.pid))

    def highest_resident(self) -> float:
        """The most memory that the process held since this was asked last, in MB; its children's is not counted."""
        status = _read(f"/proc/{self._process.pid}/status")
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")  # begins anew: proc(5)
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

    def _wait(self, until: float) -> None:
        while not _answers(self.port, self._path):
            if self._process.poll() is not None or time.perf_counter() > until:
                raise RuntimeError((self._folder / "server.log").read_text() or "the server did not answer")
            time.sleep(0.002)


def cpu_of_tree(process: int) -> float:
    """User and system CPU of a process, its children, and those of them that ended, in seconds."""
    return sum(_cpu(each) for each in _tree(process))


def _cpu(process: int) -> float:
    # The clock of another process, by its number (clock_getcpuclockid(3)), is exact; /proc counts in hundredths.
    with suppress(OSError, IndexError):
        ended = sum(map(int, _stat(process)[13:15])) / _TICK
        return time.clock_gettime(~process << 3 | 2) + ended
    return 0.0


class Others:
    """What programs that are not ours use of the machine, from making this to `used`; `database_cpu` is ours too."""

    def __init__(self, database_cpu: Callable[[], float]) -> None:
        self._database_cpu = database_cpu
        self._began = time.perf_counter()
        self._foreign = self._now()

    def used(self) -> float:
        """Cores, on average. Servers that still run count as others'."""
        return max(self._now() - self._foreign, 0.0) / (time.perf_counter() - self._began)

    def _now(self) -> float:
        user, nice, system, _idle, _wait, hard, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
        busy = (user + nice + system + hard + soft) / _TICK
        return busy - sum(os.times()[:4]) - self._database_cpu()


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
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
    """The fields of /proc/<pid>/stat from the third on: proc(5) numbers them from 1, user time is 14."""
    return _read(f"/proc/{process}/stat").rpartition(")")[2].split()


def _resident(process: int) -> float:
    pages = int(_read(f"/proc/{process}/statm").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _read(file: str) -> str:
    """What the kernel says of a process; nothing of one that has just ended: its CPU is then told by its parent."""
    try:
        return Path(file).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
