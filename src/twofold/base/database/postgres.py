"""PostgreSQL through asyncpg: a pool that replaces broken connections, and errors of our own interface."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from typing import Concatenate, Literal, ParamSpec, TypeVar

import asyncpg  # type: ignore[import-untyped]

from twofold.base.database import CannotOpen, Transaction
from twofold.base.database.postgres_pool import Pool
from twofold.base.database.postgres_servers import NoUser, Servers
from twofold.base.database.postgres_transaction import ERRORS, RETRYABLE, PostgresTransaction
from twofold.base.problems import Unavailable
from twofold.config.postgres import PostgresUrl
from twofold.config.values import InvalidSetting

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")

MAX_WAIT = 4.0  # seconds for a connection, and again for a statement: together well below ten
LONG_MAX_WAIT = 60.0
NO_LIMIT = 3600.0
MAX_ATTEMPTS = 3


async def open_postgres(url: str, *, connections: int) -> "PostgresDatabase":
    """Open a pool of at most `connections` connections. Raise CannotOpen with the names of the hosts."""
    try:
        address = PostgresUrl.of(url)
    except InvalidSetting as fault:
        raise CannotOpen(f"The postgresql:// address {fault}.") from None
    try:
        servers = Servers(address, MAX_WAIT)
        pool = Pool(servers.connect, connections, MAX_WAIT)
        pool.release(await pool.acquire())  # the first connection shows whether the address is correct
    except NoUser:
        raise CannotOpen(
            "TWOFOLD_DATABASE_URL names no user, and this process has none: use postgresql://user@host/database."
        ) from None
    except Exception as error:
        raise CannotOpen(f"The PostgreSQL server at {address.shown} cannot be used: {_reason(error)}.") from error
    return PostgresDatabase(pool, servers)


def _reason(error: Exception) -> str:
    """Return the reason in words. Errors of other kinds are only named, since they may quote the password."""
    text = str(error).rstrip(".")
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}). Add its authority with ?sslrootcert=FILE or,"
            " in a private network, use ?sslmode=require or ?sslmode=disable"
        )
    if "rejected SSL upgrade" in text:
        return "it does not support TLS. Enable it there or, in a private network, use ?sslmode=disable"
    if "unsupported startup parameter" in text:
        return "it is PgBouncer; add ?statement_cache_size=0 to the address"
    if isinstance(error, ERRORS):
        return text or "no answer in time"
    return type(error).__name__


class PostgresDatabase:
    """The interface to a PostgreSQL database, used from one event loop."""

    dialect: Literal["postgres"] = "postgres"

    def __init__(self, pool: Pool, servers: Servers) -> None:
        self._pool = pool
        self._servers = servers

    async def read(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run short indexed look-ups on one connection, each with its own snapshot."""
        try:
            return await self._read_once(lambda tx: work(tx, *args, **kwargs))
        except asyncpg.InvalidCachedStatementError:  # a migration ran in the meantime
            return await self._read_once(lambda tx: work(tx, *args, **kwargs))

    async def read_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or an export on one snapshot of the data, for at most a minute."""
        begin = (
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '60s';"
            " SET LOCAL lock_timeout = '3s'; SET LOCAL idle_in_transaction_session_timeout = '10s'"
        )
        return await self._run_once(begin, LONG_MAX_WAIT, lambda tx: work(tx, *args, **kwargs), reading=True)

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction; repeat it at most twice after a deadlock or serialisation failure."""
        return await self._run_with_retries(self._servers.begin, MAX_WAIT, lambda tx: work(tx, *args, **kwargs))

    async def write_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction without a time limit, waiting up to a minute for each lock."""
        begin = (
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s';"
            " SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        return await self._run_with_retries(begin, NO_LIMIT, lambda tx: work(tx, *args, **kwargs))

    async def close(self) -> None:
        """Wait a few seconds for running transactions, and close the pool."""
        await self._pool.close()

    async def _read_once(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        tx = await self._open(MAX_WAIT)
        try:
            return await work(tx)
        except asyncio.CancelledError:
            tx.cancel()
            raise
        finally:
            self._close(tx)

    async def _run_with_retries(self, begin: str, max_wait: float, work: Callable[[Transaction], Awaitable[T]]) -> T:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return await self._run_once(begin, max_wait, work)
            except RETRYABLE as error:
                if attempt == MAX_ATTEMPTS:
                    raise Unavailable from error
                await asyncio.sleep(random.uniform(0.005, 0.02) * attempt)  # noqa: S311 - only to separate the two
        raise AssertionError

    async def _run_once(
        self, begin: str, max_wait: float, work: Callable[[Transaction], Awaitable[T]], *, reading: bool = False
    ) -> T:
        tx = await self._open(max_wait, reading=reading)
        try:
            tx.begin(begin)
            answer = await work(tx)
            await tx.commit()
        except asyncio.CancelledError:
            tx.cancel()
            raise
        except BaseException:
            await tx.roll_back()
            raise
        finally:
            self._close(tx)
        return answer

    async def _open(self, max_wait: float, *, reading: bool = False) -> PostgresTransaction:
        try:
            connection = await self._pool.acquire()
        except Exception as error:
            raise Unavailable from error
        return PostgresTransaction(connection, max_wait, reading=reading)

    def _close(self, tx: PostgresTransaction) -> None:
        self._pool.release(tx.end())
        if tx.read_only or (tx.timed_out and self._servers.several):
            self._pool.drop_idle()  # new connections look for the primary again
