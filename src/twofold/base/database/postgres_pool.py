"""A pool of PostgreSQL connections, most recently used first. asyncpg's own pool costs an extra task per use.

A connection in an uncertain state is discarded.
"""

import asyncio
from collections.abc import Awaitable, Callable

from twofold.base.database.postgres_connection import PostgresConnection


class Pool:
    """At most `size` connections, created on demand with `connect`."""

    def __init__(self, connect: Callable[[], Awaitable[PostgresConnection]], size: int, max_wait: float) -> None:
        """Create a pool; `max_wait` is how many seconds to wait for a free connection."""
        self._connect = connect
        self._size = size
        self._max_wait = max_wait
        self._free = asyncio.Semaphore(size)
        self._idle: list[PostgresConnection] = []
        self._in_use: set[PostgresConnection] = set()
        self._closed = False

    async def acquire(self) -> PostgresConnection:
        """Return a connection, to be returned with `release`. Raise TimeoutError, or what `connect` raises."""
        if self._closed:
            raise ConnectionError("the database is closed")
        if self._free.locked():
            async with asyncio.timeout(self._max_wait):
                await self._free.acquire()
        else:
            await self._free.acquire()
        connection = self._pop_idle() or await self._open()
        self._in_use.add(connection)
        return connection

    def release(self, connection: PostgresConnection) -> None:
        """Accept a returned connection; discard it if it is lost or still in a transaction."""
        self._in_use.discard(connection)
        if connection.is_closed() or connection.in_transaction:
            connection.terminate()
        else:
            self._idle.append(connection)
        self._free.release()

    def drop_idle(self) -> None:
        """Discard unused connections, for example to connect to a new primary."""
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        """Wait a while for connections in use, then close all."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(self._max_wait):
                for _ in range(self._size):
                    await self._free.acquire()
                while self._idle:
                    await self._idle.pop().close()
        except TimeoutError:
            for connection in self._in_use:
                connection.terminate()
        self.drop_idle()

    def _pop_idle(self) -> PostgresConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _open(self) -> PostgresConnection:
        # A cancelled caller does not cancel the connection attempt: the next caller can use it.
        opening = asyncio.ensure_future(self._connect())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._adopt)
            raise
        except BaseException:
            self._free.release()
            raise

    def _adopt(self, opening: "asyncio.Future[PostgresConnection]") -> None:
        if opening.cancelled() or opening.exception() is not None:
            self._free.release()
        else:
            self.release(opening.result())
