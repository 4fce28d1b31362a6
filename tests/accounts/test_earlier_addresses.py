"""Accounts of earlier versions: which of their addresses count as proven is decided once, at the first start."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from twofold.accounts import composed, earlier_addresses, store
from twofold.base.database import Database, Transaction, open_database
from twofold.base.database.migrate import PACKAGED, migrate

pytestmark = pytest.mark.anyio

CREATED = 1_700_000_000
BEFORE = "proven_addresses"  # the migration that added the columns


@pytest.fixture
async def earlier(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Yield a database of the version before, to which accounts can be added."""
    for path in sorted(PACKAGED.glob("*.sql")):
        if path.stem.endswith(BEFORE):
            break
        (tmp_path / path.name).write_text(path.read_text("utf-8"))
    db = await open_database(database_url, serving=False)
    await migrate(db, tmp_path)
    yield db
    await db.close()


async def add(db: Database, *names: str, administrator: bool = False, **events: tuple[str | None, str]) -> None:
    """Add accounts with events: for each name of one, who caused it and from where."""

    async def work(tx: Transaction) -> None:
        for name in names:
            await tx.run(
                "INSERT INTO account (id, email, password_hash, stamp, administrator, created_at)"
                " VALUES (:id, :email, 'x', 1, :administrator, :at)",
                id=name,
                email=f"{name}@example.org",
                administrator=int(administrator),
                at=CREATED,
            )
            for event, (actor, source) in events.items():
                await tx.run(
                    "INSERT INTO event (id, account_id, at, name, outcome, source, agent, data, actor)"
                    " VALUES (:id, :account_id, 1, :name, 'done', :source, '', '{}', :actor)",
                    id=f"{name} {event}",
                    account_id=name,
                    name=event.replace("_", ":"),
                    source=source,
                    actor=actor,
                )

    await db.write(work)


async def proven(db: Database) -> dict[str, int | None]:
    """Return when the address of each account was proven, as its owner sees it."""
    accounts = await db.read(lambda tx: store.all_accounts(tx, after="", limit=10_000))
    return {each.id: each.email_proven_at for each in accounts}


async def fill(db: Database) -> None:
    """Add one account of every kind."""
    await add(db, "signed-up", account_created=("account", "192.0.2.1"))
    await add(db, "before-actors", account_created=(None, "192.0.2.1"))
    await add(db, "without-events")
    await add(db, "added", account_created=("command_line", ""))
    await add(db, "added-before-actors", account_created=(None, ""))
    await add(db, "added-and-changed", account_created=("command_line", ""), email_changed=("account", "192.0.2.1"))
    await add(db, "administrator", administrator=True, account_created=("account", "192.0.2.1"))


async def test_word_of_the_operator_counts_where_mail_is_only_printed(earlier: Database) -> None:
    """Others signed up with any address they liked."""
    await fill(earlier)
    await migrate(earlier)
    assert set((await proven(earlier)).values()) == {None}
    await earlier_addresses.decide(earlier, mail_is_delivered=False)
    decided = await proven(earlier)
    assert {name for name, at in decided.items() if at == CREATED} == {"added", "added-before-actors", "administrator"}
    assert set(decided.values()) == {None, CREATED}


async def test_every_address_counts_where_mail_is_delivered(earlier: Database) -> None:
    """Each came by a mailed link or by the operator, and later changes by a mailed link."""
    await fill(earlier)
    await migrate(earlier)
    await earlier_addresses.decide(earlier, mail_is_delivered=True)
    assert set((await proven(earlier)).values()) == {CREATED}


async def test_decision_is_made_once(earlier: Database) -> None:
    """Configuring mail later proves nothing about accounts from before."""
    await fill(earlier)
    await migrate(earlier)
    await earlier_addresses.decide(earlier, mail_is_delivered=False)
    decided = await proven(earlier)
    await earlier_addresses.decide(earlier, mail_is_delivered=True)
    assert await proven(earlier) == decided
    await add(earlier, "by-an-earlier-node")
    assert (await proven(earlier))["by-an-earlier-node"] is None
    await earlier_addresses.decide(earlier, mail_is_delivered=True)
    assert (await proven(earlier))["by-an-earlier-node"] == CREATED


async def test_nodes_that_start_at_once_decide_for_every_account(earlier: Database, database_url: str) -> None:
    """Each continues until no account is left, even if another node decides for a page."""
    await add(earlier, *(f"person-{number}" for number in range(1_200)))
    await migrate(earlier)
    other = earlier if database_url.startswith("sqlite") else await open_database(database_url, serving=False)
    await asyncio.gather(*(earlier_addresses.decide(each, mail_is_delivered=True) for each in (earlier, other)))
    decided = await proven(earlier)
    assert (len(decided), set(decided.values())) == (1_200, {CREATED})
    if other is not earlier:
        await other.close()


async def test_composed_address_stays_proven(earlier: Database) -> None:
    """The proof names the address in the form in which it is stored."""
    await add(earlier, "cafe\u0301")
    await migrate(earlier)
    await earlier_addresses.decide(earlier, mail_is_delivered=True)
    await earlier.write_long(composed.compose)
    [account] = await earlier.read(lambda tx: store.all_accounts(tx, after="", limit=1))
    assert (account.email, account.email_for_applications) == ("caf\u00e9@example.org",) * 2
