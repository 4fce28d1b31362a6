"""An act is one transaction at work: its database, its time, and where it comes from.

Actions take an `Act` first. Whoever answers a request holds an `Acts` and runs actions through it.
"""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

import msgspec

from twofold.base.database import Transaction
from twofold.base.problems import Problem
from twofold.base.site import Site

P = ParamSpec("P")
T = TypeVar("T")


class Origin(msgspec.Struct, frozen=True):
    """Where a request comes from: client address (`source`) and program (`agent`, for example "Firefox on Linux").

    Limits count by `source_network`: an IPv6 address is one of 2^64 that its owner may use. `locale` is the language
    that it asks for, where we have that.
    """

    source: str
    source_network: str
    agent: str
    locale: str | None = None


COMMAND_LINE = Origin("", "", "Command line")


class Act(msgspec.Struct, frozen=True):
    """One transaction at work; `now` is epoch seconds, UTC. `afterwards` is called once it is durable."""

    tx: Transaction
    site: Site
    now: int
    origin: Origin
    afterwards: list[Callable[[], None]] = msgspec.field(default_factory=list)


class Acts(msgspec.Struct, frozen=True):
    """Runs actions for one origin."""

    site: Site
    origin: Origin

    async def write(
        self, action: Callable[Concatenate[Act, P], Awaitable[T | Problem]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action in one durable transaction.

        A problem that the action returns is raised after the commit: what it counted stays counted.
        """
        afterwards: list[Callable[[], None]] = []

        async def work(tx: Transaction) -> T | Problem:
            afterwards.clear()  # of a transaction that is run again, only the last run counts
            return await action(self._act(tx, afterwards), *args, **kwargs)

        answer = await self.site.db.write(work)
        for step in afterwards:
            step()
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def read(self, action: Callable[Concatenate[Act, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an action that only reads, in a few indexed look-ups."""
        return await self.site.db.read(lambda tx: action(self._act(tx), *args, **kwargs))

    async def read_long(
        self, action: Callable[Concatenate[Act, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or export away from the paths that must be quick."""
        return await self.site.db.read_long(lambda tx: action(self._act(tx), *args, **kwargs))

    def _act(self, tx: Transaction, afterwards: list[Callable[[], None]] | None = None) -> Act:
        return Act(tx, self.site, self.site.clock(), self.origin, [] if afterwards is None else afterwards)
