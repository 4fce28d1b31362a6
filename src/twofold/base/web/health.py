"""Health for programs: alive touches nothing, ready proves that a transaction can be made durable."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from twofold.base.database import Transaction
from twofold.base.outbox import Carrier
from twofold.base.problems import Unavailable
from twofold.base.site import Site

_GOOD_FOR = 2.0  # seconds that a finding is kept, so that asking often costs nothing


class Health:
    """Answers `/healthz` and `/readyz`."""

    def __init__(self, site: Site, clocks_agree: Callable[[], Awaitable[bool]]) -> None:
        self._site = site
        self._clocks_agree = clocks_agree
        self._found: dict[str, bool] = {}
        self._found_at = float("-inf")
        self._finding = asyncio.Lock()

    async def alive(self, _request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """The clocks agree and the database takes a durable write; names only, no error texts.

        Couriers are told of, but a gateway that is down must not take every node out of service: authenticator apps
        work without it, and messages wait in the outbox.
        """
        async with self._finding:  # many who ask at once are one write
            if time.monotonic() - self._found_at > _GOOD_FOR:
                self._found = await self._look()
                self._found_at = time.monotonic()
        good = all(self._found.values())
        checks = {name: _word(good=found) for name, found in self._found.items()}
        told = {"status": _word(good=good), "checks": checks, "couriers": self._site.part(Carrier).health()}
        return JSONResponse(told, 200 if good else 503)

    async def _look(self) -> dict[str, bool]:
        if not await self._clocks_agree():
            return {"clock": False}  # the database is not asked for anything then
        try:
            await self._site.db.write(_touch)
        except Unavailable:
            return {"clock": True, "database": False}
        return {"clock": True, "database": True}


def _word(*, good: bool) -> str:
    return "ok" if good else "fail"


async def _touch(tx: Transaction) -> None:
    # There and back: SQLite writes nothing for an update that changes nothing, and would be content with a full disk.
    await tx.run("UPDATE secret_key SET created_at = created_at + 1")
    await tx.run("UPDATE secret_key SET created_at = created_at - 1")
