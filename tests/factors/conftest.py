"""A server on which phones are tried: all codes come from one address, and most of them are never used."""

from collections.abc import Iterator

import pytest

from tests.conftest import DATABASES, new_database
from tests.phones import FROM_ONE_ADDRESS
from tests.service import Service
from tests.shifted import ShiftedService


@pytest.fixture(scope="module", params=DATABASES)
def calling(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """As `moving`, with room for the codes of a whole file."""
    folder = tmp_path_factory.mktemp("calling")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings=FROM_ONE_ADDRESS) as running:
        yield running
