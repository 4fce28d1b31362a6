"""One instance with a gate for each file and database."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.gate import Gate, open_gate


@pytest.fixture(scope="module", params=DATABASES)
async def gate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gate]:
    """Yield an instance with a gate, shared by the tests of one file, which run once on each database."""
    folder = tmp_path_factory.mktemp("gate")
    async with open_gate(folder, database_url=new_database(request.param, request, folder)) as opened:
        yield opened


@pytest.fixture(scope="module")
async def sqlite_gate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gate]:
    """Yield the same on SQLite alone, for tests to which the database does not matter."""
    async with open_gate(tmp_path_factory.mktemp("gate")) as opened:
        yield opened
