"""A database of an earlier version: every account has a username afterwards, and everybody stays signed in."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from time import time

import pytest

from tests.support.clients import Api
from tests.support.in_process import nodes_on
from tests.support.service import Service
from twofold.accounts import composed
from twofold.accounts.usernames import actions as usernames
from twofold.accounts.usernames.rules import UsernameKey
from twofold.base.database import Database, Row, Transaction, open_database
from twofold.base.database.migrate import PACKAGED, migrate
from twofold.base.ids import token_hash

pytestmark = pytest.mark.anyio

BEFORE = 6  # the schema of the oldest version that is upgraded in the tests
FORM = re.compile("[a-z0-9][a-z0-9._-]{0,63}")
LOCAL_PARTS = {
    "alice": "alice",
    "admin": "admin2",
    "o'brien": "obrien",
    "j\u00f6rg": "jorg",
    "\u6f22\u5b57": "user2",
    "_": "user3",
    "x" * 64: "x" * 64,
}
TOKEN = "t" * 43
CROWD = 60  # accounts with the same local part
INSERT = """
    INSERT INTO account (id, email, password_hash, stamp, administrator, created_at)
    VALUES (:id, :email, 'x', 1, :administrator, :created_at)
"""


async def insert(tx: Transaction, number: int, email: str, administrator: int = 0) -> None:
    """Add an account as the previous version does."""
    account_id = f"{number:026}"
    await tx.run(INSERT, id=account_id, email=email, administrator=administrator, created_at=number)


async def populate(tx: Transaction) -> None:
    """Add accounts with all kinds of local parts, an administrator, and a crowd."""
    for number, local in enumerate(LOCAL_PARTS):
        await insert(tx, number, f"{local}@example.org", administrator=int(local == "alice"))
    for number in range(100, 100 + CROWD):
        await insert(tx, number, f"info@{number}.example.org")


async def migrate_to(db: Database, folder: Path, version: int = BEFORE) -> None:
    """Migrate to an earlier version."""
    copy_migrations(folder, version)
    await migrate(db, folder)


def copy_migrations(folder: Path, version: int) -> None:
    """Copy the migrations up to a version."""
    folder.mkdir()
    for path in sorted(PACKAGED.glob("*.sql"))[:version]:
        (folder / path.name).write_text(path.read_text("utf-8"))


async def accounts(db: Database) -> list[Row]:
    """Return all accounts, oldest first."""
    return await db.read(lambda tx: tx.all("SELECT id, email, username, role FROM account ORDER BY created_at"))


@pytest.fixture
async def old(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Return a populated database of an earlier version."""
    db = await open_database(database_url, serving=False)
    await migrate_to(db, tmp_path / "before")
    await db.write(populate)
    yield db
    await db.close()


async def test_every_account_gets_a_username_of_its_own(old: Database, database_url: str, tmp_path: Path) -> None:
    """Made of the address, with a number where another has it or where it is reserved; the oldest comes first."""
    async with nodes_on(tmp_path, database_url, 1):
        rows = await accounts(old)
    named = {row["email"].partition("@")[0]: row["username"] for row in rows[: len(LOCAL_PARTS)]}
    assert named == LOCAL_PARTS
    crowd = [row["username"] for row in rows[len(LOCAL_PARTS) :]]
    assert crowd[:3] == ["info2", "info3", "info4"]
    assert all(re.fullmatch(r"info\d{1,4}", each) for each in crowd)
    names = Counter(row["username"] for row in rows)
    assert names.most_common(1)[0][1] == 1
    assert all(FORM.fullmatch(name) for name in names)
    claims = await old.read(lambda tx: tx.all("SELECT account_id FROM username_claim"))
    assert sorted(row["account_id"] for row in claims) == sorted(row["id"] for row in rows)


async def test_administrators_become_owners(old: Database, database_url: str, tmp_path: Path) -> None:
    """Everybody else is a member."""
    async with nodes_on(tmp_path, database_url, 1):
        roles = {row["email"]: row["role"] for row in await accounts(old)}
    assert roles.pop("alice@example.org") == "owner"
    assert set(roles.values()) == {"member"}


async def test_interrupted_upgrade_continues_at_the_next_start(
    old: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Usernames that were assigned stay, and the others follow."""
    monkeypatch.setattr(usernames, "_PAGE", 5)
    calls = 0
    complete_page = usernames._complete_page

    async def fail_at_the_third_page(tx: Transaction, key: UsernameKey) -> None:
        nonlocal calls
        calls += 1
        await complete_page(tx, key)
        if calls == 3:
            raise RuntimeError("killed")

    monkeypatch.setattr(usernames, "_complete_page", fail_at_the_third_page)
    with pytest.raises(RuntimeError, match="killed"):
        async with nodes_on(tmp_path, database_url, 1):
            pass
    before = {row["id"]: row["username"] for row in await accounts(old) if row["username"]}
    assert len(before) == 10
    async with nodes_on(tmp_path, database_url, 1):
        after = {row["id"]: row["username"] for row in await accounts(old)}
    assert None not in after.values()
    assert before.items() <= after.items()


async def test_two_nodes_that_start_at_once_assign_each_username_once(
    old: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No account claims two names."""
    monkeypatch.setattr(usernames, "_PAGE", 5)
    await migrate(old, finish=composed.compose)
    async with nodes_on(tmp_path, database_url, 2):
        claims = await old.read(lambda tx: tx.all("SELECT account_id FROM username_claim"))
        assert len(claims) == len(await accounts(old))


async def test_account_added_by_the_previous_version_gets_username_and_role(
    old: Database, database_url: str, tmp_path: Path
) -> None:
    """On PostgreSQL at once, since older nodes may go on serving; on SQLite at the start of this version."""
    async with nodes_on(tmp_path, database_url, 1):
        await old.write(insert, 900, "\u00e9.late+x@example.org", administrator=1)
        await old.write(insert, 901, "\u6f22@example.org")
        late = (await accounts(old))[-2:]
    if old.dialect == "postgres":
        assert re.fullmatch(r"latex\d{8}", late[0]["username"])
        assert re.fullmatch(r"user\d{8}", late[1]["username"])
        assert [row["role"] for row in late] == ["owner", "member"]
    async with nodes_on(tmp_path, database_url, 1):
        after = (await accounts(old))[-2:]
    assert [row["role"] for row in after] == ["owner", "member"]
    assert all(FORM.fullmatch(row["username"]) for row in after)
    if old.dialect == "postgres":
        assert [row["username"] for row in after] == [row["username"] for row in late]


async def open_a_session(tx: Transaction, now: int) -> None:
    """Sign the oldest account in, as the previous version does."""
    await tx.run(
        """
        INSERT INTO session (token_hash, id, account_id, name, source, methods, signed_in_at, last_used_at, expires_at,
                             unlocked_until)
        VALUES (:token_hash, :id, :account_id, 'Firefox on Linux', '192.0.2.1', 'password', :now, :now, :now + 3600, 0)
        """,
        token_hash=token_hash(TOKEN),
        id="s" * 26,
        account_id=f"{0:026}",
        now=now,
    )


async def test_session_of_an_earlier_version_stays_signed_in(old: Database, database_url: str, tmp_path: Path) -> None:
    """Its token is good after the upgrade, and shows who the account is to others."""
    await old.write(open_a_session, int(time()))
    with Service(tmp_path, database_url=database_url) as service, Api(service.url) as api:
        api.token = TOKEN
        account = api.session().expect(200)["account"]
    assert (account["username"], account["name"], account["groups"]) == ("alice", "alice", [])
    assert (account["role"], account["administrator"]) == ("owner", True)


async def test_migrate_command_assigns_usernames_where_the_keys_are(
    old: Database, database_url: str, tmp_path: Path
) -> None:
    """Without the keys of the service it migrates the schema, and the next start assigns them."""
    service = Service(tmp_path, database_url=database_url)
    assert service.command("migrate").returncode == 0
    assert {row["username"] for row in await accounts(old) if row["username"]} == set()
    service.settings["secret_keys"] = f"k1:{'A' * 43}"
    assert service.command("migrate").returncode == 0
    assert None not in {row["username"] for row in await accounts(old)}
