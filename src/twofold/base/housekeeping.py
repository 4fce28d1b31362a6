"""Taking out what is over: small batches between other people's transactions, never a pause.

What is over is refused by its time, whether it is still there or not; this only keeps the tables small.
"""

from collections.abc import Sequence

from twofold.base.database import Transaction
from twofold.base.site import Site

_BATCH = 200  # rows a transaction


async def clear_out(site: Site, statements: Sequence[str]) -> int:
    """Run statements (with `:now` and `:most`) until nothing is over; gives how many rows went. Raises Unavailable."""
    gone = 0
    for statement in statements:
        while batch := await site.db.write(_clear, statement, site.clock()):
            gone += batch
    return gone


async def _clear(tx: Transaction, statement: str, now: int) -> int:
    return await tx.run(statement, now=now, most=_BATCH)
