"""A transaction on PostgreSQL: statements wait until a result is needed, and errors become those of our interface."""

from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any, NoReturn, TypeVar, cast

import asyncpg  # type: ignore[import-untyped]

from twofold.base.database import Reply, Row, UniqueViolation, Value
from twofold.base.database.postgres_connection import PostgresConnection, Result
from twofold.base.database.statements import for_postgres
from twofold.base.problems import Unavailable

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")

RETRYABLE = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,  # a migration ran in the meantime
)
UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown or statement_timeout
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a server that is no longer the primary
    asyncpg.InternalClientError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    OSError,
    TimeoutError,
)
ERRORS = (*UNAVAILABLE, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresTransaction:
    """Statements on one connection. `failure` is the first failure, even if it was caught."""

    __slots__ = ("_connection", "_max_wait", "_reading", "failure")

    def __init__(self, connection: PostgresConnection, max_wait: float, *, reading: bool = False) -> None:
        self._connection = connection
        self._max_wait = max_wait
        self._reading = reading
        self.failure: Exception | None = None

    def one(self, sql: str, /, **params: Value) -> Reply[Row | None]:
        """Return the first row, or None."""
        return _Reply(self, self._queue(sql, params, wants_rows=True), _first)

    def all(self, sql: str, /, **params: Value) -> Reply[list[Row]]:
        """Return all rows."""
        return _Reply(self, self._queue(sql, params, wants_rows=True), _rows)

    def run(self, sql: str, /, **params: Value) -> Reply[int]:
        """Run a statement and return the number of rows it changed."""
        return _Reply(self, self._queue(sql, params), _count)

    def later(self, sql: str, /, **params: Value) -> None:
        """Run a statement whose result is not needed."""
        self._queue(sql, params)

    def lock(self, sql: str, /, **params: Value) -> None:
        """Lock the rows of a query until the transaction ends."""
        self._queue(sql, params)

    @property
    def timed_out(self) -> bool:
        """Whether the server did not answer in time."""
        return self.failure is not None and isinstance(self.failure.__cause__, TimeoutError)

    @property
    def read_only(self) -> bool:
        """Whether the server does not accept writes."""
        return self.failure is not None and isinstance(self.failure.__cause__, asyncpg.ReadOnlySQLTransactionError)

    def begin(self, sql: str) -> None:
        """Begin a transaction together with its first statement."""
        self._connection.queue(sql)

    async def commit(self) -> None:
        """Commit. Raise a failure that the work caught, since the server has rolled everything back."""
        if self.failure is not None:
            raise self.failure
        committed = self._connection.queue("COMMIT")
        await self.flush()
        if committed.status != "COMMIT":
            raise Unavailable

    async def roll_back(self) -> None:
        """Roll back what has been sent."""
        self._connection.discard()
        if self._connection.in_transaction:
            self._connection.queue("ROLLBACK")
            with suppress(*ERRORS):  # the pool discards a connection in a transaction
                await self._connection.flush(self._max_wait)

    def cancel(self) -> None:
        """Discard the connection, since a statement may still be running."""
        self._connection.terminate()

    def end(self) -> PostgresConnection:
        """Refuse further statements, and return the connection for another transaction."""
        connection, self._connection = self._connection, cast("PostgresConnection", _ENDED)
        connection.discard()
        return connection

    async def flush(self) -> None:
        """Send what is queued, and wait for the results."""
        if self.failure is not None:
            raise self.failure
        try:
            await self._connection.flush(self._max_wait)
        except ERRORS as error:
            self._fail(error)

    def _queue(self, sql: str, params: Mapping[str, Value], *, wants_rows: bool = False) -> Result:
        return self._connection.queue(*for_postgres(sql, params), wants_rows=wants_rows)

    def _fail(self, error: Exception) -> NoReturn:
        if isinstance(error, TimeoutError) and not self._connection.is_closed():
            self._connection.terminate()  # the server does not answer, but may on a new connection
        self.failure = self._translated(error)
        if self.failure is error:
            raise error
        raise self.failure from error

    def _translated(self, error: Exception) -> Exception:
        if isinstance(error, asyncpg.UniqueViolationError):
            return UniqueViolation(error.table_name)
        # A write within `read` is a bug.
        is_bug = self._reading and isinstance(error, asyncpg.ReadOnlySQLTransactionError)
        lost = self._connection.is_closed() and not isinstance(error, RETRYABLE)
        return Unavailable() if not is_bug and (lost or isinstance(error, UNAVAILABLE)) else error


class _Reply(Reply[T_co]):
    """The reply to a statement that runs when the first result is awaited."""

    __slots__ = ("_read", "_result", "_tx")

    def __init__(self, tx: PostgresTransaction, result: Result, read: Callable[[Result], T_co]) -> None:
        self._tx = tx
        self._result = result
        self._read = read

    def __await__(self) -> Generator[Any, Any, T_co]:
        if not self._result.is_done:
            yield from self._tx.flush().__await__()
        return self._read(self._result)

    def then(self, read: Callable[[T_co], U], /) -> "_Reply[U]":
        """Return a reply whose result is read by a function."""
        before = self._read
        return _Reply(self._tx, self._result, lambda result: read(before(result)))


def _first(result: Result) -> Row | None:
    return result.rows[0] if result.rows else None


def _rows(result: Result) -> list[Row]:
    return list(result.rows)


def _count(result: Result) -> int:
    return result.count


class _EndedConnection:
    """Replaces the connection of an ended transaction."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError("this transaction has ended")


_ENDED = _EndedConnection()
