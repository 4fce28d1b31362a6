"""Ways in which a database goes away under a running service, each a `with`; when it is left, all is well again."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.cluster import Cluster
from tests.parts import missing
from tests.service import Service

# ------------------------------------------------------------------ SQLite


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Another process holds the lock for writing and does not let go."""
    with closing(sqlite3.connect(file_of(service), isolation_level=None)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def read_only(service: Service) -> Iterator[None]:
    """The files cannot be written any more, though they are open for it, as on a disk that was remounted read-only."""
    # The index of the log (-shm) is left alone: it is mapped into memory, and a process that writes to a map of an
    # immutable file is killed by the kernel, which no remount does.
    files = [file_of(service), file_of(service).with_name(f"{file_of(service).name}-wal")]
    try:
        run_or_miss("chattr", "+i", *map(str, files))
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], check=False, capture_output=True)


@contextmanager
def full_disk(service: Service) -> Iterator[None]:
    """Nothing fits on the disk any more, and the database has taken nothing of it in advance."""
    with closing(sqlite3.connect(file_of(service))) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    with filled_up(service.data_dir):
        yield


@contextmanager
def filled_up(disk: Path) -> Iterator[None]:
    """Another program writes until there is no room, and takes its file away afterwards."""
    ballast = disk / "ballast"
    try:
        fill(ballast)
        yield
    finally:
        ballast.unlink()


def fill(ballast: Path) -> None:
    """Lets a file grow until there is no room."""
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own that is quickly full; only root can mount one."""
    folder.mkdir(parents=True)
    run_or_miss("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def run_or_miss(*command: str) -> None:
    """Runs a command that needs rights; without them the test is skipped and says so, on a build server it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        missing(f"{command[0]} is not installed")
    if done.returncode != 0:
        missing(f"`{command[0]}` is not permitted here: {done.stderr.strip()}")


def file_of(service: Service) -> Path:
    """The database file of a service on SQLite."""
    return service.data_dir / "twofold.db"


# ------------------------------------------------------------------ PostgreSQL


@contextmanager
def stopped(server: Cluster) -> Iterator[None]:
    """The server is shut down."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def paused(server: Cluster) -> Iterator[None]:
    """The server stands still and says nothing, as behind a broken network."""
    server.pause()
    try:
        yield
    finally:
        server.resume()


@contextmanager
def demoted(server: Cluster) -> Iterator[None]:
    """The server takes no writes, as one that lost its place to another."""
    set_for_all(server, "on")
    try:
        yield
    finally:
        set_for_all(server, "off")


def set_for_all(server: Cluster, value: str) -> None:
    """Makes transactions read-only by default, or not, for those who are connected already, too."""
    server.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    server.sql("SELECT pg_reload_conf()")
