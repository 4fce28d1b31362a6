"""A database that works only while its clock and this machine's agree: nodes whose clocks differ have different limits.

A node that is ahead forgets wrong attempts early and clears out what still holds; one that is behind takes old codes.
So it answers nobody, as while the database is away, and goes on by itself when the clocks agree again.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from twofold.base.database import Database, Dialect, Transaction
from twofold.base.database.checks import MOST_SKEW, clock_skew
from twofold.base.problems import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("twofold.database")


class SameTime:
    """The port to a database, shut while `agrees` is false; `look` finds out."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.agrees = True

    async def look(self) -> bool:
        """Compare the clocks. While the database is away the last finding stands."""
        try:
            skew = await clock_skew(self._db)
        except Unavailable:
            return self.agrees
        found = abs(skew) <= MOST_SKEW
        if found != self.agrees:
            self.agrees = found
            if found:
                _log.warning("this clock agrees with the database's again")
            else:
                way = "behind" if skew > 0 else "ahead of"
                _log.error(
                    "this clock is %.0f seconds %s the database's: nobody is served until they agree", abs(skew), way
                )
        return found

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
        """Let go of the database."""
        await self._db.close()

    @property
    def _open(self) -> Database:
        if not self.agrees:
            raise Unavailable
        return self._db
