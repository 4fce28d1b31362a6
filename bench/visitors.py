"""Legitimate users on loopback, who sign in at a low, steady rate, each from an address of their own.

Half of them use a program without cookies, half a browser in which they have signed in before.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from bench.attacks import ORIGIN
from bench.client import Answer, parse, request

PASSWORD = "walnut-harbour-ember-53"
MAX_WAIT = 10.0  # seconds after which a user gives up
_HEALTH_MAX_WAIT = 30.0
_HEALTH_SOURCE = "127.3.0.1"
_HEALTH = request("GET", "/healthz", connection="close")
_AT_ONCE = 4
_BROWSER = re.compile(rb"twofold_browser\w*=[\w-]{20,}")


@dataclass(frozen=True, slots=True)
class Try:
    """One request: its status (0 without an answer in time), and the seconds from when it was due."""

    status: int
    seconds: float


class Visitor:
    """One account and the address of its owner."""

    def __init__(self, number: int, *, knows_browser: bool, max_wait: float) -> None:
        self._knows_browser, self._max_wait = knows_browser, max_wait
        self._email = f"honest{number}@example.com"
        self._source = f"127.{1 + knows_browser}.{number // 250}.{1 + number % 250}"
        self._cookie = ""

    async def sign_up(self, port: int) -> None:
        """Create the account. Raise RuntimeError if it is refused."""
        answer = await self._post(port, "sign-up" if self._knows_browser else "accounts")
        if answer is None or answer.status not in {201, 303}:
            raise RuntimeError(f"sign-up of {self._email}: {answer}")

    async def sign_in(self, port: int) -> int:
        """Sign in; return the status, or 0 without an answer."""
        answer = await self._post(port, "sign-in")
        return answer.status if answer else 0

    async def _post(self, port: int, path: str) -> Answer | None:
        fields = {"email": self._email, "password": PASSWORD}
        if self._knows_browser:
            headers = {"origin": ORIGIN, "content_type": "application/x-www-form-urlencoded"}
            headers |= {"cookie": self._cookie} if self._cookie else {}
            data = request("POST", f"/{path}", urlencode(fields).encode(), connection="close", **headers)
        else:
            body = json.dumps(fields).encode()
            data = request("POST", f"/api/v1/{path}", body, connection="close", content_type="application/json")
        answer = await ask(port, self._source, data, self._max_wait)
        mark = _BROWSER.search(answer.head) if answer else None
        if mark:
            self._cookie = mark[0].decode()
        return answer


async def make_visitors(port: int, count: int, max_wait: float = MAX_WAIT) -> list[Visitor]:
    """Sign up this many users; every second one has a browser."""
    visitors = [Visitor(number, knows_browser=number % 2 == 1, max_wait=max_wait) for number in range(count)]
    for start in range(0, count, _AT_ONCE):
        await asyncio.gather(*(each.sign_up(port) for each in visitors[start : start + _AT_ONCE]))
    return visitors


async def health(port: int) -> int:
    """Request the health of the service; return the status, or 0 without an answer."""
    answer = await ask(port, _HEALTH_SOURCE, _HEALTH, _HEALTH_MAX_WAIT)
    return answer.status if answer else 0


async def paced(action: Callable[[], Awaitable[int]], every: float, seconds: float) -> list[Try]:
    """Start an action at a steady pace, whether or not the previous one has ended, and wait for all of them."""
    began = time.perf_counter()

    async def one(due: float) -> Try:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        status = await action()
        return Try(status, time.perf_counter() - due)

    return await asyncio.gather(*(one(began + place * every) for place in range(int(seconds / every))))


async def ask(port: int, source: str, data: bytes, within: float) -> Answer | None:
    """Send a request from a loopback address on a new connection; return None without an answer in time."""
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
            try:
                writer.write(data)
                return parse(await reader.read(-1))
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return None
