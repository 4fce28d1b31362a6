"""The event table, whose rows are never changed."""

import msgspec

from twofold.base.actors import ActorKind
from twofold.base.database import Transaction
from twofold.base.housekeeping import Expiry
from twofold.config import Config

_INSERT = "INSERT INTO event (id, account_id, at, name, outcome, source, agent, data, actor, actor_id)"
_VALUES = ":id, :account_id, :at, :name, :outcome, :source, :agent, :data, :actor, :actor_id"
# Events of earlier versions have no actor; an empty source stood for the command line.
_ACTOR = "CASE WHEN actor IS NOT NULL THEN actor WHEN source = '' THEN 'command_line' ELSE 'account' END"
_ACTOR_ID = "CASE WHEN actor IS NULL AND source <> '' THEN account_id ELSE actor_id END"
_ALIKE = """
    SELECT 1 FROM event WHERE account_id = :account_id AND id >= :since_id AND name = :name AND outcome = :outcome
"""


def expiry(config: Config) -> Expiry:
    """Return the expiry of events; ids sort by time, so the deletion needs no other index."""
    return Expiry("event", "id", "id < :before_id", kept=config.keep_events)


class Entry(msgspec.Struct, frozen=True):
    """An event, and who caused it; `at` is epoch seconds, `data` is JSON."""

    id: str
    account_id: str | None
    at: int
    name: str
    outcome: str
    source: str
    agent: str
    data: str
    actor: ActorKind
    actor_id: str | None

    @property
    def is_own(self) -> bool:
        """Return whether the account caused the event itself."""
        return self.actor is ActorKind.ACCOUNT and self.actor_id == self.account_id

    @property
    def client(self) -> tuple[str, str]:
        """Return the address and program to show to the account; never those of another person."""
        return (self.source, self.agent) if self.is_own or self.actor is ActorKind.COMMAND_LINE else ("", "")


async def insert(tx: Transaction, entry: Entry) -> None:
    """Insert an event."""
    tx.later(f"{_INSERT} VALUES ({_VALUES})", **_values(entry))


async def insert_bounded(tx: Transaction, entry: Entry, *, since_id: str, most: int, max_from_source: int) -> None:
    """Insert an event of an account, unless there are enough since `since_id`."""
    tx.later(
        f"""
        {_INSERT} SELECT {_VALUES}
        WHERE (SELECT COUNT(*) FROM ({_ALIKE} LIMIT :most) alike) < :most
          AND (SELECT COUNT(*) FROM ({_ALIKE} AND source = :source LIMIT :max_from_source) alike) < :max_from_source
        """,  # noqa: S608 - written above
        **_values(entry),
        since_id=since_id,
        most=most,
        max_from_source=max_from_source,
    )


async def has_alike(tx: Transaction, account_id: str, name: str, outcome: str, *, since_id: str) -> bool:
    """Return whether an account has an event of this name and outcome since `since_id`."""
    row = await tx.one(f"{_ALIKE} LIMIT 1", account_id=account_id, name=name, outcome=outcome, since_id=since_id)
    return row is not None


def _values(entry: Entry) -> dict[str, str | int | None]:
    return {name: getattr(entry, name) for name in Entry.__struct_fields__}


async def remove_personal_data(tx: Transaction, account_id: str) -> None:
    """Empty the columns of an account's events that may describe a person."""
    tx.later(
        f"""
        UPDATE event SET source = '', agent = '', data = '{{}}', actor = {_ACTOR}, actor_id = {_ACTOR_ID}
        WHERE account_id = :account_id
        """,  # noqa: S608 - written above
        account_id=account_id,
    )


async def of_account(tx: Transaction, account_id: str, *, before: str, limit: int) -> list[Entry]:
    """Return an account's events with ids below `before`, newest first."""
    rows = await tx.all(
        f"""
        SELECT id, account_id, at, name, outcome, source, agent, data, {_ACTOR} AS actor, {_ACTOR_ID} AS actor_id
        FROM event WHERE account_id = :account_id AND id < :before ORDER BY id DESC LIMIT :limit
        """,  # noqa: S608 - written above
        account_id=account_id,
        before=before,
        limit=limit,
    )
    return [Entry(**{**row, "actor": ActorKind(row["actor"])}) for row in rows]
