"""What every test may ask for: both databases, the real server, and headings for the steps of the suite."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.clients import Api
from tests.cluster import Cluster
from tests.parts import need
from tests.service import Service
from tests.shifted import ShiftedService
from tests.steps import Steps

DATABASES = ["sqlite", "postgres"]

# How long one example takes is the machine's affair, not a promise; a full run tries ten times as many.
settings.register_profile("suite", deadline=None, max_examples=1000 if os.environ.get("FULL") == "1" else 100)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Adds the headings."""
    config.pluginmanager.register(Steps())


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def full() -> bool:
    """True for `bin/test --full`: all of the large counts. Otherwise a tenth will do."""
    return os.environ.get("FULL") == "1"


# ------------------------------------------------------------------ databases


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A private PostgreSQL, started when the first test asks for it and gone when the last is done."""
    need("postgres")
    with Cluster() as running:
        yield running


def new_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of an empty database of that kind; PostgreSQL is started only when it is asked for."""
    if kind == "sqlite":
        return f"sqlite:///{folder}/twofold.sqlite3"
    running: Cluster = request.getfixturevalue("cluster")
    return running.database()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database for one test, which runs once on SQLite and once on PostgreSQL."""
    return new_database(request.param, request, tmp_path)


# ------------------------------------------------------------------ the real server


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server, shared by the tests of one file, which run once on each database. Use fresh accounts."""
    folder = tmp_path_factory.mktemp("service")
    with Service(folder, database_url=new_database(request.param, request, folder)) as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def moving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """As `service`, with a clock that every test may put forward and none may put back."""
    folder = tmp_path_factory.mktemp("moving")
    with ShiftedService(folder, database_url=new_database(request.param, request, folder)) as running:
        yield running


@pytest.fixture(scope="module")
def sqlite_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server as it runs without any setting, for tests to which the database does not matter."""
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def api(service: Service) -> Iterator[Api]:
    """A client of the shared server that is nobody yet."""
    with Api(service.url) as client:
        yield client
