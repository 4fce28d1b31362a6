"""One SQLite connection, the statements run on it, and the names of what can go wrong with it."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Concatenate, NoReturn, ParamSpec, TypeVar
from urllib.parse import quote

from twofold.base.database import Conflict, Row, Transaction, Value
from twofold.base.database.statements import for_sqlite
from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_UNIQUE = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
}
# What comes from the disk, the file or another process, not from the statement.
_AWAY = {
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


def connect(path: str, *, patience: float, reading: bool) -> sqlite3.Connection:
    """Open an existing file; `patience` is how many seconds to wait for other processes. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode=rw", uri=True, timeout=patience, isolation_level=None, cached_statements=512
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # engines before 3.51.3 must not have two that checkpoint
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("PRAGMA temp_store = MEMORY")  # else each savepoint copies its pages to a temporary file
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA query_only = {'ON' if reading else 'OFF'}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def is_away(error: sqlite3.Error) -> bool:
    """Tell whether the database itself failed, rather than the statement."""
    return code(error) & 0xFF in _AWAY


def code(error: sqlite3.Error) -> int:
    """Give the extended result code, 0 for a mistake that Python's module found itself."""
    return getattr(error, "sqlite_errorcode", 0)


def step(
    work: Callable[Concatenate[Transaction, P], Awaitable[T]], tx: Transaction, *args: P.args, **kw: P.kwargs
) -> T:
    """Run work that awaits nothing but its transaction, in this thread. Raises RuntimeError if it waits for more."""
    try:
        steps = work(tx, *args, **kw).__await__()
        steps.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    steps.close()
    raise RuntimeError("inside a transaction nothing may be awaited but the transaction itself")


class SqliteTransaction:
    """Statements on one connection; none of them ever suspends. `spoilt` is the first failure, caught or not."""

    __slots__ = ("_connection", "_reading", "spoilt")

    def __init__(self, connection: sqlite3.Connection, *, reading: bool = False) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._reading = reading
        self.spoilt: Exception | None = None

    async def one(self, sql: str, /, **params: Value) -> Row | None:
        """Give the first row, or None."""
        try:
            row: Row | None = self._open.execute(*for_sqlite(sql, params)).fetchone()
        except sqlite3.Error as error:
            self._fail(error)
        return row

    async def all(self, sql: str, /, **params: Value) -> list[Row]:
        """Give all rows."""
        try:
            return self._open.execute(*for_sqlite(sql, params)).fetchall()
        except sqlite3.Error as error:
            self._fail(error)

    async def run(self, sql: str, /, **params: Value) -> int:
        """Run a statement and give the number of rows it changed."""
        try:
            cursor = self._open.execute(*for_sqlite(sql, params))
            return max(cursor.rowcount, 0) if cursor.description is None else len(cursor.fetchall())
        except sqlite3.Error as error:
            self._fail(error)

    async def hold(self, sql: str, /, **params: Value) -> None:
        """Lock nothing: this transaction is the only one that writes."""

    def end(self) -> None:
        """Refuse statements from now on: the next ones would land in somebody else's transaction."""
        self._connection = None

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("this transaction is over")
        return self._connection

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        self.spoilt = self._named(error)
        if self.spoilt is error:
            raise error
        raise self.spoilt from error

    def _named(self, error: sqlite3.Error) -> Exception:
        if code(error) in _UNIQUE:
            return Conflict(str(error).rpartition(": ")[2].partition(".")[0])
        if self._reading and code(error) == sqlite3.SQLITE_READONLY:
            return error  # a statement that writes, in work that said it would only read
        return Unavailable() if is_away(error) else error
