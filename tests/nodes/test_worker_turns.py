"""The hashes of several workers share one limit and one fair queue."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.nodes.test_workers import wait_until, workers
from tests.support.clients import PASSWORD, Api, Person
from tests.support.cluster import Cluster
from tests.support.flood import Flood, sign_in
from tests.support.raw_bytes import memory_of
from tests.support.service import Service
from tests.support.sync import json_request, release_together

WORKERS = 4
CORES = len(os.sched_getaffinity(0))
MIB = 1024 * 1024
HASH_MEMORY = 128 * MIB  # expensive, so that it shows in memory use


@pytest.fixture
def four_workers(cluster: Cluster, tmp_path: Path) -> Iterator[Service]:
    """Yield a service with four workers behind a trusted proxy."""
    settings = {"trusted_proxies": "127.0.0.1/32", "password_hash": f"m={HASH_MEMORY // 1024} t=1 p=1"}
    arguments = ["--workers", str(WORKERS)]
    with Service(tmp_path, database_url=cluster.database(), settings=settings, arguments=arguments) as service:
        wait_until(lambda: len(workers(service)) == WORKERS)
        yield service


@contextmanager
def watched(service: Service) -> Iterator[list[int]]:
    """Record the total memory of all workers, again and again, in a list."""
    seen, over = [], Event()

    def watch() -> None:
        while not over.wait(0.005):
            seen.append(sum(memory_of(pid) for pid in workers_now))

    workers_now = workers(service)
    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_workers_share_one_limit_of_concurrent_password_hashes(four_workers: Service) -> None:
    """The total memory of the workers shows it, since each hash takes 128 MiB."""
    strangers = [
        json_request(four_workers.url, "/sign-in", {"email": f"stranger-{n}@example.com", "password": "wrong"})
        for n in range(40)
    ]
    release_together(four_workers.url, strangers[:WORKERS])
    before = sum(memory_of(pid) for pid in workers(four_workers))
    with watched(four_workers) as seen:
        answers = Counter(answer.status for answer in release_together(four_workers.url, strangers))
    assert answers[401] > CORES
    assert set(answers) <= {401, 503}
    assert max(seen) < before + HASH_MEMORY * CORES + 200 * MIB


def test_flood_on_all_workers_does_not_block_other_sign_ins(four_workers: Service) -> None:
    """Sources take turns across all workers."""
    victim, attacker = Person.signed_in(four_workers.url), Person.signed_in(four_workers.url)
    request = sign_in(four_workers.url, attacker.email, PASSWORD, "10.1.2.3")
    with Flood(four_workers.url, 30, lambda _: request) as flood:
        statuses = [Api(four_workers.url).sign_in(victim.email).status for _ in range(10)]
    assert statuses == [200] * 10
    assert flood.seen[200]


def test_killed_worker_releases_its_hashing_turns(four_workers: Service) -> None:
    """Workers killed while hashing keep no turn, and new workers join the queue."""
    person = Person.signed_in(four_workers.url)
    before = workers(four_workers)
    with Flood(
        four_workers.url, 30, lambda n: sign_in(four_workers.url, f"s{n}@example.com", "wrong", f"10.2.0.{n % 250}")
    ):
        for pid in sorted(before)[:3]:
            os.kill(pid, signal.SIGKILL)
        wait_until(
            lambda: len(workers(four_workers)) == WORKERS and len(workers(four_workers) - before) == 3, within=60
        )
        time.sleep(1)
    for _ in range(10):
        Api(four_workers.url).sign_in(person.email).expect(200)
