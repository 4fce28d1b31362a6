"""Delete expired rows in small batches, so that no other transaction has to wait.

An expired row is never accepted, even before it is deleted; deletion only keeps the tables small. If several processes
share a database, one deletes at a time. Locked rows are left for the next run.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from twofold.base.database import Transaction
from twofold.base.ids import first_id
from twofold.base.problems import Unavailable
from twofold.base.site import Site

_log = logging.getLogger("twofold")

BEGIN_AFTER = 2  # seconds, so that neither the start nor a first request has to wait
BATCH = 200  # rows per transaction
_PAUSE = 0.01  # seconds between two batches
_LOCK = 0x74776F68  # an arbitrary number: "twoh"


@dataclass(frozen=True, slots=True)
class Expiry:
    """The expired rows of a table, by a condition that an index covers.

    `:before` is the moment `kept` seconds ago, `:before_id` the lowest sortable id of that moment.
    """

    table: str
    key: str  # one or more columns, separated by commas
    condition: str
    kept: int = 0

    @property
    def statement(self) -> str:
        """The statement that deletes at most `:most` of these rows."""
        return f"""
            WITH gone AS MATERIALIZED (
                SELECT {self.key} FROM {self.table} WHERE {self.condition} LIMIT :most FOR UPDATE SKIP LOCKED
            )
            DELETE FROM {self.table} WHERE ({self.key}) IN (SELECT {self.key} FROM gone)
        """  # noqa: S608 - written by the stores


async def purge(site: Site, expiries: Sequence[Expiry]) -> int:
    """Delete all expired rows, unless another process does, and return how many. Raise Unavailable."""
    deleted = 0
    for each in expiries:
        while (batch := await site.db.write(_delete, each, site)) == BATCH:
            deleted += batch
            await asyncio.sleep(_PAUSE)
        if batch is None:
            break
        deleted += batch
    return deleted


async def _delete(tx: Transaction, expiry: Expiry, site: Site) -> int | None:
    """Delete one batch; return None while another process does."""
    if site.db.dialect == "postgres":  # a SQLite file is served by one process
        lock = await tx.one("SELECT pg_try_advisory_xact_lock(:key) AS mine", key=_LOCK)
        if lock is None or not lock["mine"]:
            return None
    before = site.clock() - expiry.kept
    return await tx.run(expiry.statement, before=before, before_id=first_id(before), most=BATCH)


async def every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Repeat `work`, starting shortly after the service."""
    await asyncio.sleep(BEGIN_AFTER)
    while True:
        try:
            await work()
        except Unavailable:
            _log.warning("housekeeping is waiting for the database")
        except Exception:  # noqa: BLE001 - the loop must continue after any failure
            _log.exception("housekeeping failed")
        await asyncio.sleep(seconds)
