"""Every frequent statement names its account, so that a distributed PostgreSQL answers it from one shard.

A request that arrives with only a token or an address cannot name its account. Those few statements name one row by a
unique key, and are routed by that key; see docs/scaling.md.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest

from tests.support.authenticator import Authenticator
from tests.support.clients import PASSWORD
from tests.support.cluster import Cluster
from tests.support.in_process import LocalApp, in_process
from tests.support.shards import Shards, Statements, listening
from twofold.base.database import Value

EMAIL = "ada@example.com"
OF_ACCOUNT = (
    *("session", "factor", "two_factor", "recovery_code", "browser", "computer"),
    *("sign_in", "completed_step", "live_code", "event", "former_address", "gate_ticket"),
)
KEYS = {"account": "id", **dict.fromkeys(OF_ACCOUNT, "account_id"), "throttle": "key", "outbox": "id"}

SESSION, SIGN_IN, ADDRESS = ("session", "token_hash"), ("sign_in", "token_hash"), ("account", "email")
ROUTED = {  # part of a statement, and the key that routes it
    "FROM session s JOIN account a ON a.id = s.account_id WHERE s.token_hash =": SESSION,  # only the token is known
    "WHERE id = (SELECT account_id FROM session WHERE token_hash =": SESSION,  # the same before a change
    "FROM sign_in s JOIN account a ON a.id = s.account_id": SIGN_IN,  # the same in the code step
    "WHERE id = (SELECT account_id FROM sign_in WHERE token_hash =": SIGN_IN,
    "UPDATE sign_in SET tries = tries + 1 WHERE token_hash =": SIGN_IN,
    "DELETE FROM sign_in WHERE token_hash =": SIGN_IN,
    "LEFT JOIN account a ON email =": ADDRESS,  # users sign in with it
}
TALLIES = "throttle t ON t.key IN"  # of the account, of its known browsers and of the network: three shards
_PEEK = "FROM throttle t WHERE t.key IN"  # the same without the account
QUEUE = ("UPDATE outbox SET outcome", "WITH due AS")  # couriers poll for work on all shards, apart from requests


@pytest.fixture
def database(cluster: Cluster) -> str:
    """Return the address of an empty database on PostgreSQL."""
    return cluster.database()


async def test_every_frequent_statement_stays_on_one_shard(tmp_path: Path, database: str) -> None:
    """Sign-in, session check, unlock and settings changes read one part of each table."""
    hot = await _hot(tmp_path, database)
    async with _shards(database) as shards:
        scattered = [sql for sql in hot if not await _stays(shards, sql, hot[sql])]
    assert not scattered, "\n".join(scattered)
    unused = [words for words in (*ROUTED, TALLIES) if not any(words in _words(sql) for sql in hot)]
    assert not unused, f"no hot statement says that any more: {unused}"


async def test_statement_without_its_account_is_reported(tmp_path: Path, database: str) -> None:
    """A statement that finds its row by another column is reported."""
    async with in_process(tmp_path, database_url=database), _shards(database) as shards:
        where = {"id": "0" * 26, "account_id": "1" * 26}
        assert await _stays(shards, "UPDATE factor SET tries = 0 WHERE id = :id AND account_id = :account_id", where)
        assert not await _stays(shards, "UPDATE factor SET tries = 0 WHERE id = :id", {"id": "0" * 26})
        two = "SELECT id FROM account WHERE id = :id UNION ALL SELECT id FROM factor WHERE account_id = :account_id"
        assert not await _stays(shards, two, where)


async def _hot(folder: Path, database: str) -> Statements:
    """Return the statements that run on either database, with the arguments of PostgreSQL."""
    hot: Statements = {}
    places: dict[str, dict[str, str]] = {"sqlite": {}, "postgres": {"database_url": database}}
    for place, settings in places.items():
        async with in_process(folder / place, **settings) as browser:
            await _call(browser, "POST", "/accounts", email=EMAIL, password=PASSWORD)
            with listening() as heard:
                await _a_day(browser)
            hot |= heard
    return {sql: params for sql, params in hot.items() if not _words(sql).startswith(QUEUE)}


async def _a_day(browser: LocalApp) -> None:
    """Set up 2FA, sign in with a code and on a trusted computer, and unlock settings."""
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


async def _unlocked(browser: LocalApp, token: str, code: str | None = None) -> str:
    answer = await _call(browser, "POST", "/session/unlock", token, password=PASSWORD, code=code)
    return str(answer["session"]["token"])


async def _call(
    browser: LocalApp, method: str, path: str, token: str = "", *, expect: int | None = None, **body: object
) -> Any:  # noqa: ANN401 - JSON may be anything
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await browser.http.request(method, f"/api/v1{path}", headers=headers, json=body or None)
    assert answer.status_code == expect if expect else answer.is_success, answer.text
    return answer.json() if answer.content else None


@asynccontextmanager
async def _shards(database: str) -> AsyncIterator[Shards]:
    """Yield the database in parts: by account, and by each other routing key."""
    connection = await asyncpg.connect(database)
    try:
        shards = Shards(connection)
        await shards.cut("by_account", KEYS)
        for table, key in (SESSION, SIGN_IN, ADDRESS):
            await shards.cut(f"by_{table}_{key}", KEYS | {"account": "id", table: key})
        yield shards
    finally:
        await connection.close()


async def _stays(shards: Shards, sql: str, params: Mapping[str, Value]) -> bool:
    """Return whether a statement reads only one shard: that of its account or of its routing key."""
    door = next((key for words, key in ROUTED.items() if words in _words(sql)), None)
    touched = await shards.touched(f"by_{door[0]}_{door[1]}" if door else "by_account", sql, params)
    most = Counter(throttle=3 if TALLIES in _words(sql) or _PEEK in _words(sql) else 1)
    tables = Counter(table for table, _ in touched)
    of_account = {part for table, part in touched if table in ("account", *OF_ACCOUNT)}
    return all(parts <= most.get(table, 1) for table, parts in tables.items()) and (
        door is not None or len(of_account) <= 1
    )


def _words(sql: str) -> str:
    return " ".join(sql.split())
