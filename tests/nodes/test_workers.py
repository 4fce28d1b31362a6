"""Whoever was let in is answered in full: while the service stops, reloads, or loses one of its workers."""

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

from tests.clients import Person
from tests.cluster import Cluster
from tests.forms import FormBrowser
from tests.service import Service

STREAMS = 16
PAGE = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Stream:
    """People who come without pause, each on a connection of their own; `seen` counts how they fared."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: Counter[str] = Counter()
        self.over = threading.Event()

    def come(self, request: bytes) -> None:
        """One after another."""
        while not self.over.is_set():
            self.seen[self.fare(request)] += 1

    def fare(self, request: bytes) -> str:
        """One visit: `answered`, `refused` before a word was said, or what went wrong."""
        try:
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
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
def streaming(port: int) -> Iterator[Stream]:
    """Many of them at once, pages and small answers."""
    stream = Stream(port)
    threads = [threading.Thread(target=stream.come, args=((PAGE, ALIVE)[each % 2],)) for each in range(STREAMS)]
    for thread in threads:
        thread.start()
    try:
        yield stream
    finally:
        stream.over.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def of_two(cluster: Cluster, tmp_path: Path) -> Iterator[Service]:
    """A service of two workers, which has its name from a file."""
    (tmp_path / "twofold.toml").write_text('site_name = "Before"')
    settings = {"config": str(tmp_path / "twofold.toml")}
    url = cluster.database()
    with Service(tmp_path, database_url=url, settings=settings, arguments=["--workers", "2"]) as service:
        wait_until(lambda: len(workers(service)) == 2)
        yield service


@pytest.mark.parametrize("number, count", [(signal.SIGTERM, 1), (signal.SIGHUP, 1), (signal.SIGTERM, 2)])
def test_who_was_let_in_is_answered_when_the_service_stops(
    number: signal.Signals, count: int, cluster: Cluster, tmp_path: Path
) -> None:
    """In a steady stream each visitor gets the whole answer or is refused at the door; one process ends at HUP, too."""
    service = Service(tmp_path, database_url=cluster.database(), arguments=["--workers", str(count)])
    with service, streaming(service.port) as stream:
        wait_until(lambda: stream.seen["answered"] > 300)
        service.running().send_signal(number)
        assert service.running().wait(20) == 0
        wait_until(lambda: stream.seen["refused"] > STREAMS)
    assert set(stream.seen) == {"answered", "refused"}, stream.seen


def test_who_came_in_just_before_the_end_may_still_speak(tmp_path: Path) -> None:
    """A connection that was taken, and whose request comes a moment after the signal, is answered."""
    with Service(tmp_path) as service:
        visitors = [socket.create_connection(("127.0.0.1", service.port), timeout=20) for _ in range(8)]
        time.sleep(0.2)  # they are taken
        service.running().send_signal(signal.SIGTERM)
        time.sleep(0.05)
        for visitor in visitors:
            visitor.sendall(ALIVE)
        for visitor in visitors:
            with visitor:
                assert visitor.recv(65536).startswith(b"HTTP/1.1 200")
        assert service.running().wait(20) == 0


def test_a_reload_is_not_felt(of_two: Service) -> None:
    """HUP: each worker is replaced by one that reads the settings anew, and nobody is even refused."""
    before = workers(of_two)
    assert shown_name(of_two) == "Before"
    (of_two.folder / "twofold.toml").write_text('site_name = "After"')
    with streaming(of_two.port) as stream:
        wait_until(lambda: stream.seen["answered"] > 300)
        of_two.running().send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers(of_two)) == 2 and not before & workers(of_two), within=40)
    assert set(stream.seen) == {"answered"}, stream.seen
    assert {shown_name(of_two) for _ in range(10)} == {"After"}


def test_settings_with_a_mistake_are_not_read_anew(of_two: Service) -> None:
    """HUP: the workers that serve go on, and the log says what is wrong."""
    before = workers(of_two)
    (of_two.folder / "twofold.toml").write_text('site_nam = "After"')
    of_two.running().send_signal(signal.SIGHUP)
    wait_until(lambda: "nothing is read anew" in of_two.whole_output())
    assert shown_name(of_two) == "Before"
    assert workers(of_two) == before


def test_a_worker_may_die_while_the_database_is_away(tmp_path: Path) -> None:
    """Its successor answers 503 like the others, and all serve when the database is back."""
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
    """How a session fares; each call has its own connection, and twenty reach both workers."""
    return {person.api.session().status for _ in range(20)}


def test_a_worker_that_dies_is_replaced_and_takes_only_its_own_down(of_two: Service) -> None:
    """Kill -9 of one worker: those whom it was answering are cut off, and those who waited for it; a new one comes."""
    person = Person.signed_in(of_two.url)
    before = workers(of_two)
    with streaming(of_two.port) as stream:
        wait_until(lambda: stream.seen["answered"] > 300)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(workers(of_two) - before) == 1)
        answered = stream.seen["answered"]
        wait_until(lambda: stream.seen["answered"] > answered + 300)
    assert stream.seen.total() - stream.seen["answered"] <= 2 * STREAMS, stream.seen
    assert of_two.running().poll() is None
    person.api.session().must(200)


def test_workers_share_the_connections_of_their_machine(of_two: Service, cluster: Cluster) -> None:
    """However many people ask at once, all workers together open four connections a core."""
    person = Person.signed_in(of_two.url)
    name = of_two.settings["database_url"].rpartition("/")[2]

    def ask(_: int) -> None:
        for _ in range(10):
            person.api.session().must(200)

    with ThreadPoolExecutor(24) as side_by_side:
        list(side_by_side.map(ask, range(24)))
    opened = cluster.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 - our own name
    assert 2 <= int(opened) <= max(2, 4 * (os.cpu_count() or 1) // 2) * 2


def shown_name(service: Service) -> str:
    """The site's name as the page of sign-in shows it."""
    words = FormBrowser(service.url).get("/sign-in").must(200).words
    return next(name for name in ("Before", "After") if name in words)


def workers(service: Service) -> set[int]:
    """The worker processes."""
    command = ["ps", "-o", "pid=", "--ppid", str(service.running().pid)]
    return {int(line) for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()}


def wait_until(true: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until something holds; the test fails when it does not."""
    give_up_at = time.monotonic() + within
    while not true():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.02)
