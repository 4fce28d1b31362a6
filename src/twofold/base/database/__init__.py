"""The interface to the database: the same SQL for two drivers, and no answer before its transaction is durable.

Statements use `:named` parameters of str, int, bytes or None; integers are 64 bits, times epoch seconds. A
`FOR UPDATE` at the end of a query locks rows on PostgreSQL and is dropped on SQLite, which has one writer.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar

from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")

Dialect: TypeAlias = Literal["sqlite", "postgres"]
Value: TypeAlias = str | int | bytes | None


class Row(Protocol):
    """One row of a result: `row["name"]`, `Account(**row)`."""

    def __getitem__(self, name: str, /) -> Any:  # noqa: ANN401 - the statement decides
        """Return the value of a column."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the values, in the order of the statement."""

    def keys(self) -> Iterable[str]:
        """Return the names of the columns, in the order of the statement."""


class Reply(ABC, Generic[T_co]):
    """What a statement will return: await it, or queue more statements first."""

    __slots__ = ()

    @abstractmethod
    def __await__(self) -> Generator[Any, Any, T_co]:
        """Wait for the result of this statement and of all before it."""

    @abstractmethod
    def then(self, read: Callable[[T_co], U], /) -> "Reply[U]":
        """Return a reply whose result is read by a function."""


class Transaction(Protocol):
    """Statements that succeed or fail together; one failure fails them all, even if the error is caught.

    They run in the order of the calls: on PostgreSQL when the first result is awaited or the transaction ends, on
    SQLite at once.

    Methods and replies raise UniqueViolation if a unique value is taken, Unavailable if the database cannot be used,
    and the driver's own error for a mistake in the statement.
    """

    def one(self, sql: str, /, **params: Value) -> Reply[Row | None]:
        """Return the first row, or None."""

    def all(self, sql: str, /, **params: Value) -> Reply[list[Row]]:
        """Return all rows."""

    def run(self, sql: str, /, **params: Value) -> Reply[int]:
        """Run a statement and return the number of rows it changed."""

    def later(self, sql: str, /, **params: Value) -> None:
        """Run a statement whose result is not needed."""

    def lock(self, sql: str, /, **params: Value) -> None:
        """Lock the rows of a query until the transaction ends; not needed on SQLite, which has one writer."""


class Database(Protocol):
    """Runs work in transactions. Methods raise Unavailable if the database is unreachable, locked, full or closed."""

    @property
    def dialect(self) -> Dialect:
        """Which of the two databases this is."""

    async def read(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a few short indexed look-ups. Each sees its own snapshot: data that must agree needs one statement."""

    async def read_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or an export on one snapshot of the data, without delaying short reads."""

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction: durable when this returns, rolled back if `work` raises.

        `work` must await only its transaction. It may be called again: after a deadlock on PostgreSQL, or on SQLite if
        another transaction of the same commit failed. Use `write_long` for schema changes. After Unavailable, the
        outcome is unknown: never report success, and make a second attempt harmless.
        """

    async def write_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction that may take minutes: migrations and the like."""

    async def close(self) -> None:
        """Finish waiting transactions and close the database."""


class UniqueViolation(Exception):
    """A value that must be unique is taken. `table` is for the log."""

    def __init__(self, table: str) -> None:
        super().__init__(f"a unique value in {table} is taken")
        self.table = table


class CannotOpen(Unavailable):
    """The database cannot be opened; the text says which one and why, without any password."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.args = (sentence,)


class AlreadyServed(Exception):
    """Another process serves this SQLite file; the text says so in one sentence."""


async def open_database(url: str, *, serving: bool, connections: int = 8) -> Database:
    """Open `sqlite:///relative/path`, `sqlite:////absolute/path` or `postgresql://user:password@host1,host2/name`.

    `serving` claims a SQLite file for this process and makes it the one that checkpoints the log; other programs pass
    False. `connections` limits those to PostgreSQL.
    Raise CannotOpen if the database is unreachable, AlreadyServed, or ValueError for any other address.
    """
    if url.startswith("sqlite:///") and url != "sqlite:///":
        from twofold.base.database.sqlite import open_sqlite  # noqa: PLC0415 - only the driver in use is loaded

        return await open_sqlite(url.removeprefix("sqlite:///"), serving=serving)
    if url.startswith(("postgresql://", "postgres://")):
        from twofold.base.database.postgres import open_postgres  # noqa: PLC0415 - costs 0.1 s at start

        return await open_postgres(url, connections=connections)
    raise ValueError("a database address begins with sqlite:/// or postgresql://")
