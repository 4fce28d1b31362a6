"""The spending guard in this process on a real database, with a clock that stands still, for many senders at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tests.inside import HandClock
from tests.service import SUITE_SETTINGS
from twofold.app import build_site, close_site
from twofold.base.acts import Act, Acts, Origin
from twofold.base.outbox import Carrier, Outcome
from twofold.base.problems import Problem
from twofold.base.site import Site
from twofold.config import load
from twofold.factors.numbers import read_number
from twofold.factors.spending import actions

P = ParamSpec("P")
T = TypeVar("T")
WIDE = {  # limits that decide nothing, for tests of what lies behind them
    "limit_sends": "1000000/1h",
    "limit_sends_account": "1000000/1d",
    "limit_sends_source": "1000000/1h",
    "send_budget": "1000000",
}


class Guard:
    """Sends codes and uses them; counts what may go to the gateway."""

    def __init__(self, site: Site, clock: HandClock) -> None:
        self.site = site
        self.clock = clock
        self.woken = 0

    async def act(
        self,
        action: Callable[Concatenate[Act, P], Awaitable[T | Problem]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Runs an action for one source."""
        return await Acts(self.site, origin()).write(action, *args, **kwargs)

    async def send(
        self, number: str = "+447700900123", *, account: str = "a", source: str = "192.0.2.1", channel: str = "sms"
    ) -> str:
        """Asks for one code; gives "sent", or the code of the refusal."""
        try:
            await Acts(self.site, origin(source)).write(actions.permit, account, read_number(number), channel)
        except Problem as problem:
            return problem.code
        return "sent"

    async def use(self, number: str = "+447700900123", *, account: str = "a") -> None:
        """Uses the last code that was sent."""
        await Acts(self.site, origin()).write(actions.used, account, number)

    async def all_at_once(self, sends: Sequence[Awaitable[str]]) -> list[str]:
        """Starts all of them before any is done."""
        return list(await asyncio.gather(*sends))

    async def rows(self, sql: str) -> list[dict[str, str | int | None]]:
        """Looks into the database."""
        return [dict(row) for row in await self.site.db.read(lambda tx: tx.all(sql))]


@asynccontextmanager
async def guarded(folder: Path, database_url: str, **settings: str) -> AsyncIterator[Guard]:
    """Opens a site with the courier that is only woken; settings are keywords as for `Service`."""
    given = SUITE_SETTINGS | {"data_dir": str(folder), "database_url": database_url} | settings
    config, _ = load({f"TWOFOLD_{name.upper()}": value for name, value in given.items()})
    clock = HandClock()
    site = await build_site(config, clock=clock, serving=True)
    guard = Guard(site, clock)

    def wake() -> None:
        guard.woken += 1

    async def outcome(_id: str, _within: float) -> Outcome:
        return Outcome.WAITING

    guard.site = replace(site, parts={**site.parts, Carrier: Carrier(wake, outcome)})
    try:
        yield guard
    finally:
        await close_site(site)


def origin(source: str = "192.0.2.1") -> Origin:
    """Where a request comes from."""
    return Origin(source, source, "Firefox on Linux")


def neighbours(count: int, *, start: int = 0, prefix: str = "+15550") -> list[str]:
    """Numbers of one prefix that nobody has."""
    return [f"{prefix}{number:06}" for number in range(start, start + count)]
