"""Two nodes that share one PostgreSQL, one set of keys and one public address, and nothing else."""

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.service import Service
from tests.support.shifted import ShiftedService

PROXY = "127.0.0.1/32"  # requests set X-Forwarded-For


@dataclass(frozen=True)
class Pair:
    """Two nodes with separate data directories."""

    one: Service
    other: Service

    def __iter__(self) -> Iterator[Service]:
        return iter((self.one, self.other))

    @property
    def urls(self) -> list[str]:
        """The URLs of both nodes."""
        return [self.one.url, self.other.url]


def shared(**more: str) -> dict[str, str]:
    """Return the settings that all nodes share."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return {"secret_keys": f"k1:{key}", "trusted_proxies": PROXY, **more}


@contextmanager
def pair_of(cluster: Cluster, folder: Path, *, ahead: int = 0, **more: str) -> Iterator[Pair]:
    """Yield two nodes with movable clocks, started together on an empty database; the second may be `ahead`."""
    url, settings = cluster.database(), shared(**more)
    one = ShiftedService(folder / "one", database_url=url, settings=settings)
    other = ShiftedService(folder / "other", database_url=url, settings={**settings, "base_url": one.url})
    if ahead:
        other.move_clock(ahead)
    else:
        other.launcher = one.launcher
    try:
        for node in (one, other):
            node.start(wait=False)
        for node in (one, other):
            node.wait_until_it_answers()
        yield Pair(one, other)
    finally:
        for node in (one, other):
            node.kill()


@pytest.fixture(scope="module")
def pair(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Yield two nodes for the tests of one file, with the default limits."""
    with pair_of(cluster, tmp_path_factory.mktemp("pair"), limit_source="10/5m 50/1h") as both:
        yield both
