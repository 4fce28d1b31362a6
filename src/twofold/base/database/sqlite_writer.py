"""The one writer of a SQLite file: a thread that runs all waiting transactions and makes them durable with one sync.

A transaction that fails undoes nobody else's work: where it has changed something, all of its commit are undone and run
once more, each behind a savepoint. A savepoint for everybody would copy each page that is written, to be used by hardly
anybody. Nobody is answered before the commit that holds their work; if it fails, all in it are told so.
"""

import asyncio
import logging
import os
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from twofold.base.database import Transaction
from twofold.base.database.sqlite_engine import SqliteTransaction, code, connect, step
from twofold.base.problems import Unavailable

T = TypeVar("T")

_log = logging.getLogger("twofold.database")

PATIENCE = 5.0  # seconds to wait for another process that holds the lock
BATCH = 256  # transactions in one commit at most
QUEUE = 4096  # transactions that wait at most; more are refused at once
FOLD_AFTER_ROWS = 1000  # rows changed: about 4 to 16 MB of log
FOLD_AFTER_QUIET = 1.0  # seconds
LOG_CAP = 64 * 2**20  # bytes; beyond, writers wait for readers that stand in the way
CAP_PATIENCE = 250  # milliseconds of that wait


class _Job:
    """One transaction that somebody waits for."""

    __slots__ = ("answer", "apart", "context", "failure", "future", "work")

    def __init__(
        self, work: Callable[[Transaction], Awaitable[Any]], future: asyncio.Future[Any], *, apart: bool
    ) -> None:
        self.work = work
        self.future = future
        self.apart = apart
        self.context = copy_context()  # the work sees its request's context variables, as it does on PostgreSQL
        self.answer: Any = None
        self.failure: BaseException | None = None


class Writer:
    """Takes transactions on the event loop and runs them in its own thread, begun with the first of them."""

    def __init__(self, path: str, *, folds: bool) -> None:
        """`folds`: this process folds the log back into the file; only one process may."""
        self._path = path
        self._folds = folds
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._folded_at = 0
        self._file = _identity(path)

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, apart: bool = False) -> T:
        """Run one transaction; durable when this returns. Raises Unavailable, or what `work` raises.

        `apart`: behind a savepoint from the first, as changes of the schema must be, which are not counted.
        """
        if self._closed or self._waiting.qsize() >= QUEUE:
            raise Unavailable
        if self._thread is None:
            self._thread = Thread(target=self._serve, name="sqlite-writer", daemon=True)
            self._thread.start()
        job = _Job(work, self._loop.create_future(), apart=apart)
        self._waiting.put(job)
        answer: T = await job.future
        return answer

    async def close(self) -> None:
        """Run what waits, then let go of the file."""
        self._closed = True
        if self._thread is not None:
            self._waiting.put(None)
            await self._loop.run_in_executor(None, self._thread.join)

    # What follows runs in the writer's thread.

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            jobs = deque([job])
            while jobs:
                self._commit(jobs)
            if self._rows_in_log() >= FOLD_AFTER_ROWS:
                self._fold()
        self._disconnect()

    def _next(self) -> _Job | None:
        if self._rows_in_log():
            with suppress(Empty):
                return self._waiting.get(timeout=FOLD_AFTER_QUIET)
            self._fold()
        return self._waiting.get()

    def _commit(self, jobs: deque[_Job]) -> None:
        """Run jobs in one transaction; those that a failure kept from beginning stay for the next."""
        begun: list[_Job] = []
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            jobs.extend(self._take(BATCH - len(jobs)))
            if not _run_all(connection, jobs, begun, apart=False):
                jobs.extendleft(reversed(begun))
                begun.clear()
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
                _run_all(connection, jobs, begun, apart=True)
            connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody may be left waiting
            _log.warning("A commit of the database failed: %s", error)
            self._recover(error)
            if not begun:  # the database is away: true for everybody who waits
                begun = [*jobs, *self._take(QUEUE)]
                jobs.clear()
            for job in begun:
                job.failure = Unavailable()
                job.failure.__cause__ = error
        with suppress(RuntimeError):  # the loop is closed, nobody waits
            self._loop.call_soon_threadsafe(_deliver, begun)

    def _take(self, most: int) -> Iterable[_Job]:
        for _ in range(most):
            try:
                job = self._waiting.get_nowait()
            except Empty:
                return
            if job is None:
                self._waiting.put(None)  # closing comes after those who wait
                return
            if not job.future.cancelled():
                yield job

    def _connected(self) -> sqlite3.Connection:
        if _identity(self._path) != self._file:
            raise FileNotFoundError(f"another file has taken the place of {self._path}; restart to use it")
        if self._connection is None:
            self._connection = connect(self._path, patience=PATIENCE, reading=False)
            self._folded_at = 0
        return self._connection

    def _recover(self, error: BaseException) -> None:
        # A lock that another process holds, or a full disk, says nothing against our connection; anything else may (it
        # stays read-only for ever if the file was so when it was opened).
        kind = code(error) & 0xFF if isinstance(error, sqlite3.Error) else None
        if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL) and self._connection:
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if kind == sqlite3.SQLITE_FULL and self._folds:
                    self._fold()  # the log takes up room on the disk that the next ones can use
                return
        if not isinstance(error, FileNotFoundError):
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _rows_in_log(self) -> int:
        if self._connection is None or not self._folds:
            return 0
        return self._connection.total_changes - self._folded_at

    def _fold(self) -> None:
        """Copy the log into the file, so that it starts anew. Readers are not disturbed; long ones may delay it."""
        connection = self._connection
        if connection is None:
            return
        self._folded_at = connection.total_changes
        try:
            if os.stat(f"{self._path}-wal").st_size > LOG_CAP:  # noqa: PTH116 - no path object between two commits
                connection.execute(f"PRAGMA busy_timeout = {CAP_PATIENCE}")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                connection.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")
            else:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except (OSError, sqlite3.Error) as error:
            _log.warning("The database's log could not be folded away: %s", error)
            self._disconnect()


def _identity(path: str) -> tuple[int, int]:
    """What tells a file from another of the same name: writing on into a file that was removed would lose the work."""
    found = os.stat(path)  # noqa: PTH116 - asked before each commit, a path object would cost more than the question
    return found.st_dev, found.st_ino


def _run_all(connection: sqlite3.Connection, jobs: deque[_Job], begun: list[_Job], *, apart: bool) -> bool:
    """Run jobs one after another; False, at once, when one has failed that left something behind."""
    while jobs:
        begun.append(jobs.popleft())
        if not _run(connection, begun[-1], apart=apart or begun[-1].apart):
            return False
    return True


def _run(connection: sqlite3.Connection, job: _Job, *, apart: bool) -> bool:
    """Run one job; False when it has failed and left something behind. Raises what makes the whole commit worthless."""
    tx, changes = SqliteTransaction(connection), connection.total_changes
    if apart:
        connection.execute("SAVEPOINT job")
    try:
        job.answer = job.context.run(step, job.work, tx)
        job.failure = tx.spoilt
    except BaseException as error:  # noqa: BLE001 - it belongs to the one who asked, and is raised there
        job.failure = error
    tx.end()
    if isinstance(tx.spoilt, Unavailable):
        raise tx.spoilt.__cause__ or tx.spoilt
    if not connection.in_transaction:
        raise RuntimeError("work ended the transaction that it was given")
    if apart:
        if job.failure is not None:
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return True
    return job.failure is None or connection.total_changes == changes


def _deliver(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():  # cancelled meanwhile
            continue
        if job.failure is None:
            job.future.set_result(job.answer)
        else:
            job.future.set_exception(job.failure)
