"""Every hot statement names its account, so that a distributed PostgreSQL answers it from one shard.

Who comes through a door brings a secret or an address, and nothing else tells whose it is: those few statements name
one row by a key that is unique, and are routed by that key. docs/scaling.md tells how.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest

from tests.authenticator import Authenticator
from tests.clients import PASSWORD
from tests.cluster import Cluster
from tests.inside import Inside, inside
from tests.shards import Shards, Statements, listening
from twofold.base.database import Value

EMAIL = "ada@example.com"
OF_ACCOUNT = (
    *("session", "factor", "two_factor", "recovery_code", "browser", "computer"),
    *("sign_in", "live_code", "event", "former_address"),
)
KEYS = {"account": "id", **dict.fromkeys(OF_ACCOUNT, "account_id"), "throttle": "key", "outbox": "id"}

SESSION, SIGN_IN, ADDRESS = ("session", "token_hash"), ("sign_in", "token_hash"), ("account", "email")
DOORS = {  # words of a statement, and what it is routed by
    "FROM session s JOIN account a ON a.id = s.account_id WHERE s.token_hash =": SESSION,  # its token is all there is
    "WHERE id = (SELECT account_id FROM session WHERE token_hash =": SESSION,  # and before a change
    "FROM sign_in s JOIN account a ON a.id = s.account_id WHERE s.token_hash =": SIGN_IN,  # so it is in the code step
    "WHERE id = (SELECT account_id FROM sign_in WHERE token_hash =": SIGN_IN,
    "UPDATE sign_in SET tries = tries + 1 WHERE token_hash =": SIGN_IN,
    "DELETE FROM sign_in WHERE token_hash =": SIGN_IN,
    "FROM account WHERE email =": ADDRESS,  # with which people sign in
}
TALLIES = "FROM throttle WHERE key IN"  # of the account and of the network: two shards
QUEUE = ("UPDATE outbox SET outcome", "WITH due AS")  # couriers look for work, behind everybody's back, on all shards


@pytest.fixture
def database(cluster: Cluster) -> str:
    """The address of an empty database on PostgreSQL."""
    return cluster.database()


async def test_every_hot_statement_stays_on_one_shard(tmp_path: Path, database: str) -> None:
    """Whatever signs in, is checked, unlocks and changes settings looks into one part of each table."""
    hot = await _hot(tmp_path, database)
    async with _shards(database) as shards:
        scattered = [sql for sql in hot if not await _stays(shards, sql, hot[sql])]
    assert not scattered, "\n".join(scattered)
    unused = [words for words in (*DOORS, TALLIES) if not any(words in _words(sql) for sql in hot)]
    assert not unused, f"no hot statement says that any more: {unused}"


async def test_a_statement_without_its_account_is_found(tmp_path: Path, database: str) -> None:
    """The same judgement refuses what finds its row by another name."""
    async with inside(tmp_path, database_url=database), _shards(database) as shards:
        where = {"id": "0" * 26, "account_id": "1" * 26}
        assert await _stays(shards, "UPDATE factor SET tries = 0 WHERE id = :id AND account_id = :account_id", where)
        assert not await _stays(shards, "UPDATE factor SET tries = 0 WHERE id = :id", {"id": "0" * 26})
        two = "SELECT id FROM account WHERE id = :id UNION ALL SELECT id FROM factor WHERE account_id = :account_id"
        assert not await _stays(shards, two, where)


async def _hot(folder: Path, database: str) -> Statements:
    """What runs on either database; where both run the same, with what PostgreSQL was given."""
    hot: Statements = {}
    places: dict[str, dict[str, str]] = {"sqlite": {}, "postgres": {"database_url": database}}
    for place, settings in places.items():
        async with inside(folder / place, **settings) as browser:
            await _call(browser, "POST", "/accounts", email=EMAIL, password=PASSWORD)
            with listening() as heard:
                await _a_day(browser)
            hot |= heard
    return {sql: params for sql, params in hot.items() if not _words(sql).startswith(QUEUE)}


async def _a_day(browser: Inside) -> None:
    """Two-factor authentication is set up; then a sign-in with a code, one on the trusted computer, and unlocking."""
    begun = await _call(browser, "POST", "/sign-in", email=EMAIL, password=PASSWORD)
    token = await _unlocked(browser, begun["session"]["token"])
    factor = await _call(browser, "POST", "/factors", token, kind="totp")
    path, app = f"/factors/{factor['id']}", Authenticator(factor["secret"], browser.clock)
    await _call(browser, "POST", f"{path}/verify", token, code=app.wrong_code(), expect=401)
    await _call(browser, "POST", f"{path}/verify", token, code=app.code())
    await _call(browser, "PUT", "/two-factor", token, policy="once_per_computer", default_factor_id=factor["id"])
    await _call(browser, "PATCH", path, token, name="Phone")
    browser.clock.now += 60
    half = (await _call(browser, "POST", "/sign-in", email=EMAIL, password=PASSWORD))["sign_in"]
    await _call(browser, "POST", "/sign-in/code", sign_in=half, code=app.wrong_code(), expect=401)
    done = await _call(browser, "POST", "/sign-in/code", sign_in=half, code=app.code(), trust_this_computer=True)
    computer = done["trusted_computer"]["token"]
    await _call(browser, "POST", "/sign-in", email=EMAIL, password=PASSWORD, trusted_computer=computer)
    browser.clock.now += 1800
    await _call(browser, "GET", "/session", done["session"]["token"])
    await _unlocked(browser, done["session"]["token"], code=app.code())


async def _unlocked(browser: Inside, token: str, code: str | None = None) -> str:
    answer = await _call(browser, "POST", "/session/unlock", token, password=PASSWORD, code=code)
    return str(answer["session"]["token"])


async def _call(
    browser: Inside, method: str, path: str, token: str = "", *, expect: int | None = None, **body: object
) -> Any:  # noqa: ANN401 - JSON may be anything
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await browser.http.request(method, f"/api/v1{path}", headers=headers, json=body or None)
    assert answer.status_code == expect if expect else answer.is_success, answer.text
    return answer.json() if answer.content else None


@asynccontextmanager
async def _shards(database: str) -> AsyncIterator[Shards]:
    """The database in parts: by account, and for each door by what it is routed by."""
    connection = await asyncpg.connect(database)
    try:
        shards = Shards(connection)
        await shards.cut("by_account", KEYS)
        for table, key in (SESSION, SIGN_IN, ADDRESS):
            await shards.cut(f"by_{table}_{key}", {"account": "id", table: key})
        yield shards
    finally:
        await connection.close()


async def _stays(shards: Shards, sql: str, params: Mapping[str, Value]) -> bool:
    """Tell whether a statement looks into one shard: its account's, or the one that its door leads to."""
    door = next((key for words, key in DOORS.items() if words in _words(sql)), None)
    touched = await shards.touched(f"by_{door[0]}_{door[1]}" if door else "by_account", sql, params)
    most = 2 if TALLIES in _words(sql) else 1
    tables = Counter(table for table, _ in touched)
    of_account = {part for table, part in touched if table in ("account", *OF_ACCOUNT)}
    return all(parts <= most for parts in tables.values()) and (door is not None or len(of_account) <= 1)


def _words(sql: str) -> str:
    return " ".join(sql.split())
