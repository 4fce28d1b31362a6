"""What is over a limit is refused before it waits for a turn to hash."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD
from tests.support.in_process import in_process
from twofold.base.turns import slots

pytestmark = pytest.mark.anyio

WRONG = {"email": "ada@example.org", "password": "not the password"}


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(
    "settings, path, allowed",
    [
        ({"limit_source": "2/5m"}, "/sign-in", 401),
        ({"limit_passwords": "2 1h..1h"}, "/sign-in", 401),
        ({"limit_sign_ups": "2/1h"}, "/sign-up", 422),
    ],
    ids=["source", "account", "sign-ups"],
)
async def test_attempt_over_a_limit_waits_for_no_turn(
    database: str, settings: dict[str, str], path: str, allowed: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """While others hold all turns, it is not told to come back because the service is busy."""
    url = new_database(database, request, tmp_path)
    fields = WRONG if path == "/sign-in" else {"email": "ada", "password": PASSWORD}
    async with in_process(tmp_path, database_url=url, **settings) as browser, AsyncExitStack() as held:
        for _ in range(2):
            (await browser.post(path, fields)).expect(allowed)
        for number in range(slots()):
            await held.enter_async_context(browser.twofold.system.turn(f"other {number}"))
        (await browser.post(path, fields)).expect(429)
