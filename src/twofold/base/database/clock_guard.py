"""Refuse to use the database while its clock and this machine's differ.

A node whose clock is ahead forgets wrong attempts and deletes valid rows too early; one that is behind accepts old
codes. Such a node answers every request as if the database were unavailable, and recovers when the clocks agree.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from twofold.base.database import Database, Dialect, Transaction
from twofold.base.database.checks import MAX_DATABASE_SKEW, clock_skew
from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("twofold.database")


class ClockGuard:
    """A database that raises Unavailable while `agrees` is false; `check` updates it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.agrees = True

    async def check(self) -> bool:
        """Compare the clocks. If the database is unavailable, return the last result."""
        try:
            skew = await clock_skew(self._db)
        except Unavailable:
            return self.agrees
        agrees = abs(skew) <= MAX_DATABASE_SKEW
        if agrees != self.agrees:
            self.agrees = agrees
            if agrees:
                _log.warning("this clock agrees with the database's again")
            else:
                side = "behind" if skew > 0 else "ahead of"
                _log.error(
                    "this clock is %.0f seconds %s the database's: no requests are served until they agree",
                    abs(skew),
                    side,
                )
        return agrees

    @property
    def dialect(self) -> Dialect:
        """Which of the two databases this is."""
        return self._db.dialect

    async def read(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a few short indexed look-ups."""
        return await self._open.read(work, *args, **kwargs)

    async def read_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or an export."""
        return await self._open.read_long(work, *args, **kwargs)

    async def write(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction."""
        return await self._open.write(work, *args, **kwargs)

    async def write_long(
        self, work: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one transaction that may take minutes."""
        return await self._open.write_long(work, *args, **kwargs)

    async def close(self) -> None:
        """Close the database."""
        await self._db.close()

    @property
    def _open(self) -> Database:
        if not self.agrees:
            raise Unavailable
        return self._db
