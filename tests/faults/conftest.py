"""What every fault needs: a PostgreSQL server that may be broken, and how large the counts are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.parts import need
from tests.service import Service


@pytest.fixture(scope="session")
def fragile() -> Iterator[Cluster]:
    """A PostgreSQL server for these tests alone, so that a broken one breaks nobody else's."""
    need("postgres")
    with Cluster() as running:
        yield running


@pytest.fixture
def of_many(full: bool) -> float:  # noqa: FBT001 - a fixture is given by name
    """What the large counts are multiplied by: all of them with `bin/test --full`, else a tenth."""
    return 1.0 if full else 0.1


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Service]:
    """A server on SQLite for one test, which may kill it."""
    with Service(tmp_path / "service") as running:
        yield running


@pytest.fixture
def on_postgres(fragile: Cluster, tmp_path: Path) -> Iterator[Service]:
    """A server on the fragile PostgreSQL for one test."""
    with Service(tmp_path / "service", database_url=fragile.database()) as running:
        yield running
