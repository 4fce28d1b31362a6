"""The spending guard in this process, on a real database and with a manual clock, for many simultaneous senders."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tests.support.in_process import ManualClock
from tests.support.service import SUITE_SETTINGS
from twofold.assembly import build_site, close_site
from twofold.base.outbox import DeliveryPort, Outcome
from twofold.base.problems import Problem
from twofold.base.site import Site
from twofold.base.unit_of_work import Caller, Runner, UnitOfWork
from twofold.config import load
from twofold.factors.phone.numbers import read_number
from twofold.factors.phone.sendlimits import actions

P = ParamSpec("P")
T = TypeVar("T")
WIDE = {  # limits that are never reached
    "limit_sends": "1000000/1h",
    "limit_sends_account": "1000000/1d",
    "limit_sends_source": "1000000/1h",
    "send_budget": "1000000",
}


class Guard:
    """Send codes and use them, and count the messages for the gateway."""

    def __init__(self, site: Site, clock: ManualClock) -> None:
        self.site = site
        self.clock = clock
        self.woken = 0

    async def act(
        self,
        action: Callable[Concatenate[UnitOfWork, P], Awaitable[T | Problem]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run an action for one source."""
        return await Runner(self.site, origin()).write(action, *args, **kwargs)

    async def send(
        self, number: str = "+447700900123", *, account: str = "a", source: str = "192.0.2.1", channel: str = "sms"
    ) -> str:
        """Request one code, and return "sent" or the code of the refusal."""
        try:
            await Runner(self.site, origin(source)).write(actions.permit, account, read_number(number), channel)
        except Problem as problem:
            return problem.code
        return "sent"

    async def use(self, number: str = "+447700900123", *, account: str = "a") -> None:
        """Use the last code sent."""
        await Runner(self.site, origin()).write(actions.used, account, number)

    async def all_at_once(self, sends: Sequence[Awaitable[str]]) -> list[str]:
        """Send all at the same time, and return the results."""
        return list(await asyncio.gather(*sends))

    async def rows(self, sql: str) -> list[dict[str, str | int | None]]:
        """Return the rows of a query."""
        return [dict(row) for row in await self.site.db.read(lambda tx: tx.all(sql))]


@asynccontextmanager
async def guarded(folder: Path, database_url: str, **settings: str) -> AsyncIterator[Guard]:
    """Open a site whose courier only counts how often it is woken; settings are passed as to `Service`."""
    given = SUITE_SETTINGS | {"data_dir": str(folder), "database_url": database_url} | settings
    config, _ = load({f"TWOFOLD_{name.upper()}": value for name, value in given.items()})
    clock = ManualClock()
    site = await build_site(config, clock=clock, serving=True)
    guard = Guard(site, clock)

    def wake() -> None:
        guard.woken += 1

    async def outcome(_id: str, _within: float) -> Outcome:
        return Outcome.WAITING

    guard.site = replace(site, parts={**site.parts, DeliveryPort: DeliveryPort(wake, outcome)})
    try:
        yield guard
    finally:
        await close_site(site)


def origin(source: str = "192.0.2.1") -> Caller:
    """Return the Caller for an IP address."""
    return Caller(source, source, "Firefox on Linux")


def neighbours(count: int, *, start: int = 0, prefix: str = "+15550") -> list[str]:
    """Return fictitious numbers that share a prefix."""
    return [f"{prefix}{number:06}" for number in range(start, start + count)]
