"""SQLite: short reads on the event loop's thread, long ones in other threads, and one writer thread."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

from twofold.base.database import AlreadyServed, CannotOpen, Transaction
from twofold.base.database.sqlite_engine import SqliteTransaction, connect, is_unavailable, step
from twofold.base.database.sqlite_writer import MAX_WAIT, Writer
from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

LOOP_MAX_WAIT = 0.1  # seconds that the event loop may block for a lock; in WAL mode, readers hardly ever wait
LONG_READERS = 2


async def open_sqlite(path: str, *, serving: bool) -> "SqliteDatabase":
    """Open or create the file, readable only by its owner. Raise CannotOpen or AlreadyServed."""
    path = _absolute(path)
    claim = _claim(path) if serving else None
    try:
        _create(path)
        _prepare(path)
    except BaseException:
        _release(claim)
        raise
    return SqliteDatabase(path, claim)


class SqliteDatabase:
    """The interface to a SQLite file, used from one event loop."""

    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, path: str, claim: int | None) -> None:
        self._path = path
        self._claim = claim
        self._closed = False
        self._reader: sqlite3.Connection | None = None
        self._reading: SqliteTransaction | None = None
        self._long_readers = ThreadPoolExecutor(LONG_READERS, "sqlite-reader")
        self._writer = Writer(path, checkpoints=claim is not None)

    async def read(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run short indexed look-ups on this thread."""
        try:
            return step(work, self._reading or self._open_reader(), *args, **kwargs)
        except Unavailable:
            self._close_reader()
            raise

    async def read_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or an export in another thread, on one snapshot of the data."""
        if self._closed:
            raise Unavailable
        context = copy_context()

        def run_aside() -> T:
            return context.run(_read_long, self._path, lambda tx: work(tx, *args, **kwargs))

        return await asyncio.get_running_loop().run_in_executor(self._long_readers, run_aside)

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction in the writer's thread; durable when this returns."""
        return await self._writer.run(lambda tx: work(tx, *args, **kwargs))

    async def write_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction that may take minutes; the writer has no time limit."""
        return await self._writer.run(lambda tx: work(tx, *args, **kwargs), savepoint=True)

    async def close(self) -> None:
        """Finish waiting work; the writer closes last, with a checkpoint."""
        if self._closed:
            return
        self._closed = True
        self._close_reader()
        await asyncio.get_running_loop().run_in_executor(None, self._long_readers.shutdown)
        await self._writer.close()
        _release(self._claim)

    def _open_reader(self) -> SqliteTransaction:
        if self._closed:
            raise Unavailable
        try:
            self._reader = connect(self._path, max_wait=LOOP_MAX_WAIT, reading=True)
        except sqlite3.Error as error:
            raise Unavailable from error
        self._reading = SqliteTransaction(self._reader, reading=True)
        return self._reading

    def _close_reader(self) -> None:
        # The next read opens a new connection, whatever was wrong with this one.
        if self._reader is not None:
            with suppress(sqlite3.Error):
                self._reader.close()
        self._reader = self._reading = None


def _read_long(path: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
    try:
        connection = connect(path, max_wait=MAX_WAIT, reading=True)
    except sqlite3.Error as error:
        raise (Unavailable if is_unavailable(error) else RuntimeError) from error
    with closing(connection):
        connection.execute("BEGIN")
        return step(work, SqliteTransaction(connection, reading=True))


def _absolute(path: str) -> str:
    return str(Path(path).absolute())  # the working directory may change later


def _claim(path: str) -> int:
    """Lock a file beside the database for as long as this process serves it."""
    try:
        claim = os.open(f"{path}.serving", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotOpen(f"The database {path} cannot be opened: {error.strerror}.") from error
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        raise AlreadyServed(f"Another process already serves the database {path}: stop it first.") from None
    return claim


def _release(claim: int | None) -> None:
    if claim is not None:
        os.close(claim)


def _create(path: str) -> None:
    """Create the file if there is none; SQLite uses its mode for the files beside it."""
    # Do not open an existing file: closing it would release this process's locks on it (POSIX).
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        folder = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fsync(folder)
        os.close(folder)
    except FileExistsError:
        return
    except OSError as error:
        raise CannotOpen(f"The database {path} cannot be created: {error.strerror}.") from error


def _prepare(path: str) -> None:
    """Turn on the write-ahead log, a setting that the file stores."""
    try:
        with closing(connect(path, max_wait=MAX_WAIT, reading=False)) as connection:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    except sqlite3.Error as error:
        raise CannotOpen(f"The database {path} cannot be opened: {error}.") from error
    if mode != "wal":
        raise CannotOpen(f"The database {path} does not support a write-ahead log: use a file on a local disk.")
