"""A SQLite connection, its statements and its errors."""

import sqlite3
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar
from urllib.parse import quote

from twofold.base.database import Reply, Row, Transaction, UniqueViolation, Value
from twofold.base.database.statements import for_sqlite
from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")

_UNIQUE = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
}
# Errors of the disk, the file or another process, not of the statement.
_UNAVAILABLE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_ABORT,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}


def connect(path: str, *, max_wait: float, reading: bool) -> sqlite3.Connection:
    """Open an existing file; `max_wait` is how many seconds to wait for locks. Raise sqlite3.Error."""
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode=rw", uri=True, timeout=max_wait, isolation_level=None, cached_statements=512
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # before 3.51.3, only one connection may checkpoint
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("PRAGMA temp_store = MEMORY")  # otherwise savepoints copy pages to a temporary file
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA query_only = {'ON' if reading else 'OFF'}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def is_unavailable(error: sqlite3.Error) -> bool:
    """Return whether the database failed, rather than the statement."""
    return code(error) & 0xFF in _UNAVAILABLE


def code(error: sqlite3.Error) -> int:
    """Return the extended result code, or 0 for an error of Python's module."""
    return getattr(error, "sqlite_errorcode", 0)


def step(
    work: Callable[Concatenate[Transaction, P], Awaitable[T]], tx: Transaction, *args: P.args, **kw: P.kwargs
) -> T:
    """Run work on this thread. Raise RuntimeError if it awaits anything except its transaction."""
    try:
        steps = work(tx, *args, **kw).__await__()
        steps.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    steps.close()
    raise RuntimeError("a transaction must await nothing except its own statements")


class SqliteTransaction:
    """Statements on one connection, which never suspend. `failure` is the first failure, even if it was caught."""

    __slots__ = ("_connection", "_reading", "failure")

    def __init__(self, connection: sqlite3.Connection, *, reading: bool = False) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._reading = reading
        self.failure: Exception | None = None

    def one(self, sql: str, /, **params: Value) -> Reply[Row | None]:
        """Return the first row, or None."""
        try:
            return _Reply(self._open.execute(*for_sqlite(sql, params)).fetchone())
        except sqlite3.Error as error:
            self._fail(error)

    def all(self, sql: str, /, **params: Value) -> Reply[list[Row]]:
        """Return all rows."""
        try:
            return _Reply(self._open.execute(*for_sqlite(sql, params)).fetchall())
        except sqlite3.Error as error:
            self._fail(error)

    def run(self, sql: str, /, **params: Value) -> Reply[int]:
        """Run a statement and return the number of rows it changed."""
        try:
            cursor = self._open.execute(*for_sqlite(sql, params))
            return _Reply(max(cursor.rowcount, 0) if cursor.description is None else len(cursor.fetchall()))
        except sqlite3.Error as error:
            self._fail(error)

    def later(self, sql: str, /, **params: Value) -> None:
        """Run a statement whose result is not needed."""
        self.run(sql, **params)

    def lock(self, sql: str, /, **params: Value) -> None:
        """Do nothing, since this is the only writing transaction."""

    def end(self) -> None:
        """Refuse further statements, which would become part of another transaction."""
        self._connection = None

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("this transaction has ended")
        return self._connection

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        self.failure = self._translated(error)
        if self.failure is error:
            raise error
        raise self.failure from error

    def _translated(self, error: sqlite3.Error) -> Exception:
        if code(error) in _UNIQUE:
            return UniqueViolation(str(error).rpartition(": ")[2].partition(".")[0])
        if self._reading and code(error) == sqlite3.SQLITE_READONLY:
            return error  # a write within `read` is a bug
        return Unavailable() if is_unavailable(error) else error


class _Reply(Reply[T_co]):
    """The reply to a statement that has run."""

    __slots__ = ("_result",)

    def __init__(self, result: T_co) -> None:
        self._result = result

    def __await__(self) -> Generator[Any, Any, T_co]:
        yield from ()
        return self._result

    def then(self, read: Callable[[T_co], U], /) -> "_Reply[U]":
        """Return a reply whose result is read by a function."""
        return _Reply(read(self._result))
