"""A connection to PostgreSQL that queues statements until a result is needed, and then runs them in order.

asyncpg waits for the answer to each statement. See docs/decisions/0031 for what that costs, and what was tried.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from twofold.base.database import Row, Value


class Result:
    """The result of a statement: empty until it has run."""

    __slots__ = ("is_done", "rows", "sql", "status", "values", "wants_rows")

    def __init__(self, sql: str, values: Sequence[Value], *, wants_rows: bool) -> None:
        self.sql = sql
        self.values = values
        self.wants_rows = wants_rows
        self.is_done = False
        self.rows: list[Row] = []
        self.status = ""  # the server's word for what was done, such as "UPDATE 1"

    @property
    def count(self) -> int:
        """The number of changed rows."""
        count = self.status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


class PostgresConnection:
    """Statements are queued with `queue`; `flush` runs them."""

    def __init__(self, opened: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        """Wrap an open connection of asyncpg."""
        self._opened = opened
        self._queued: deque[Result] = deque()

    def queue(self, sql: str, values: Sequence[Value] = (), *, wants_rows: bool = False) -> Result:
        """Queue a statement."""
        result = Result(sql, values, wants_rows=wants_rows)
        self._queued.append(result)
        return result

    async def flush(self, max_wait: float) -> None:
        """Run all queued statements, waiting up to `max_wait` seconds for each. Raise the first error."""
        try:
            while self._queued:
                await self._run(self._queued.popleft(), max_wait)
        finally:
            self.discard()

    def discard(self) -> None:
        """Drop statements that have not run."""
        self._queued.clear()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun and not ended."""
        return bool(self._opened.is_in_transaction())

    def is_closed(self) -> bool:
        """Return whether the connection is lost or closed."""
        return bool(self._opened.is_closed())

    def terminate(self) -> None:
        """Close the connection at once, in any state."""
        self._opened.terminate()

    async def close(self) -> None:
        """Close the connection gracefully."""
        await self._opened.close()

    async def _run(self, result: Result, max_wait: float) -> None:
        if result.wants_rows:
            result.rows = await self._opened.fetch(result.sql, *result.values, timeout=max_wait)
        else:
            result.status = await self._opened.execute(result.sql, *result.values, timeout=max_wait)
        result.is_done = True
