"""The modes of the benchmark run, with few users for a short time; the figures themselves are not tested."""

import asyncio
import os
import shutil
import socket
import sys
import threading
import time

import pytest

from bench import __main__ as command
from bench import client, databases, network, one_core, peers
from bench.client import parse
from bench.measure import Size
from bench.network import Distant
from bench.peer_flows import TWOFOLD
from bench.people import make_people
from bench.programs import Programs
from bench.workloads import CODE_STEP, GATE_CHECK, SESSION_CHECK

TINY = Size(people=1000, seconds=0.1, rounds=1, hash_seconds=0.1, hash_rounds=1, starts=1)
DELAY = 0.003  # seconds

pinned = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) == 1 or not shutil.which("taskset"), reason="two cores and taskset are needed"
)


@pinned
def test_one_core_compares_each_action_with_two_cores_and_with_a_session_check() -> None:
    """There is a figure for each of three actions, and two in session checks; the client has its cores back."""
    cores = os.sched_getaffinity(0)
    with databases.opened(postgres=False) as make:
        results = one_core.run(make, "bin/bench --one-core", TINY)
    assert [figure.baseline_name for figure in results.figures] == ["on two"] * 3 + [""] * 2
    assert all(figure.value > 0 for figure in results.figures)
    assert os.sched_getaffinity(0) == cores


def test_network_reports_what_each_action_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session check is one round trip, so it waits for the delay at least once."""
    monkeypatch.setattr(network, "_ACTIONS", 10)
    monkeypatch.setattr(network, "_WORKLOADS", (SESSION_CHECK, CODE_STEP))
    with databases.opened(postgres=True) as make:
        results = network.run(make, "bin/bench --postgres --network 3ms", TINY, DELAY)
    check, *_ = results.figures
    assert check.name.startswith("session check")
    assert check.value >= DELAY * 1e3


def test_distant_server_answers_after_the_delay() -> None:
    """Each packet is delayed once, however many are under way."""
    with socket.create_server(("127.0.0.1", 0)) as server, Distant(server.getsockname()[1], DELAY) as proxy:

        def answer() -> None:
            with server.accept()[0] as connection:
                while asked := connection.recv(100):
                    connection.sendall(asked)

        answering = threading.Thread(target=answer)
        answering.start()
        with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
            for _ in range(3):
                began = time.perf_counter()
                connection.sendall(b"ping")
                assert connection.recv(100) == b"ping"
                assert time.perf_counter() - began >= DELAY
        answering.join()


async def test_other_services_are_measured_like_twofold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twofold takes the place of the others, which the benchmark would have to install."""
    with databases.opened(postgres=False) as make:
        programs = Programs(database := make("bench"))
        people = await make_people(programs.config, database, "app", 40, kept=40)
        monkeypatch.setattr(peers, "_SESSIONS", 4)
        with programs.twofold(part="no-hash") as served:
            service = peers._service("another", TWOFOLD, served, people)
            costs = peers._costs(service, 8)
    assert all(cost > 0 for cost in costs)
    figures = [*peers._figures(["Twofold", "another"], [[costs, [2 * cost for cost in costs]]])]
    assert [figure.value / (figure.baseline or 0) for figure in figures] == [2, 2, 2]


async def test_gate_check_is_answered_with_the_identity() -> None:
    """For an inserted session; a refusal would cost less, and the figure would be wrong."""
    with databases.opened(postgres=False) as make:
        programs = Programs(database := make("bench"))
        people = await make_people(programs.config, database, "app", 2, kept=2)
        with programs.twofold() as served:
            answers = await asyncio.to_thread(client.once, served.port, GATE_CHECK.action(people[1]))
    assert [(path, answer.status) for path, answer in answers] == [("/gate/forward", 200)]
    assert b"\r\nremote-user: app1" in answers[0][1].head.lower()


def test_network_without_postgresql_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has no round trips."""
    monkeypatch.setattr(sys, "argv", ["bench", "--network", "1ms"])
    with pytest.raises(SystemExit):
        command.main()


@pytest.mark.parametrize(
    "head, body, is_whole",
    [
        ("content-length: 2", "ab", True),
        ("content-length: 2", "a", False),
        ("Content-Length: 2", "a", False),
        ("Transfer-Encoding: chunked", "2\r\nab\r\n", False),
        ("Transfer-Encoding: chunked", "2\r\nab\r\n0\r\n\r\n", True),
        ("x: y", "", True),
    ],
)
def test_answer_is_parsed_when_it_is_whole(head: str, body: str, *, is_whole: bool) -> None:
    """Names of headers have any case, and a body may come in chunks."""
    answer = parse(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}".encode())
    assert (answer is not None) == is_whole
    assert answer is None or (answer.status, answer.body.decode()) == (200, body)
