"""Fixtures for every test: both databases and the real server; and the order of the files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.support.clients import Api
from tests.support.cluster import Cluster
from tests.support.programs import need
from tests.support.run_order import Order
from tests.support.service import Service
from tests.support.shifted import ShiftedService

DATABASES = ["sqlite", "postgres"]

# How long one example takes is the machine's affair, not a promise; a full run tries ten times as many.
settings.register_profile("suite", deadline=None, max_examples=1000 if os.environ.get("FULL") == "1" else 100)
# Of a mutant, the first failure is enough.
settings.register_profile(
    "mutants", settings.get_profile("suite"), phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False
)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Put the files in order and, for `bin/test --quick`, choose among the tests."""
    config.pluginmanager.register(Order(quick=os.environ.get("QUICK") == "1"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def full() -> bool:
    """Return whether to use the large counts in full (`bin/test --full`), or only a tenth of them."""
    return os.environ.get("FULL") == "1"


# ------------------------------------------------------------------ databases


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Yield a private PostgreSQL, started for the first test that needs it and stopped after the last."""
    need("postgres")
    with Cluster() as running:
        yield running


def new_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the URL of an empty database of that kind; PostgreSQL is started only when it is asked for."""
    if kind == "sqlite":
        return f"sqlite:///{folder}/twofold.sqlite3"
    running: Cluster = request.getfixturevalue("cluster")
    return running.database()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return an empty database for one test, which runs once on SQLite and once on PostgreSQL."""
    return new_database(request.param, request, tmp_path)


# ------------------------------------------------------------------ the real server


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server, shared by the tests of one file, which run once on each database. Use fresh accounts."""
    folder = tmp_path_factory.mktemp("service")
    with Service(folder, database_url=new_database(request.param, request, folder)) as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def moving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the same as `service`, with a clock that tests may move forward but never back."""
    folder = tmp_path_factory.mktemp("moving")
    with ShiftedService(folder, database_url=new_database(request.param, request, folder)) as running:
        yield running


@pytest.fixture(scope="module")
def sqlite_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server without any settings, for tests to which the database does not matter."""
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def api(service: Service) -> Iterator[Api]:
    """Yield a client of the shared server that is not signed in."""
    with Api(service.url) as client:
        yield client
