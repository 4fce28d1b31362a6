"""A unit of work is one transaction: its database, its time, and who acts from where.

Actions take a `UnitOfWork` as their first argument. Request handlers hold a `Runner` and run actions through it.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Concatenate, ParamSpec, TypeVar

import msgspec
from msgspec.structs import replace

from twofold.base.actors import Actor, ActorKind
from twofold.base.database import Reply, Transaction
from twofold.base.problems import Problem, Unavailable
from twofold.base.site import Site
from twofold.base.turns import ClientGone

P = ParamSpec("P")
T = TypeVar("T")


class Caller(msgspec.Struct, frozen=True):
    """Who calls and from where: client address (`source`) and program (`agent`, for example "Firefox on Linux").

    Limits count by `source_network`: an IPv6 address is one of 2^64 that its owner may use. `locale` is the language
    that it asks for, if there is a catalogue. `browser` is the token by which accounts know this browser.
    """

    source: str
    source_network: str
    agent: str
    locale: str | None = None
    browser: str | None = None
    actor: Actor = Actor()


COMMAND_LINE = Caller("", "", "Command line", actor=Actor(ActorKind.COMMAND_LINE))


class UnitOfWork(msgspec.Struct, frozen=True):
    """One transaction; `now` is epoch seconds, UTC. `afterwards` is called once it is durable.

    `before_commit` looks at results that the action itself does not need, so that PostgreSQL sends them together.
    """

    tx: Transaction
    site: Site
    now: int
    caller: Caller
    afterwards: list[Callable[[], None]] = msgspec.field(default_factory=list)
    before_commit: list[Callable[[], Awaitable[None]]] = msgspec.field(default_factory=list)

    def require(self, reply: Reply[bool], problem: type[Problem] = Unavailable) -> None:
        """Roll this transaction back and raise the problem if the reply is false: what a lock should rule out."""

        async def check() -> None:
            if not await reply:
                raise problem

        self.before_commit.append(check)

    def acting_as(self, actor: Actor) -> "UnitOfWork":
        """Return this unit of work with another actor."""
        return replace(self, caller=replace(self.caller, actor=actor))


class Runner(msgspec.Struct, frozen=True):
    """Runs actions for one caller; `gone` returns when the client no longer waits for the answer."""

    site: Site
    caller: Caller
    gone: ClientGone | None = None

    def turn(self, account: str, *, known: bool = False) -> AbstractAsyncContextManager[bool]:
        """Wait for a turn to hash a password of an account; `known` is whether it knows the browser. Raise Busy."""
        return self.site.passwords.turn(self.caller.source_network, account, self.gone, known=known)

    async def write(
        self, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T | Problem]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action in one durable transaction.

        A problem that the action returns is raised after the commit: what it counted stays counted.
        """
        afterwards: list[Callable[[], None]] = []

        async def work(tx: Transaction) -> T | Problem:
            afterwards.clear()  # of a transaction that is run again, only the last run counts
            uow = self._unit_of_work(tx, afterwards)
            answer = await action(uow, *args, **kwargs)
            for look in uow.before_commit:
                await look()
            return answer

        answer = await self.site.db.write(work)
        for step in afterwards:
            step()
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def read(
        self, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action that only reads, in a few indexed look-ups."""
        return await self.site.db.read(lambda tx: action(self._unit_of_work(tx), *args, **kwargs))

    async def read_long(
        self, action: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a listing or export away from the paths that must be quick."""
        return await self.site.db.read_long(lambda tx: action(self._unit_of_work(tx), *args, **kwargs))

    def _unit_of_work(self, tx: Transaction, afterwards: list[Callable[[], None]] | None = None) -> UnitOfWork:
        return UnitOfWork(tx, self.site, self.site.clock(), self.caller, [] if afterwards is None else afterwards)
