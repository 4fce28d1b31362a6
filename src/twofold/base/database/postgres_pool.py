"""A few connections to PostgreSQL, the last used first. asyncpg's own pool costs a task and a turn of the loop a time.

A connection whose state is not certain is thrown away, never handed on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

Connection: TypeAlias = Any  # asyncpg has no types to check with


class Pool:
    """At most `most` connections, made when they are needed by `connect`."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], most: int, patience: float) -> None:
        """`patience` is how many seconds to wait for a free connection."""
        self._connect = connect
        self._most = most
        self._patience = patience
        self._free = asyncio.Semaphore(most)
        self._idle: list[Connection] = []
        self._taken: set[Connection] = set()
        self._closed = False

    async def take(self) -> Connection:
        """Give a connection to one who brings it back. Raises TimeoutError, or what `connect` raises."""
        if self._closed:
            raise ConnectionError("the database is closed")
        if self._free.locked():
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        else:
            await self._free.acquire()
        connection = self._unused() or await self._new()
        self._taken.add(connection)
        return connection

    def give_back(self, connection: Connection) -> None:
        """Take a connection back; one that is lost, or still in a transaction, is dropped."""
        self._taken.discard(connection)
        if connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)
        self._free.release()

    def drop_idle(self) -> None:
        """Make the next ones connect anew, for example to the server that took over."""
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        """Wait a while for those who are at work, then close every connection."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(self._patience):
                for _ in range(self._most):
                    await self._free.acquire()
                while self._idle:
                    await self._idle.pop().close()
        except TimeoutError:
            for connection in self._taken:
                connection.terminate()
        self.drop_idle()

    def _unused(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _new(self) -> Connection:
        # Whoever goes away meanwhile does not break it off: it will be there for the next one.
        opening = asyncio.ensure_future(self._connect())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._adopt)
            raise
        except BaseException:
            self._free.release()
            raise

    def _adopt(self, opening: "asyncio.Future[Connection]") -> None:
        if opening.cancelled() or opening.exception() is not None:
            self._free.release()
        else:
            self.give_back(opening.result())
