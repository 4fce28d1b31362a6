"""Accepted requests are answered in full while the service stops, reloads, or loses a worker."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.clients import Person
from tests.support.cluster import Cluster
from tests.support.forms import FormBrowser
from tests.support.service import Service

STREAMS = 16
ADDRESSES = ("127.0.0.1", "::1")  # both are `localhost`
PAGE = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class RequestStream:
    """Requests without pause to both addresses, each on a new connection; `seen` counts their outcomes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: Counter[str] = Counter()
        self.over = threading.Event()

    def send_all(self, request: bytes, address: str) -> None:
        """Send requests until the end of the stream."""
        while not self.over.is_set():
            self.seen[self.send(request, address)] += 1

    def send(self, request: bytes, address: str) -> str:
        """Return the outcome of a request: `answered`, `refused` at connection, or an error."""
        try:
            connection = socket.create_connection((address, self.port), timeout=20)
        except ConnectionRefusedError:
            self.over.wait(0.02)
            return "refused"
        except OSError as error:
            return f"no connection: {error!r}"
        with connection:
            try:
                connection.sendall(request)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            except OSError as error:
                return f"cut off: {error!r}"
        whole = answer.startswith(b"HTTP/1.1 200") and answer.endswith((b"</html>", b"</html>\n", b"}"))
        return "answered" if whole else f"not whole: {answer[:20]!r} ... {answer[-20:]!r}"


@contextmanager
def streaming(port: int) -> Iterator[RequestStream]:
    """Yield several parallel streams, for pages and for short responses."""
    stream = RequestStream(port)
    visits = [(request, address) for request in (PAGE, ALIVE) for address in ADDRESSES]
    threads = [threading.Thread(target=stream.send_all, args=visits[each % len(visits)]) for each in range(STREAMS)]
    for thread in threads:
        thread.start()
    try:
        yield stream
    finally:
        stream.over.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def two_workers(cluster: Cluster, tmp_path: Path) -> Iterator[Service]:
    """Yield a service with two workers, which reads its name from a file."""
    (tmp_path / "twofold.toml").write_text('site_name = "Before"')
    settings = {"config": str(tmp_path / "twofold.toml")}
    url = cluster.database()
    arguments = ["--workers", "2"]
    with Service(tmp_path, database_url=url, settings=settings, arguments=arguments, default_address=True) as service:
        wait_until(lambda: len(workers(service)) == 2)
        yield service


@pytest.mark.parametrize("number, count", [(signal.SIGTERM, 1), (signal.SIGHUP, 1), (signal.SIGTERM, 2)])
def test_accepted_requests_are_answered_when_the_service_stops(
    number: signal.Signals, count: int, cluster: Cluster, tmp_path: Path
) -> None:
    """Under load, each request is answered in full or refused at once; a single process also stops on HUP."""
    arguments = ["--workers", str(count)]
    service = Service(tmp_path, database_url=cluster.database(), arguments=arguments, default_address=True)
    with service, streaming(service.port) as stream:
        wait_until(lambda: stream.seen["answered"] > 300)
        service.running().send_signal(number)
        assert service.running().wait(20) == 0
        wait_until(lambda: stream.seen["refused"] > STREAMS)
    assert set(stream.seen) == {"answered", "refused"}, stream.seen


def test_connection_accepted_just_before_shutdown_is_answered(tmp_path: Path) -> None:
    """The request of an accepted connection may arrive a moment after the signal."""
    with Service(tmp_path, default_address=True) as service:
        visitors = [socket.create_connection((ADDRESSES[each % 2], service.port), timeout=20) for each in range(8)]
        time.sleep(0.2)  # they are accepted
        service.running().send_signal(signal.SIGTERM)
        time.sleep(0.05)
        for visitor in visitors:
            visitor.sendall(ALIVE)
        for visitor in visitors:
            with visitor:
                assert visitor.recv(65536).startswith(b"HTTP/1.1 200")
        assert service.running().wait(20) == 0


def test_reload_refuses_no_request(two_workers: Service) -> None:
    """On HUP, each worker is replaced by one that reads the settings again."""
    before = workers(two_workers)
    assert shown_name(two_workers) == "Before"
    (two_workers.folder / "twofold.toml").write_text('site_name = "After"')
    with streaming(two_workers.port) as stream:
        wait_until(lambda: stream.seen["answered"] > 300)
        two_workers.running().send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers(two_workers)) == 2 and not before & workers(two_workers), within=40)
    assert set(stream.seen) == {"answered"}, stream.seen
    assert {shown_name(two_workers) for _ in range(10)} == {"After"}


def test_reload_with_invalid_settings_keeps_the_running_workers(two_workers: Service) -> None:
    """They keep serving, and the log says what is wrong."""
    before = workers(two_workers)
    (two_workers.folder / "twofold.toml").write_text('site_nam = "After"')
    two_workers.running().send_signal(signal.SIGHUP)
    wait_until(lambda: "settings not reloaded" in two_workers.whole_output())
    assert shown_name(two_workers) == "Before"
    assert workers(two_workers) == before


def test_worker_killed_during_a_database_outage_is_replaced(tmp_path: Path) -> None:
    """The new worker answers 503 like the others, and all serve once the database is back."""
    with (
        Cluster() as cluster,
        Service(tmp_path, database_url=cluster.database(), arguments=["--workers", "2"]) as service,
    ):
        person = Person.signed_in(service.url)
        before = workers(service)
        cluster.stop()
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(workers(service) - before) == 1)
        time.sleep(1)
        assert statuses_of_session(person) == {503}
        cluster.start()
        wait_until(lambda: statuses_of_session(person) == {200})


def statuses_of_session(person: Person) -> set[int]:
    """Return the statuses of twenty session checks on separate connections, enough to reach both workers."""
    return {person.api.session().status for _ in range(20)}


def test_killed_worker_is_replaced_and_drops_only_its_own_requests(two_workers: Service) -> None:
    """Only requests that the killed worker was handling or had queued are lost."""
    person = Person.signed_in(two_workers.url)
    before = workers(two_workers)
    with streaming(two_workers.port) as stream:
        wait_until(lambda: stream.seen["answered"] > 300)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(workers(two_workers) - before) == 1)
        answered = stream.seen["answered"]
        wait_until(lambda: stream.seen["answered"] > answered + 300)
    assert stream.seen.total() - stream.seen["answered"] <= 2 * STREAMS, stream.seen
    assert two_workers.running().poll() is None
    person.api.session().expect(200)


def test_workers_share_one_limit_of_database_connections(two_workers: Service, cluster: Cluster) -> None:
    """All workers together open four connections per core, even under load."""
    person = Person.signed_in(two_workers.url)
    name = two_workers.settings["database_url"].rpartition("/")[2]

    def ask(_: int) -> None:
        for _ in range(10):
            person.api.session().expect(200)

    with ThreadPoolExecutor(24) as side_by_side:
        list(side_by_side.map(ask, range(24)))
    opened = cluster.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 - a name of our own
    assert 2 <= int(opened) <= max(2, 4 * (os.cpu_count() or 1) // 2) * 2


def shown_name(service: Service) -> str:
    """Return the site's name on the sign-in page."""
    words = FormBrowser(service.url).get("/sign-in").expect(200).words
    return next(name for name in ("Before", "After") if name in words)


def workers(service: Service) -> set[int]:
    """Return the worker processes."""
    command = ["ps", "-o", "pid=", "--ppid", str(service.running().pid)]
    return {int(line) for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()}


def wait_until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until a condition holds. Raise AssertionError if it does not in time."""
    give_up_at = time.monotonic() + within
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.02)
