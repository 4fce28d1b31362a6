"""The routes and the periodic work of an open site."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any

from twofold.assembly import close_site, save_recorded
from twofold.base.database.clock_guard import ClockGuard
from twofold.base.housekeeping import BEGIN_AFTER, every, purge
from twofold.base.site import Site
from twofold.base.web.endpoints import ENDPOINTS
from twofold.base.web.router import RouteTable, make_router
from twofold.base.web.templates import Templates
from twofold.couriers.sender import Sender
from twofold.features import FEATURES

_log = logging.getLogger("twofold")
_WRITE_EVERY = 20  # seconds between two batches of last uses and sightings
_PURGE_EVERY = 600
_CHECK_CLOCKS_EVERY = 5
ROUTES = RouteTable((*FEATURES.routes, *FEATURES.endpoints, *ENDPOINTS))


class Running:
    """An open site with its routes and its periodic work."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.answer = make_router(ROUTES, site)
        self._tasks = [asyncio.create_task(task) for task in _periodic_work(site)]
        site.part(Sender).start()

    def clocks_agree(self) -> bool:
        """Return whether the clock of this process agrees with the database's."""
        return not isinstance(self.site.db, ClockGuard) or self.site.db.agrees

    async def close(self) -> None:
        """End the periodic work and close the site."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close_site(self.site)


def _periodic_work(site: Site) -> Iterator[Coroutine[Any, Any, None]]:
    yield _warm_up(site.part(Templates))
    yield every(_WRITE_EVERY, partial(save_recorded, site))
    yield every(_PURGE_EVERY, partial(purge, site, FEATURES.expiries(site.config)))
    if isinstance(site.db, ClockGuard):
        yield every(_CHECK_CLOCKS_EVERY, site.db.check)


async def _warm_up(templates: Templates) -> None:
    await asyncio.sleep(BEGIN_AFTER)
    try:
        await asyncio.to_thread(templates.warm_up)
    except Exception:  # noqa: BLE001 - a request for the page reports it, too
        _log.exception("a template is broken")
