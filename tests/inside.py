"""Twofold in this process, without a server: for tests that move its clock or look inside."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx2

from tests.forms import FIREFOX, Shown
from tests.service import SUITE_SETTINGS
from twofold import Twofold
from twofold.config import load


class HandClock:
    """A clock that stands still until a test moves it (epoch seconds)."""

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        """The time."""
        return self.now


class Inside:
    """A browser and the application that it speaks to, on one event loop."""

    def __init__(self, twofold: Twofold, clock: HandClock) -> None:
        self.twofold = twofold
        self.clock = clock
        self.url = twofold.config.origin
        transport = httpx2.ASGITransport(twofold)
        self.http = httpx2.AsyncClient(transport=transport, base_url=self.url, headers={"User-Agent": FIREFOX})

    async def get(self, path: str) -> Shown:
        """Opens a page."""
        return Shown(await self.http.get(path))

    async def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> Shown:
        """Sends a form from our own pages."""
        sent = {"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded", **headers}
        return Shown(await self.http.post(path, content=urlencode(fields or {}), headers=sent))


@asynccontextmanager
async def inside(folder: Path, **settings: str) -> AsyncIterator[Inside]:
    """Opens an application with its data in `folder`; settings are keywords as for `Service`."""
    given = {"data_dir": str(folder), "base_url": "http://127.0.0.1:8000", **SUITE_SETTINGS, **settings}
    clock = HandClock()
    config, _ = load({f"TWOFOLD_{name.upper()}": value for name, value in given.items()})
    async with Twofold(config, clock=clock) as twofold:
        browser = Inside(twofold, clock)
        yield browser
        await browser.http.aclose()
