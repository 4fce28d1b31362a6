"""L04: anonymous floods of a scarce resource do not take it from others, and refused requests store nothing.

The attacks are those of `bin/bench --flood`. What became of the requests is asserted, never how long they took.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from bench.attackers import SOURCES, Crowd
from bench.attacks import ATTACKS, ORIGIN, Attack, Scarce
from bench.stages import heard_by, start_attackers
from bench.visitors import make_visitors, paced
from tests.conftest import DATABASES, new_database
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from twofold.base.database import Dialect, Row, Transaction, open_database

SCARCE = get_args(Scarce)
AS_SHIPPED = {"base_url": ORIGIN, "limit_source": "10/5m 50/1h", "limit_sign_ups": "60/1h"}
SOON_OVER = {"base_url": ORIGIN, "limit_source": "3/5m", "limit_sign_ups": "3/1h"}
VISITORS, MAX_WAIT = 10, 30.0
EVERY, ARRIVING = 0.4, 4.0  # seconds between two honest sign-ins, and for which they are begun
WARM_UP = 25 * SOURCES  # requests of each attack: beyond every limit of its source, and the 20 noted refusals an hour
MORE = 30  # requests of each attack, none of which may leave a row
NOTED_ELSEWHERE = {"sighting"}  # one row for each kind of sighting, written later


def attacks_on(scarce: Scarce) -> list[Attack]:
    """Return the attacks on one resource."""
    return [attack for attack in ATTACKS if attack.scarce == scarce]


# ------------------------------------------------------------------ honest people


@pytest.mark.parametrize("scarce", SCARCE)
async def test_honest_sign_ins_succeed_during_a_flood(database_url: str, tmp_path: Path, scarce: Scarce) -> None:
    """While 200 anonymous connections flood one resource, nine of ten honest sign-ins from elsewhere succeed.

    The flood lasts until all of them are answered; otherwise, a service that makes them wait for its end would pass.
    """
    served = Service if scarce == "hash queue" else ShiftedService  # which hashes at almost no cost
    with served(tmp_path, database_url=database_url, settings=AS_SHIPPED) as service:
        visitors = iter(await make_visitors(service.port, VISITORS, MAX_WAIT))
        attackers = await start_attackers(service.port, ARRIVING + MAX_WAIT, attacks_on(scarce))
        tries = await paced(lambda: next(visitors).sign_in(service.port), EVERY, ARRIVING)
        heard, _ = await heard_by(attackers)
    assert all(heard.values()), f"some attackers did nothing: {heard}"
    statuses = Counter(each.status for each in tries)
    succeeded = statuses[200] + statuses[303]  # by the API and by the form
    assert succeeded >= 0.9 * len(tries), f"honest people got {statuses}, the attackers {heard}"


# ------------------------------------------------------------------ rows


@pytest.fixture(scope="module", params=DATABASES)
def strict(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a server with low limits per source."""
    folder = tmp_path_factory.mktemp("strict")
    with Service(folder, database_url=new_database(request.param, request, folder), settings=SOON_OVER) as running:
        yield running


@pytest.mark.parametrize("scarce", SCARCE)
async def test_refused_requests_create_no_rows(strict: Service, scarce: Scarce) -> None:
    """Once a source is over its limits, none of its requests creates a row in any table."""
    attacks = [attack for attack in attacks_on(scarce) if attack.pieces and not attack.pause]
    crowd = Crowd(strict.port, 10 + SCARCE.index(scarce), attacks)
    await attack_until(crowd, lambda: fewest_judged(crowd) >= WARM_UP)
    before, judged_before = await rows(strict), fewest_judged(crowd)
    await attack_until(crowd, lambda: fewest_judged(crowd) >= judged_before + MORE)
    after = await rows(strict)
    assert {table: after[table] - before[table] for table in after if after[table] > before[table]} == {}, crowd.heard


async def attack_until(crowd: Crowd, reached: Callable[[], bool]) -> None:
    """Attack second by second until enough was answered, for at most a minute, then wait for all open requests."""
    for _ in range(60):
        await crowd.attack(connections=2 * SOURCES * len(crowd.heard), seconds=1.0, grace=MAX_WAIT)
        if reached():
            return
    pytest.fail(f"the attackers heard too little: {crowd.heard}")


def fewest_judged(crowd: Crowd) -> int:
    """Return the smallest number, over all attacks, of requests that were not refused unread for lack of room."""
    return min(sum(heard.values()) - heard["503"] for heard in crowd.heard.values())


async def rows(service: Service) -> dict[str, int]:
    """Count the rows of each table."""
    database = await open_database(service.settings["database_url"], serving=False)
    try:
        names = [str(row["name"]) for row in await database.read(tables, database.dialect)]
        return {name: await database.read(count, name) for name in names if name not in NOTED_ELSEWHERE}
    finally:
        await database.close()


async def tables(tx: Transaction, dialect: Dialect) -> list[Row]:
    """List the tables of a database."""
    if dialect == "sqlite":
        return await tx.all("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return await tx.all("SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()")


async def count(tx: Transaction, table: str) -> int:
    """Count the rows of one table."""
    row = await tx.one(f"SELECT count(*) AS many FROM {table}")  # noqa: S608 - a name of our owns
    return int(row["many"]) if row else 0
