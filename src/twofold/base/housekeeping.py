"""Taking out what is over: small batches between other people's transactions, never a pause.

What is over is refused by its time, whether it is still there or not; this only keeps the tables small. Of several
processes on one database one does it at a time, and rows that somebody holds are left for the next time.
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

BEGIN_AFTER = 2  # seconds: nobody waits for it, neither the start nor a visitor
MOST = 200  # rows a transaction
_BREATH = 0.01  # seconds between two batches
_LOCK = 0x74776F68  # any number that nobody else takes: "twoh"


@dataclass(frozen=True, slots=True)
class Over:
    """What is over in a table, by a condition that an index answers.

    `:before` is the moment `kept` seconds ago, `:before_id` the lowest sortable id of that moment.
    """

    table: str
    key: str  # column, or columns with commas between
    condition: str
    kept: int = 0

    @property
    def statement(self) -> str:
        """The statement that takes out at most `:most` of them."""
        return f"""
            WITH gone AS MATERIALIZED (
                SELECT {self.key} FROM {self.table} WHERE {self.condition} LIMIT :most FOR UPDATE SKIP LOCKED
            )
            DELETE FROM {self.table} WHERE ({self.key}) IN (SELECT {self.key} FROM gone)
        """  # noqa: S608 - written by the stores


async def clear_out(site: Site, things: Sequence[Over]) -> int:
    """Take out all that is over, unless another process is at it; gives how many rows went. Raises Unavailable."""
    gone = 0
    for over in things:
        while (batch := await site.db.write(_clear, over, site)) == MOST:
            gone += batch
            await asyncio.sleep(_BREATH)
        if batch is None:
            break
        gone += batch
    return gone


async def _clear(tx: Transaction, over: Over, site: Site) -> int | None:
    """Take out one batch; None while another process does."""
    if site.db.dialect == "postgres":  # a SQLite file is served by one process
        taken = await tx.one("SELECT pg_try_advisory_xact_lock(:key) AS mine", key=_LOCK)
        if taken is None or not taken["mine"]:
            return None
    before = site.clock() - over.kept
    return await tx.run(over.statement, before=before, before_id=first_id(before), most=MOST)


async def every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again, first when the service has begun to answer."""
    await asyncio.sleep(BEGIN_AFTER)
    while True:
        try:
            await work()
        except Unavailable:
            _log.warning("housekeeping waits until the database is back")
        except Exception:  # noqa: BLE001 - whatever it is, the next turn is taken
            _log.exception("housekeeping failed")
        await asyncio.sleep(seconds)
