"""The writer of a SQLite file: a thread that runs all waiting transactions and makes them durable with one sync.

A failed transaction does not affect others: if it changed something, all transactions of the commit are rolled back and
run again, each with a savepoint. Savepoints are used only on that retry, since they copy every written page and
failures are rare. Callers get their answers after the commit; if it fails, all of them get the error.
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

MAX_WAIT = 5.0  # seconds to wait for another process's lock
BATCH = 256  # most transactions in one commit
QUEUE = 4096  # most waiting transactions; more are refused at once
CHECKPOINT_AFTER_ROWS = 1000  # rows changed: about 4 to 16 MB of log
CHECKPOINT_AFTER_IDLE = 1.0  # seconds
LOG_CAP = 64 * 2**20  # bytes; above, the writer waits for readers that block the checkpoint
CAP_MAX_WAIT = 250  # milliseconds of that wait


class _Job:
    """A transaction and the future of its caller."""

    __slots__ = ("answer", "context", "failure", "future", "savepoint", "work")

    def __init__(
        self, work: Callable[[Transaction], Awaitable[Any]], future: asyncio.Future[Any], *, savepoint: bool
    ) -> None:
        self.work = work
        self.future = future
        self.savepoint = savepoint
        self.context = copy_context()  # the work sees the context variables of its request, as on PostgreSQL
        self.answer: Any = None
        self.failure: BaseException | None = None


class Writer:
    """Accepts transactions on the event loop and runs them in its own thread, started with the first."""

    def __init__(self, path: str, *, checkpoints: bool) -> None:
        """Create a writer; `checkpoints` says whether this process checkpoints the log, which only one may."""
        self._path = path
        self._checkpoints = checkpoints
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._checkpointed_at = 0
        self._file = _identity(path)

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, savepoint: bool = False) -> T:
        """Run one transaction; durable when this returns. Raise Unavailable, or what `work` raises.

        `savepoint` sets one from the start. Schema changes need it, since they do not count as changed rows.
        """
        if self._closed or self._waiting.qsize() >= QUEUE:
            raise Unavailable
        if self._thread is None:
            self._thread = Thread(target=self._serve, name="sqlite-writer", daemon=True)
            self._thread.start()
        job = _Job(work, self._loop.create_future(), savepoint=savepoint)
        self._waiting.put(job)
        answer: T = await job.future
        return answer

    async def close(self) -> None:
        """Run waiting transactions, then close the file."""
        self._closed = True
        if self._thread is not None:
            self._waiting.put(None)
            await self._loop.run_in_executor(None, self._thread.join)

    # The methods below run in the writer's thread.

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            jobs = deque([job])
            while jobs:
                self._commit(jobs)
            if self._rows_in_log() >= CHECKPOINT_AFTER_ROWS:
                self._checkpoint()
        self._disconnect()

    def _next(self) -> _Job | None:
        if self._rows_in_log():
            with suppress(Empty):
                return self._waiting.get(timeout=CHECKPOINT_AFTER_IDLE)
            self._checkpoint()
        return self._waiting.get()

    def _commit(self, jobs: deque[_Job]) -> None:
        """Run jobs in one transaction; jobs that a failure prevented from starting stay for the next one."""
        started: list[_Job] = []
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            jobs.extend(self._take(BATCH - len(jobs)))
            if not _run_all(connection, jobs, started, savepoint=False):
                jobs.extendleft(reversed(started))
                started.clear()
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
                _run_all(connection, jobs, started, savepoint=True)
            connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - every caller must get an answer
            _log.warning("A commit of the database failed: %s", error)
            self._recover(error)
            if not started:  # the database is unavailable for all waiting jobs
                started = [*jobs, *self._take(QUEUE)]
                jobs.clear()
            for job in started:
                job.failure = Unavailable()
                job.failure.__cause__ = error
        with suppress(RuntimeError):  # the loop is closed, so no caller waits
            self._loop.call_soon_threadsafe(_deliver, started)

    def _take(self, limit: int) -> Iterable[_Job]:
        for _ in range(limit):
            try:
                job = self._waiting.get_nowait()
            except Empty:
                return
            if job is None:
                self._waiting.put(None)  # close after the waiting jobs
                return
            if not job.future.cancelled():
                yield job

    def _connected(self) -> sqlite3.Connection:
        if _identity(self._path) != self._file:
            raise FileNotFoundError(f"{self._path} was replaced by another file; restart to use it")
        if self._connection is None:
            self._connection = connect(self._path, max_wait=MAX_WAIT, reading=False)
            self._checkpointed_at = 0
        return self._connection

    def _recover(self, error: BaseException) -> None:
        # After a lock by another process or a full disk, the connection is still usable; after other errors it may not
        # be (it stays read-only if the file was when it was opened).
        kind = code(error) & 0xFF if isinstance(error, sqlite3.Error) else None
        if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL) and self._connection:
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if kind == sqlite3.SQLITE_FULL and self._checkpoints:
                    self._checkpoint()  # the log takes disk space that later transactions need
                return
        if not isinstance(error, FileNotFoundError):
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _rows_in_log(self) -> int:
        if self._connection is None or not self._checkpoints:
            return 0
        return self._connection.total_changes - self._checkpointed_at

    def _checkpoint(self) -> None:
        """Copy the log into the file, so that it starts again. It does not block readers; long ones may delay it."""
        connection = self._connection
        if connection is None:
            return
        self._checkpointed_at = connection.total_changes
        try:
            if os.stat(f"{self._path}-wal").st_size > LOG_CAP:  # noqa: PTH116 - no path object between two commits
                connection.execute(f"PRAGMA busy_timeout = {CAP_MAX_WAIT}")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                connection.execute(f"PRAGMA busy_timeout = {int(MAX_WAIT * 1000)}")
            else:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except (OSError, sqlite3.Error) as error:
            _log.warning("The database's log could not be checkpointed: %s", error)
            self._disconnect()


def _identity(path: str) -> tuple[int, int]:
    """Return what identifies a file, since writing to one that was removed would lose data."""
    status = os.stat(path)  # noqa: PTH116 - called before each commit, and a path object costs more than the call
    return status.st_dev, status.st_ino


def _run_all(connection: sqlite3.Connection, jobs: deque[_Job], started: list[_Job], *, savepoint: bool) -> bool:
    """Run jobs in order; return False as soon as one has failed after a change."""
    while jobs:
        started.append(jobs.popleft())
        if not _run(connection, started[-1], savepoint=savepoint or started[-1].savepoint):
            return False
    return True


def _run(connection: sqlite3.Connection, job: _Job, *, savepoint: bool) -> bool:
    """Run a job; return False if it failed after a change. Raise errors that invalidate the whole commit."""
    tx, changes = SqliteTransaction(connection), connection.total_changes
    if savepoint:
        connection.execute("SAVEPOINT job")
    try:
        job.answer = job.context.run(step, job.work, tx)
        job.failure = tx.failure
    except BaseException as error:  # noqa: BLE001 - it is raised in the caller
        job.failure = error
    tx.end()
    if isinstance(tx.failure, Unavailable):
        raise tx.failure.__cause__ or tx.failure
    if not connection.in_transaction:
        raise RuntimeError("work ended its own transaction")
    if savepoint:
        if job.failure is not None:
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return True
    return job.failure is None or connection.total_changes == changes


def _deliver(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():  # cancelled in the meantime
            continue
        if job.failure is None:
            job.future.set_result(job.answer)
        else:
            job.future.set_exception(job.failure)
