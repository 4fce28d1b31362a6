"""Health checks: `/healthz` tests only the process, `/readyz` a durable transaction."""

import asyncio
import time

from starlette.responses import JSONResponse, Response

from twofold.base.database import Transaction
from twofold.base.database.clock_guard import ClockGuard
from twofold.base.outbox import DeliveryPort
from twofold.base.problems import Unavailable
from twofold.base.site import Site
from twofold.base.web.context import Context
from twofold.base.web.routes import Endpoint

_REUSED_FOR = 2.0  # seconds that a result is reused, so that frequent checks cost little


async def alive(_ctx: Context) -> Response:
    """Answer 200 while the process runs."""
    return JSONResponse({"status": "ok"})


class Readiness:
    """Answers `/readyz`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._results: dict[str, bool] = {}
        self._checked_at = float("-inf")
        self._checking = asyncio.Lock()

    async def __call__(self, _ctx: Context) -> Response:
        """Answer 200 if the clocks agree and the database accepts a durable write. Never show error texts.

        Couriers are reported but do not count: a gateway that is down must not take every node out of service, since
        messages wait in the outbox.
        """
        async with self._checking:  # concurrent checks share one write
            if time.monotonic() - self._checked_at > _REUSED_FOR:
                self._results = await self._check()
                self._checked_at = time.monotonic()
        good = all(self._results.values())
        checks = {name: _word(good=result) for name, result in self._results.items()}
        couriers = self._site.part(DeliveryPort).health()
        return JSONResponse({"status": _word(good=good), "checks": checks, "couriers": couriers}, 200 if good else 503)

    async def _check(self) -> dict[str, bool]:
        if isinstance(self._site.db, ClockGuard) and not await self._site.db.check():
            return {"clock": False}  # a guarded database refuses all work then
        try:
            await self._site.db.write(_touch)
        except Unavailable:
            return {"clock": True, "database": False}
        return {"clock": True, "database": True}


def _word(*, good: bool) -> str:
    return "ok" if good else "fail"


async def _touch(tx: Transaction) -> None:
    # Two changes, since SQLite writes nothing for an update without a change, and would not notice a full disk.
    await tx.run("UPDATE secret_key SET created_at = created_at + 1")
    await tx.run("UPDATE secret_key SET created_at = created_at - 1")


ENDPOINTS = (
    Endpoint(method="GET", path="/healthz", make=lambda _site: alive),
    Endpoint(method="GET", path="/readyz", make=Readiness),
)
