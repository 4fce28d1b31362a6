"""The application that the reference model is compared with, shared by all sequences of a test."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.model.application import App

MEMORY = Path("/dev/shm")  # noqa: S108 - where there is a disk in memory, a sync costs nothing


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder in memory if possible, or else on disk."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="twofold-model-", dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def inside(memory: Path) -> Iterator[App]:
    """Yield the application on SQLite."""
    with App(memory) as running:
        yield running


@pytest.fixture
def inside_on_postgres(memory: Path, request: pytest.FixtureRequest) -> Iterator[App]:
    """Yield the application on PostgreSQL."""
    with App(memory, new_database("postgres", request, memory)) as running:
        yield running


@pytest.fixture(params=DATABASES)
def inside_on_either(memory: Path, request: pytest.FixtureRequest) -> Iterator[App]:
    """Yield the application on SQLite, and again on PostgreSQL."""
    with App(memory, new_database(request.param, request, memory)) as running:
        yield running
