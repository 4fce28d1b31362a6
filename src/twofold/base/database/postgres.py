"""PostgreSQL through asyncpg: a pool whose connections heal, and errors named as the port names them."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Concatenate, Literal, NoReturn, ParamSpec, TypeVar
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]

from twofold.base.database import CannotOpen, Conflict, Row, Transaction, Value
from twofold.base.database.postgres_pool import Connection, Pool
from twofold.base.database.postgres_servers import Servers
from twofold.base.database.statements import for_postgres
from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 4.0  # seconds for a connection, free or new, and again for a statement: together well below ten
LONG_PATIENCE = 60.0
NO_HURRY = 3600.0
TRIES = 3

_AGAIN = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,  # a migration ran meanwhile
)
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, and statement_timeout
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a server that lost its place as the writing one
    asyncpg.InternalClientError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    OSError,
    TimeoutError,
)


async def open_postgres(url: str, *, connections: int) -> "PostgresDatabase":
    """Open a pool of at most `connections` connections. Raises CannotOpen with the hosts' names."""
    try:
        servers = Servers(url, PATIENCE)
        pool = Pool(servers.connect, connections, PATIENCE)
        pool.give_back(await pool.take())  # the first connection shows whether the address is right
    except ValueError:
        raise CannotOpen(
            "The postgresql:// address cannot be read: check it."
        ) from None  # the error may quote the password
    except (*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or "no answer in time"
        if "unsupported startup parameter" in reason:
            reason = "it is PgBouncer; add ?statement_cache_size=0 to the address"
        raise CannotOpen(f"The PostgreSQL server at {_hosts(url)} cannot be used: {reason}.") from error
    return PostgresDatabase(pool, servers)


class PostgresDatabase:
    """The port to one PostgreSQL database, used from one event loop."""

    dialect: Literal["postgres"] = "postgres"

    def __init__(self, pool: Pool, servers: Servers) -> None:
        self._pool = pool
        self._servers = servers

    async def read(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run short indexed look-ups on one connection, each for itself."""
        async with self._transaction(PATIENCE) as tx:
            return await work(tx, *args, **kwargs)

    async def read_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or an export on one unchanging picture of the data, for a minute at most."""
        begin = (
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '60s';"
            " SET LOCAL lock_timeout = '3s'; SET LOCAL idle_in_transaction_session_timeout = '10s'"
        )
        return await self._once(begin, LONG_PATIENCE, lambda tx: work(tx, *args, **kwargs), reading=True)

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction; again, twice at most, when it stood in another's way and was undone."""
        return await self._until_through(self._servers.begin, PATIENCE, lambda tx: work(tx, *args, **kwargs))

    async def write_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction that may take an hour, and wait a minute for each lock."""
        begin = (
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s';"
            " SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        return await self._until_through(begin, NO_HURRY, lambda tx: work(tx, *args, **kwargs))

    async def close(self) -> None:
        """Wait for what runs, for a few seconds, and leave."""
        await self._pool.close()

    async def _until_through(self, begin: str, patience: float, work: Callable[[Transaction], Awaitable[T]]) -> T:
        for tried in range(1, TRIES + 1):
            try:
                return await self._once(begin, patience, work)
            except _AGAIN as error:
                if tried == TRIES:
                    raise Unavailable from error
                await asyncio.sleep(random.uniform(0.005, 0.02) * tried)  # noqa: S311 - only to part the two
        raise AssertionError

    async def _once(
        self, begin: str, patience: float, work: Callable[[Transaction], Awaitable[T]], *, reading: bool = False
    ) -> T:
        async with self._transaction(patience, reading=reading) as tx:
            await tx.control(begin)
            try:
                answer = await work(tx)
                tx.check()
            except BaseException:
                with suppress(Unavailable):
                    await tx.control("ROLLBACK")
                raise
            if await tx.control("COMMIT") != "COMMIT":
                raise Unavailable
            return answer

    @asynccontextmanager
    async def _transaction(self, patience: float, *, reading: bool = False) -> AsyncIterator["PostgresTransaction"]:
        try:
            connection = await self._pool.take()
        except (*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable from error
        tx = PostgresTransaction(connection, patience, reading=reading)
        try:
            yield tx
        except asyncio.CancelledError:
            connection.terminate()  # a statement may still be under way
            raise
        finally:
            tx.end()
            self._pool.give_back(connection)
            if tx.misplaced or (tx.mute and self._servers.several):
                self._pool.drop_idle()  # the next ones look for the writing server anew


class PostgresTransaction:
    """Statements on one connection. `spoilt` is the first failure, caught or not."""

    __slots__ = ("_connection", "_patience", "_reading", "spoilt")

    def __init__(self, connection: Connection, patience: float, *, reading: bool = False) -> None:
        self._connection: Connection = connection
        self._patience = patience
        self._reading = reading
        self.spoilt: Exception | None = None

    async def one(self, sql: str, /, **params: Value) -> Row | None:
        """Give the first row, or None."""
        text, values = for_postgres(sql, params)
        try:
            row: Row | None = await self._connection.fetchrow(text, *values, timeout=self._patience)
        except (*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._fail(error)
        return row

    async def all(self, sql: str, /, **params: Value) -> list[Row]:
        """Give all rows."""
        text, values = for_postgres(sql, params)
        try:
            rows: list[Row] = await self._connection.fetch(text, *values, timeout=self._patience)
        except (*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._fail(error)
        return rows

    async def run(self, sql: str, /, **params: Value) -> int:
        """Run a statement and give the number of rows it changed."""
        text, values = for_postgres(sql, params)
        try:
            status: str = await self._connection.execute(text, *values, timeout=self._patience)
        except (*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._fail(error)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def hold(self, sql: str, /, **params: Value) -> None:
        """Lock the rows of a question until the transaction ends."""
        await self.one(sql, **params)

    @property
    def mute(self) -> bool:
        """Whether the server did not answer in time."""
        return self.spoilt is not None and isinstance(self.spoilt.__cause__, TimeoutError)

    @property
    def misplaced(self) -> bool:
        """Whether the server takes no writes (any more)."""
        return self.spoilt is not None and isinstance(self.spoilt.__cause__, asyncpg.ReadOnlySQLTransactionError)

    def check(self) -> None:
        """Raise the failure that the work has caught and passed over: the server has undone everything."""
        if self.spoilt is not None:
            raise self.spoilt

    async def control(self, sql: str) -> str:
        """Begin or end the transaction; gives the server's word for what it did."""
        try:
            status: str = await self._connection.execute(sql)
        except (*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._fail(error)
        return status

    def end(self) -> None:
        """Refuse statements from now on: the connection goes to somebody else."""
        self._connection = _OVER

    def _fail(self, error: Exception) -> NoReturn:
        if isinstance(error, TimeoutError) and not self._connection.is_closed():
            self._connection.terminate()  # the server does not answer; a new connection may
        self.spoilt = self._named(error)
        if self.spoilt is error:
            raise error
        raise self.spoilt from error

    def _named(self, error: Exception) -> Exception:
        if isinstance(error, asyncpg.UniqueViolationError):
            return Conflict(error.table_name)
        # A statement that writes, in work that said it would only read, is a mistake of the program.
        mistaken = self._reading and isinstance(error, asyncpg.ReadOnlySQLTransactionError)
        lost = self._connection.is_closed() and not isinstance(error, _AGAIN)
        return Unavailable() if not mistaken and (lost or isinstance(error, _AWAY)) else error


class _Over:
    """Stands where a connection was."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError("this transaction is over")


_OVER = _Over()


def _hosts(url: str) -> str:
    place = urlsplit(url).netloc
    account, _, hosts = place.rpartition("@")
    # A password with a bare slash would end up among the hosts.
    return hosts if account or "@" not in url else "the given address"
