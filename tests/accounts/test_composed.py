"""Addresses that earlier versions stored uncomposed are composed once; accounts are neither merged nor locked out."""

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clients import PASSWORD
from tests.support.in_process import LocalApp, in_process
from tests.support.service import Service
from twofold.accounts import composed
from twofold.base.database import Database, Transaction, open_database
from twofold.base.database.migrate import PACKAGED, migrate

pytestmark = pytest.mark.anyio

COMPOSED, APART = "caf\u00e9@example.org", "cafe\u0301@example.org"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """Yield a migrated database."""
    opened = await open_database(database_url, serving=False)
    await migrate(opened)
    yield opened
    await opened.close()


async def insert(db: Database, *emails: str) -> None:
    """Add accounts as an earlier version stored them."""

    async def add(tx: Transaction) -> None:
        for number, email in enumerate(emails):
            await tx.run(
                "INSERT INTO account (id, email, password_hash, stamp, administrator, created_at)"
                " VALUES (:id, :email, 'x', 1, 0, 1)",
                id=str(number),
                email=email,
            )

    await db.write(add)


async def emails(db: Database) -> list[str]:
    """Return the stored addresses, by account."""
    rows = await db.read(lambda tx: tx.all("SELECT email FROM account ORDER BY id"))
    return [row["email"] for row in rows]


async def test_emails_are_converted_to_nfc_unless_taken(db: Database) -> None:
    """Others stay as they are."""
    await insert(db, APART, "alice@example.org", "jo\u0308rg@example.org")
    await db.write_long(composed.compose)
    assert await emails(db) == [COMPOSED, "alice@example.org", "j\u00f6rg@example.org"]
    assert await db.read_long(composed.clashes) == []


async def test_accounts_with_colliding_emails_are_kept_and_reported(db: Database) -> None:
    """One sentence for the operator, on whichever side the composed one is."""
    await insert(db, COMPOSED, APART)
    await db.write_long(composed.compose)
    assert await emails(db) == [COMPOSED, APART]
    [sentence] = await db.read_long(composed.clashes)
    assert COMPOSED in sentence
    assert "Ask the user which one to keep" in sentence


async def test_upgrade_converts_emails_to_nfc(database_url: str, tmp_path: Path) -> None:
    """An older database is opened by this version: the address is composed with the schema."""
    *older, last = sorted(PACKAGED.glob("*.sql"))
    for path in older:
        (tmp_path / path.name).write_text(path.read_text("utf-8"))
    db = await open_database(database_url, serving=False)
    await migrate(db, tmp_path)
    await insert(db, APART)
    assert await migrate(db, finish=composed.compose) == [last.stem[5:]]
    assert await emails(db) == [COMPOSED]
    await db.close()


async def sign_in(browser: LocalApp, email: str, password: str) -> int:
    """Return the status of a sign-in."""
    return (await browser.post("/sign-in", {"email": email, "password": password})).status


async def test_both_accounts_with_colliding_emails_can_sign_in(tmp_path: Path) -> None:
    """Each by the spelling with which the account was made; a sign-up in either is a known address."""
    async with in_process(tmp_path) as browser:
        await browser.post("/sign-up", {"email": "later@example.org", "password": PASSWORD})
        await browser.post("/sign-up", {"email": APART, "password": f"{PASSWORD}-2"})
        await browser.twofold.system.site.db.write(
            lambda tx: tx.run(
                "UPDATE account SET email = :email WHERE email = :later", email=APART, later="later@example.org"
            )
        )
        assert await sign_in(browser, APART, PASSWORD) == 303
        assert await sign_in(browser, APART, f"{PASSWORD}-2") == 401
        assert await sign_in(browser, COMPOSED, f"{PASSWORD}-2") == 303
        assert (await browser.post("/sign-up", {"email": APART, "password": PASSWORD})).status == 409


def test_migrate_reports_colliding_emails(tmp_path: Path) -> None:
    """The command says it in one sentence, and says what to do."""
    file = tmp_path / "twofold.sqlite3"
    service = Service(tmp_path, database_url=f"sqlite:///{file}")
    service.command("account", "add", COMPOSED, "--password-file", "-", stdin=PASSWORD)
    service.command("account", "add", "other@example.org", "--password-file", "-", stdin=PASSWORD)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE account SET email = ? WHERE email = ?", (APART, "other@example.org"))
    done = service.command("migrate")
    assert done.returncode == 0
    assert f"Two accounts have the address {COMPOSED}" in done.stderr
    assert service.command("account", "disable", APART).returncode == 0
    listed = json.loads(service.command("account", "list", "--json").stdout)
    assert {each["email"]: each["disabled_at"] is None for each in listed} == {COMPOSED: True, APART: False}
