"""Fixtures for faults: servers that may be broken, and the factor for large counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.programs import need
from tests.support.service import Service


@pytest.fixture(scope="session")
def fragile() -> Iterator[Cluster]:
    """Yield a PostgreSQL server for these tests alone, so that breaking it does not affect other tests."""
    need("postgres")
    with Cluster() as running:
        yield running


@pytest.fixture
def scale(full: bool) -> float:  # noqa: FBT001 - a fixture
    """Return the factor for large counts: 1 with `bin/test --full`, and otherwise a tenth."""
    return 1.0 if full else 0.1


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Service]:
    """Start a server on SQLite that the test may kill."""
    with Service(tmp_path / "service") as running:
        yield running


@pytest.fixture
def on_postgres(fragile: Cluster, tmp_path: Path) -> Iterator[Service]:
    """Yield a server on the fragile PostgreSQL for one test."""
    with Service(tmp_path / "service", database_url=fragile.database()) as running:
        yield running
