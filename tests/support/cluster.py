"""A PostgreSQL server for the tests, in a temporary folder, on a free port.

It has its default durability settings (fsync is on), because some tests are about durability.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.service import free_port

USER = "twofold"
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


class Cluster:
    """A server for `with Cluster() as cluster:`, which listens on 127.0.0.1 at `port`."""

    def __init__(self, **settings: str) -> None:
        """Prepare a server; `settings` go into postgresql.conf, for example `max_connections="20"`."""
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="twofold-postgres-"))
        self._data = self.folder / "data"
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",  # a crashed server leaves its file behind
            "max_connections": "100",
            "shared_buffers": "32MB",
            **settings,
        }
        self._databases = 0
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            os.chown(self.folder, *_unprivileged())

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.remove()

    def start(self) -> None:
        """Start the server, also after `kill`, and wait until it accepts connections."""
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """Stop the server as an administrator does: connections are closed, and transactions rolled back."""
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self._data))

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kill all processes of the server at once, as in a crash; `start` recovers."""
        postmaster = self._postmaster()
        if postmaster is None:
            return
        _signal(postmaster, signal.SIGSTOP)  # it must not start another between the look and the end
        while _state(postmaster) not in {"T", "Z", ""}:
            time.sleep(0.001)
        family = [postmaster, *_children(postmaster)]
        for process in family:
            _signal(process, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(_runs(process) for process in family):
            if time.monotonic() > deadline:
                raise TimeoutError("the killed server is still there")
            time.sleep(0.01)
        (self._data / "postmaster.pid").unlink(missing_ok=True)  # it may name a zombie process

    def pause(self) -> None:
        """Suspend every process, which looks like a broken network to clients."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue all processes."""
        self._signal_all(signal.SIGCONT)

    def database(self, name: str | None = None) -> str:
        """Create an empty database, and return its URL."""
        if name is None:
            self._databases += 1
            name = f"test_{self._databases}"
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database even if it is in use."""
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement as the server's owner, and return the output of psql without headings."""
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database))

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        if self._postmaster() is not None:
            self.resume()
            self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._data))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self) -> None:
        # As on most servers, texts sort by the rules of a language, so tests detect what relies on byte order.
        order = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"]
        self._run("initdb", "-D", str(self._data), "-U", USER, "--auth=trust", "-E", "UTF8", *order)
        lines = [f"{name} = '{value}'\n" for name, value in self._settings.items()]
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.writelines(lines)

    def _run(self, program: str, *arguments: str) -> str:
        command = [*as_nobody(), str(_binaries() / program), *arguments]
        # Output goes to files, since the server inherits it and would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=self.folder, check=False
            )
            output.seek(0)
            errors.seek(0)
            if done.returncode != 0:
                raise RuntimeError(f"{program} failed: {errors.read()}{output.read()}{self._log()}")
            return output.read().strip()

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text()[-2000:] if log.exists() else ""

    def _postmaster(self) -> int | None:
        try:
            process = int((self._data / "postmaster.pid").read_text().split("\n")[0])
        except (FileNotFoundError, ValueError):
            return None
        return process if _runs(process) else None

    def _signal_all(self, number: signal.Signals) -> None:
        postmaster = self._postmaster()
        if postmaster is not None:
            for process in [postmaster, *_children(postmaster)]:
                _signal(process, number)


def as_nobody() -> list[str]:
    """Return a prefix for commands that must not run as root; it is empty for other users."""
    if os.getuid() != 0:
        return []
    user, group = _unprivileged()
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]


def _binaries() -> Path:
    """Return the folder of the newest version's programs, or else the one on the search path."""
    found = [folder for place in PLACES for folder in Path("/").glob(place[1:]) if (folder / "initdb").exists()]
    if found:
        return max(found, key=lambda folder: [int(part) for part in str(folder).split("/") if part.isdigit()])
    initdb = shutil.which("initdb")
    if initdb is None:
        raise FileNotFoundError("no PostgreSQL server on this machine: install the package postgresql")
    return Path(initdb).parent


def _unprivileged() -> tuple[int, int]:
    """Return the user and group that the server runs as if the tests run as root."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise LookupError("neither a user postgres nor nobody on this machine")


def _children(process: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def _signal(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


def _runs(process: int) -> bool:
    """Return whether a process is running and not a zombie."""
    return _state(process) not in {"Z", ""}


def _state(process: int) -> str:
    """Return a process's state letter in /proc, such as T for stopped, or nothing if it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
