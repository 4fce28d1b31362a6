"""The event table: written once, never changed."""

import msgspec

from twofold.base.database import Transaction
from twofold.base.housekeeping import Over
from twofold.config import Config


def over(config: Config) -> Over:
    """Tell which events are older than the operator keeps them; ids sort by time, so that this needs no index."""
    return Over("event", "id", "id < :before_id", kept=config.keep_events)


class Entry(msgspec.Struct, frozen=True):
    """One event; `at` is epoch seconds, `data` is JSON."""

    id: str
    account_id: str | None
    at: int
    name: str
    outcome: str
    source: str
    agent: str
    data: str


async def insert(tx: Transaction, entry: Entry) -> None:
    """Write one event."""
    await tx.run(
        """
        INSERT INTO event (id, account_id, at, name, outcome, source, agent, data)
        VALUES (:id, :account_id, :at, :name, :outcome, :source, :agent, :data)
        """,
        id=entry.id,
        account_id=entry.account_id,
        at=entry.at,
        name=entry.name,
        outcome=entry.outcome,
        source=entry.source,
        agent=entry.agent,
        data=entry.data,
    )


async def of_account(tx: Transaction, account_id: str, *, before: str, limit: int) -> list[Entry]:
    """List an account's events, newest first, older than the event `before`."""
    rows = await tx.all(
        """
        SELECT id, account_id, at, name, outcome, source, agent, data FROM event
        WHERE account_id = :account_id AND id < :before ORDER BY id DESC LIMIT :limit
        """,
        account_id=account_id,
        before=before,
        limit=limit,
    )
    return [Entry(**row) for row in rows]
