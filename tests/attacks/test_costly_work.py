"""L04: expensive work is bounded. Clients that ask for too much of it are refused, and others do not notice."""

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD, Api, Person
from tests.support.forms import FormBrowser
from tests.support.many_accounts import many_accounts
from tests.support.programs import need
from tests.support.raw_bytes import exchange, memory_of, peak_memory_of, statuses
from tests.support.service import Service
from tests.support.sync import RawAnswer, connect, json_request, raw_request, release_together
from twofold.base.turn_queue import MAX_WAIT

MIB = 1024 * 1024
HASH_MEMORY = 46 * MIB
CORES = len(os.sched_getaffinity(0))
AS_SHIPPED = {"password_hash": "m=47104 t=1 p=1"}
AT_ONCE = 200
TOO_MANY = 700  # more than the queue holds


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server with the default password hash."""
    folder = tmp_path_factory.mktemp("costly")
    with Service(folder, database_url=new_database(request.param, request, folder), settings=AS_SHIPPED) as running:
        yield running


def sign_in(service: Service, email: str, password: str = PASSWORD) -> bytes:
    """Return a sign-in request as bytes."""
    return json_request(service.url, "/sign-in", {"email": email, "password": password})


class Flood:
    """Send sign-ins, two hundred at a time, until the `with Flood(...)` block ends."""

    def __init__(self, service: Service, requests: list[bytes]) -> None:
        self.service = service
        self.requests = requests
        self.answers: list[RawAnswer] = []
        self.over = threading.Event()
        self.begun = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        """Send wave after wave until the end of the block."""
        while not self.over.is_set():
            self.answers += release_together(self.service.url, self.requests)
            self.begun.set()

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.begun.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join(60)


def at_once(people: list[Person], service: Service, count: int = AT_ONCE) -> list[bytes]:
    """Return many sign-ins: users with the right password, and as many unknown addresses."""
    known = [sign_in(service, person.email) for person in people] * (count // (2 * len(people)))
    return known + [sign_in(service, f"nobody-{number}@example.com") for number in range(count - len(known))]


def seconds(act: Callable[[], object]) -> float:
    """Return how many seconds a function takes."""
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


def p95(times: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(times, n=20)[-1]


def test_flood_of_sign_ins_is_refused_in_bounded_memory(service: Service) -> None:
    """Sign-ins beyond the queue are answered 503 with Retry-After, and concurrent hashes do not exhaust memory."""
    pid = service.running().pid
    people = [Person.signed_in(service.url) for _ in range(10)]
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # reset the peak
    before = memory_of(pid)
    answers = release_together(service.url, at_once(people, service, TOO_MANY))
    assert {answer.status for answer in answers} <= {200, 401, 503}
    refused = [answer for answer in answers if answer.status == 503]
    assert 0 < len(refused) <= TOO_MANY - CORES
    assert all(answer.json()["code"] == "unavailable" for answer in refused)
    assert all("\r\nretry-after: " in answer.head.lower() for answer in refused)
    assert {answer.status for answer in answers[TOO_MANY // 2 :]} <= {401, 503}
    assert peak_memory_of(pid) <= before + HASH_MEMORY * CORES + 100 * MIB


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)  # the queue holds no SQL
def test_pages_and_codes_are_answered_during_a_flood(service: Service) -> None:
    """While sign-ins flood the queue, pages and code steps of other users are answered without a long wait."""
    others = [Person.with_totp(service.url) for _ in range(3)]
    codes = [other.code() for other in others]
    half_open = [other.another_browser() for other in others]
    for other, browser in zip(others, half_open, strict=True):
        browser.sign_in(other.email).expect(200)
    people = [Person.signed_in(service.url) for _ in range(5)]
    pages = FormBrowser(service.url, session=others[0].api.token)
    quiet = [seconds(lambda: pages.get("/settings").expect(200)) for _ in range(20)]
    with Flood(service, at_once(people, service)) as flood:
        busy = [seconds(lambda: pages.get("/settings").expect(200)) for _ in range(40)]
        for browser, code in zip(half_open, codes, strict=True):
            busy.append(seconds(lambda browser=browser, code=code: browser.give_code(code).expect(200)))  # type: ignore[misc]
    assert flood.answers
    assert p95(busy) < max(1.0, 10 * p95(quiet)), (quiet, busy)


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)  # the queue holds no SQL
def test_attempt_that_stops_waiting_is_not_counted(service: Service) -> None:
    """A client that disconnects during a flood leaves the queue, and its attempt is not counted against the account."""
    victim = Person.signed_in(service.url)
    tries = [sign_in(service, victim.email, "not the password")] * 30
    with Flood(service, [sign_in(service, f"stranger-{number}@example.com") for number in range(AT_ONCE)]):
        for connection in [connect(service.url) for _ in tries]:
            with connection:
                connection.sendall(tries.pop())
    victim.sign_in(Api(service.url))


@pytest.fixture(scope="module")
def on_one_core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server on a single core of this machine, with the default password hash."""
    core = str(min(os.sched_getaffinity(0)))
    folder = tmp_path_factory.mktemp("one-core")
    with Service(folder, launcher=[need("taskset"), "-c", core], settings=AS_SHIPPED) as running:
        yield running


def test_sixteen_sign_ins_at_once_on_one_core_all_succeed(on_one_core: Service) -> None:
    """A small machine can start all of their hashes within the 12 seconds that a sign-in may wait."""
    assert os.sched_getaffinity(on_one_core.running().pid) == {min(os.sched_getaffinity(0))}
    requests = [sign_in(on_one_core, email) for email in many_accounts(on_one_core, 16)]
    begun = time.monotonic()
    answers = release_together(on_one_core.url, requests)
    assert [answer.status for answer in answers] == [200] * 16
    assert time.monotonic() - begun < MAX_WAIT


# ------------------------------------------------------------------ long inputs


def processor_seconds(service: Service) -> float:
    """Return the server's processor time, which other programs on the machine do not affect."""
    fields = Path(f"/proc/{service.running().pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost(service: Service, requests: list[bytes], *expected: int) -> float:
    """Return the processor seconds that requests cost. Each must get one of these statuses, or no answer."""
    before = processor_seconds(service)
    for request in requests:
        answered = statuses(exchange(service.url, request))
        assert set(answered) <= set(expected), answered
    return processor_seconds(service) - before


@pytest.mark.parametrize("size", [257, 64 * 1024, 1024 * 1024])
def test_long_password_is_refused_before_it_is_hashed(sqlite_service: Service, size: int) -> None:
    """A password of more than 256 characters costs a fraction of a hash, at sign-in and at sign-up."""
    person = Person.signed_in(sqlite_service.url)
    ordinary = cost(
        sqlite_service, [sign_in(sqlite_service, f"nobody-{number}@example.com") for number in range(10)], 401
    )
    long = "walnut-harbour " * (size // 15 + 1)
    bodies = [{"email": email, "password": long[:size]} for email in [person.email, "new-one@example.com"] * 5]
    requests = [
        json_request(sqlite_service.url, path, body) for path in ("/sign-in", "/accounts") for body in bodies[:5]
    ]
    assert cost(sqlite_service, requests, 413, 422) < ordinary / 2


MARKS = "a" + "\u0301\u0316" * 15_000  # putting these in order takes time proportional to the square of their number
FIELDS = {
    "/sign-in": {"email": MARKS, "password": MARKS},
    "/sign-in/code": {"sign_in": "x", "code": MARKS},
    "/sign-in/recovery-code": {"sign_in": "x", "recovery_code": MARKS},
    "/accounts": {"email": "new-one@example.com", "password": MARKS},
    "/password-reset/complete": {"token": "x", "new_password": MARKS},
}


@pytest.mark.parametrize("path", FIELDS)
def test_text_that_is_slow_to_normalise_is_refused_first(sqlite_service: Service, path: str) -> None:
    """Thousands of combining marks, which would take a second to normalise, cost the server less than the client."""
    requests = [json_body(sqlite_service, path, FIELDS[path])] * 5
    assert cost(sqlite_service, requests, 401, 404, 410, 413, 422) < 0.5


def json_body(service: Service, path: str, body: dict[str, str]) -> bytes:
    """Return a call whose texts are not escaped, so that more of them fit."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return raw_request(service.url, f"/api/v1{path}", content, headers={"Content-Type": "application/json"})


# ------------------------------------------------------------------ connections


def test_five_hundred_connections_at_once_are_all_answered(sqlite_service: Service) -> None:
    """Five hundred clients that open the page at the same moment all get it, in bounded memory."""
    pid = sqlite_service.running().pid
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = memory_of(pid)
    page = raw_request(sqlite_service.url, "/sign-in", b"", method="GET")
    answers = release_together(sqlite_service.url, [page] * 500)
    assert [answer.status for answer in answers] == [200] * 500
    assert peak_memory_of(pid) < before + 80 * MIB
