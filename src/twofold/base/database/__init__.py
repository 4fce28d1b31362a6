"""The port to the database: one text of SQL, two drivers, and no answer before its transaction is durable.

Statements use `:named` parameters of str, int, bytes or None; integers are 64 bits, times epoch seconds. A
`FOR UPDATE` at the end of a question locks rows on PostgreSQL and is dropped on SQLite, which has one writer.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeAlias, TypeVar

from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

Dialect: TypeAlias = Literal["sqlite", "postgres"]
Value: TypeAlias = str | int | bytes | None


class Row(Protocol):
    """One row of an answer: `row["name"]`, `Account(**row)`."""

    def __getitem__(self, name: str, /) -> Any:  # noqa: ANN401 - the statement decides
        """Give the value of a column."""

    def __iter__(self) -> Iterator[Any]:
        """Give the values, in the statement's order."""

    def keys(self) -> Iterable[str]:
        """Name the columns, in the statement's order."""


class Transaction(Protocol):
    """Statements that stand or fall together; a failed one spoils them all, even when the error is caught.

    Raises Conflict for a unique value that is taken, Unavailable when the database cannot be used, and what the driver
    raises for a mistake in the statement.
    """

    async def one(self, sql: str, /, **params: Value) -> Row | None:
        """Give the first row, or None."""

    async def all(self, sql: str, /, **params: Value) -> list[Row]:
        """Give all rows."""

    async def run(self, sql: str, /, **params: Value) -> int:
        """Run a statement and give the number of rows it changed."""

    async def hold(self, sql: str, /, **params: Value) -> None:
        """Lock the rows of a question until the transaction ends; SQLite has one writer and nothing to lock."""


class Database(Protocol):
    """Runs work in transactions. Every method raises Unavailable when the database is away, locked, full or closed."""

    @property
    def dialect(self) -> Dialect:
        """Which of the two databases this is."""

    async def read(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a few short indexed look-ups. Each sees its own moment: what must agree belongs into one statement."""

    async def read_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or an export on one unchanging picture of the data, aside from the quick paths."""

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction: durable when this returns, undone when `work` raises.

        `work` awaits nothing but its transaction. It may be called again: after a deadlock on PostgreSQL, on SQLite
        when another transaction of the same commit failed. Changes of the schema belong into `write_long`. After
        Unavailable the outcome is unknown: never report success, and make a second try harmless.
        """

    async def write_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction that may take minutes: migrations and the like."""

    async def close(self) -> None:
        """Finish what waits and let go of the database."""


class Conflict(Exception):
    """A value that must be unique is taken. `table` is where, for the log."""

    def __init__(self, table: str) -> None:
        super().__init__(f"a unique value in {table} is taken")
        self.table = table


class CannotOpen(Unavailable):
    """The database cannot be opened; its text says which and why, without any password."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.args = (sentence,)


class AlreadyServed(Exception):
    """Another process serves this SQLite file; its text says so in one sentence."""


async def open_database(url: str, *, serving: bool, connections: int = 8) -> Database:
    """Open `sqlite:///relative/path`, `sqlite:////absolute/path` or `postgresql://user:password@host1,host2/name`.

    `serving` claims a SQLite file for this process and makes it the one that folds the log away; programs that only
    look in leave it false. `connections` caps those to PostgreSQL.
    Raises CannotOpen when the database is away, AlreadyServed, and ValueError for any other address.
    """
    if url.startswith("sqlite:///") and url != "sqlite:///":
        from twofold.base.database.sqlite import open_sqlite  # noqa: PLC0415 - only the driver in use is loaded

        return await open_sqlite(url.removeprefix("sqlite:///"), serving=serving)
    if url.startswith(("postgresql://", "postgres://")):
        from twofold.base.database.postgres import open_postgres  # noqa: PLC0415 - costs 0.1 s at start

        return await open_postgres(url, connections=connections)
    raise ValueError("a database address begins with sqlite:/// or postgresql://")
