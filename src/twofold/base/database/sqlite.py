"""SQLite in the process: quick reads on the event loop's thread, long ones in threads aside, writes by one writer."""

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
from twofold.base.database.sqlite_engine import SqliteTransaction, connect, is_away, step
from twofold.base.database.sqlite_writer import PATIENCE, Writer
from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

LOOP_PATIENCE = 0.1  # seconds that the event loop may stand still for a lock; in WAL mode readers hardly ever meet one
LONG_READERS = 2


async def open_sqlite(path: str, *, serving: bool) -> "SqliteDatabase":
    """Open or make the file, readable by its owner only. Raises CannotOpen, or AlreadyServed."""
    path = _whole(path)
    claim = _claim(path) if serving else None
    try:
        _make(path)
        _prepare(path)
    except BaseException:
        _release(claim)
        raise
    return SqliteDatabase(path, claim)


class SqliteDatabase:
    """The port to one SQLite file, used from one event loop."""

    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, path: str, claim: int | None) -> None:
        self._path = path
        self._claim = claim
        self._closed = False
        self._reader: sqlite3.Connection | None = None
        self._reading: SqliteTransaction | None = None
        self._aside = ThreadPoolExecutor(LONG_READERS, "sqlite-reader")
        self._writer = Writer(path, folds=claim is not None)

    async def read(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run short indexed look-ups, here and now."""
        try:
            return step(work, self._reading or self._open_reader(), *args, **kwargs)
        except Unavailable:
            self._close_reader()
            raise

    async def read_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or an export in a thread aside, on one unchanging picture of the data."""
        if self._closed:
            raise Unavailable
        context = copy_context()

        def aside() -> T:
            return context.run(_read_long, self._path, lambda tx: work(tx, *args, **kwargs))

        return await asyncio.get_running_loop().run_in_executor(self._aside, aside)

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction in the writer's thread; durable when this returns."""
        return await self._writer.run(lambda tx: work(tx, *args, **kwargs))

    async def write_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction that may take minutes; the writer knows no time limit."""
        return await self._writer.run(lambda tx: work(tx, *args, **kwargs), apart=True)

    async def close(self) -> None:
        """Finish what waits; the writer goes last and folds the log away."""
        if self._closed:
            return
        self._closed = True
        self._close_reader()
        await asyncio.get_running_loop().run_in_executor(None, self._aside.shutdown)
        await self._writer.close()
        _release(self._claim)

    def _open_reader(self) -> SqliteTransaction:
        if self._closed:
            raise Unavailable
        try:
            self._reader = connect(self._path, patience=LOOP_PATIENCE, reading=True)
        except sqlite3.Error as error:
            raise Unavailable from error
        self._reading = SqliteTransaction(self._reader, reading=True)
        return self._reading

    def _close_reader(self) -> None:
        # Opened again by the next read: that heals whatever was wrong with this connection.
        if self._reader is not None:
            with suppress(sqlite3.Error):
                self._reader.close()
        self._reader = self._reading = None


def _read_long(path: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
    try:
        connection = connect(path, patience=PATIENCE, reading=True)
    except sqlite3.Error as error:
        raise (Unavailable if is_away(error) else RuntimeError) from error
    with closing(connection):
        connection.execute("BEGIN")
        return step(work, SqliteTransaction(connection, reading=True))


def _whole(path: str) -> str:
    return str(Path(path).absolute())  # the program may change its folder later


def _claim(path: str) -> int:
    """Hold a lock beside the file for as long as this process serves it."""
    try:
        claim = os.open(f"{path}.serving", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotOpen(f"The database {path} cannot be opened: {error.strerror}.") from error
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        raise AlreadyServed(f"Another process already serves the database {path}; stop it first.") from None
    return claim


def _release(claim: int | None) -> None:
    if claim is not None:
        os.close(claim)


def _make(path: str) -> None:
    """Make the file if there is none; SQLite gives the files beside it the same mode."""
    # An existing file is not opened here: closing it would drop the locks that this process holds on it (POSIX).
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        folder = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fsync(folder)
        os.close(folder)
    except FileExistsError:
        return
    except OSError as error:
        raise CannotOpen(f"The database {path} cannot be made: {error.strerror}.") from error


def _prepare(path: str) -> None:
    """Turn on the write-ahead log, which the file remembers."""
    try:
        with closing(connect(path, patience=PATIENCE, reading=False)) as connection:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    except sqlite3.Error as error:
        raise CannotOpen(f"The database {path} cannot be opened: {error}.") from error
    if mode != "wal":
        raise CannotOpen(f"The database {path} cannot keep a write-ahead log; it must be a file on a local disk.")
