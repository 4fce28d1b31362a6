"""Two nodes that share one PostgreSQL, one set of keys and one public address, and nothing else."""

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.service import Service
from tests.shifted import ShiftedService

PROXY = "127.0.0.1/32"  # requests name the client that they stand for: X-Forwarded-For


@dataclass(frozen=True)
class Pair:
    """Two nodes, each with a data directory of its own."""

    one: Service
    other: Service

    def __iter__(self) -> Iterator[Service]:
        return iter((self.one, self.other))

    @property
    def urls(self) -> list[str]:
        """Where they listen."""
        return [self.one.url, self.other.url]


def shared(**more: str) -> dict[str, str]:
    """What nodes have in common."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return {"secret_keys": f"k1:{key}", "trusted_proxies": PROXY, **more}


@contextmanager
def pair_of(cluster: Cluster, folder: Path, *, ahead: int = 0, **more: str) -> Iterator[Pair]:
    """Two nodes by one clock that can be moved, or the other `ahead`, started at the same time on an empty database."""
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
    """Two nodes for the tests of one file, with the limits that are shipped."""
    with pair_of(cluster, tmp_path_factory.mktemp("pair"), limit_source="10/5m 50/1h") as both:
        yield both
