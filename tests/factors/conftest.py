"""A server for tests of phones, which request many codes from one address and leave most of them unused."""

from collections.abc import Iterator

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.phones import FROM_ONE_ADDRESS
from tests.support.service import Service
from tests.support.shifted import ShiftedService


@pytest.fixture(scope="module", params=DATABASES)
def calling(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the same as `moving`, with limits above the codes of a whole file."""
    folder = tmp_path_factory.mktemp("calling")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings=FROM_ONE_ADDRESS) as running:
        yield running
