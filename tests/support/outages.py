"""Database outages during the operation of a service, as context managers that end the outage on exit."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.support.cluster import Cluster
from tests.support.programs import missing
from tests.support.service import Service

# ------------------------------------------------------------------ SQLite


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Hold the write lock in another connection until the end of the block."""
    with closing(sqlite3.connect(file_of(service), isolation_level=None)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def read_only(service: Service) -> Iterator[None]:
    """Make the database files read-only, as on a disk that was remounted."""
    # The index of the log (-shm) is left alone: it is mapped into memory, and a process that writes to a mapped
    # immutable file is killed by the kernel, which does not happen after a remount.
    files = [file_of(service), file_of(service).with_name(f"{file_of(service).name}-wal")]
    try:
        run_or_skip("chattr", "+i", *map(str, files))
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], check=False, capture_output=True)


@contextmanager
def full_disk(service: Service) -> Iterator[None]:
    """Fill the disk after truncating the log, so that the database has no room left."""
    with closing(sqlite3.connect(file_of(service))) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    with filled_up(service.data_dir):
        yield


@contextmanager
def filled_up(disk: Path) -> Iterator[None]:
    """Fill the disk with a file, and delete it at the end of the block."""
    ballast = disk / "ballast"
    try:
        fill(ballast)
        yield
    finally:
        ballast.unlink()


def fill(ballast: Path) -> None:
    """Grow a file until the disk is full."""
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Yield a small file system, which only root can mount."""
    folder.mkdir(parents=True)
    run_or_skip("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def run_or_skip(*command: str) -> None:
    """Run a privileged command. If that is not permitted, skip the test, or fail it on a build server."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        missing(f"{command[0]} is not installed")
    if done.returncode != 0:
        missing(f"`{command[0]}` is not permitted here: {done.stderr.strip()}")


def file_of(service: Service) -> Path:
    """Return the database file of a service on SQLite."""
    return service.data_dir / "twofold.db"


# ------------------------------------------------------------------ PostgreSQL


@contextmanager
def stopped(server: Cluster) -> Iterator[None]:
    """Shut the server down."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def paused(server: Cluster) -> Iterator[None]:
    """Suspend the server, so that it does not respond, as behind a broken network."""
    server.pause()
    try:
        yield
    finally:
        server.resume()


@contextmanager
def demoted(server: Cluster) -> Iterator[None]:
    """Make the server read-only, as after a failover to another one."""
    set_for_all(server, "on")
    try:
        yield
    finally:
        set_for_all(server, "off")


def set_for_all(server: Cluster, value: str) -> None:
    """Set whether transactions are read-only by default, including those of open connections."""
    server.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    server.sql("SELECT pg_reload_conf()")
