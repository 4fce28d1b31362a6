"""Twofold in this process, without a server, for tests that set its clock, inspect it or need many instances."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx2

from tests.support.forms import FIREFOX, PageAnswer
from tests.support.service import SUITE_SETTINGS
from twofold import Twofold
from twofold.assembly import open_site
from twofold.base.problems import Problem
from twofold.base.unit_of_work import COMMAND_LINE, Runner
from twofold.config import load
from twofold.dev.key import development_key


class ManualClock:
    """A clock in epoch seconds that only tests advance."""

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        """Return the current time."""
        return self.now


class LocalApp:
    """An application and its only browser, on one event loop."""

    def __init__(self, twofold: Twofold, clock: ManualClock) -> None:
        self.twofold = twofold
        self.clock = clock
        self.url = twofold.config.origin
        transport = httpx2.ASGITransport(twofold)
        self.http = httpx2.AsyncClient(transport=transport, base_url=self.url, headers={"User-Agent": FIREFOX})

    def development(self, path: str) -> str:
        """Return the path of a development page with its key."""
        return f"{path}?key={development_key()}"

    async def get(self, path: str) -> PageAnswer:
        """Open a page."""
        return PageAnswer(await self.http.get(path))

    async def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> PageAnswer:
        """Send a form from our own pages."""
        sent = {"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded", **headers}
        return PageAnswer(await self.http.post(path, content=urlencode(fields or {}), headers=sent))


@asynccontextmanager
async def in_process(folder: Path, **settings: str) -> AsyncIterator[LocalApp]:
    """Open an application with its data in `folder`; settings are passed as to `Service`."""
    given = {"data_dir": str(folder), "base_url": "http://127.0.0.1:8000", **SUITE_SETTINGS, **settings}
    clock = ManualClock()
    config, _ = load({f"TWOFOLD_{name.upper()}": value for name, value in given.items()})
    async with Twofold(config, clock=clock) as twofold:
        browser = LocalApp(twofold, clock)
        yield browser
        await browser.http.aclose()


@asynccontextmanager
async def nodes_on(folder: Path, database_url: str, count: int = 2, **settings: str) -> AsyncIterator[list[Runner]]:
    """Open a database as several nodes, without pages; each runs actions as the command line does."""
    given = SUITE_SETTINGS | {"data_dir": str(folder), "database_url": database_url} | settings
    config, _ = load({f"TWOFOLD_{name.upper()}": value for name, value in given.items()})
    async with AsyncExitStack() as opened:
        yield [Runner(await opened.enter_async_context(open_site(config)), COMMAND_LINE) for _ in range(count)]


async def at_once(*asked: Awaitable[object]) -> list[object]:
    """Return all results, including problems. Raise any other error."""
    answers: list[object] = []
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(answer, BaseException) and not isinstance(answer, Problem):
            raise answer
        answers.append(answer)
    return answers
