"""L04: work that costs much is bounded. Whoever asks for too much of it is turned away, and others do not notice."""

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.attacks.raw import memory_of, peak_memory_of, say, statuses
from tests.clients import PASSWORD, Api, Person
from tests.conftest import DATABASES, new_database
from tests.forms import FormBrowser
from tests.service import Service
from tests.sync import RawAnswer, json_request, raw_request, release_together

MIB = 1024 * 1024
HASH_MEMORY = 46 * MIB
CORES = len(os.sched_getaffinity(0))
AS_SHIPPED = {"password_hash": "m=47104 t=1 p=1"}
AT_ONCE = 200
FREE_TRIES = 5  # wrong passwords before the first wait


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server with the password hash as it is shipped."""
    folder = tmp_path_factory.mktemp("costly")
    with Service(folder, database_url=new_database(request.param, request, folder), settings=AS_SHIPPED) as running:
        yield running


def sign_in(service: Service, email: str, password: str = PASSWORD) -> bytes:
    """The bytes of a sign-in."""
    return json_request(service.url, "/sign-in", {"email": email, "password": password})


class Flood:
    """Sign-ins, two hundred at once and again and again, for as long as `with Flood(...)` lasts."""

    def __init__(self, service: Service, requests: list[bytes]) -> None:
        self.service = service
        self.requests = requests
        self.answers: list[RawAnswer] = []
        self.over = threading.Event()
        self.begun = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        """Sends wave after wave."""
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


def at_once(people: list[Person], service: Service) -> list[bytes]:
    """Two hundred sign-ins: people with their right password, and as many addresses that nobody has."""
    known = [sign_in(service, person.email) for person in people] * (AT_ONCE // (2 * len(people)))
    return known + [sign_in(service, f"nobody-{number}@example.com") for number in range(AT_ONCE - len(known))]


def seconds(act: Callable[[], object]) -> float:
    """How long an act takes."""
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


def p95(times: list[float]) -> float:
    """What nineteen of twenty stay below."""
    return statistics.quantiles(times, n=20)[-1]


def test_a_flood_of_sign_ins_ends_in_clean_refusals_and_bounded_memory(service: Service) -> None:
    """Of two hundred sign-ins at once those beyond the queue get 503 and when to come back; hashes bound the memory."""
    pid = service.running().pid
    people = [Person.signed_in(service.url) for _ in range(10)]
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is counted from here
    before = memory_of(pid)
    answers = release_together(service.url, at_once(people, service))
    assert {answer.status for answer in answers} <= {200, 401, 503}
    refused = [answer for answer in answers if answer.status == 503]
    assert 0 < len(refused) <= AT_ONCE - CORES
    assert all(answer.json()["code"] == "unavailable" for answer in refused)
    assert all("\r\nretry-after: " in answer.head.lower() for answer in refused)
    assert {answer.status for answer in answers[AT_ONCE // 2 :]} <= {401, 503}
    assert peak_memory_of(pid) <= before + HASH_MEMORY * CORES + 60 * MIB


def test_others_get_their_pages_and_codes_during_a_flood(service: Service) -> None:
    """While sign-ins flood the queue, pages and code steps of other people are answered without a long wait."""
    others = [Person.with_totp(service.url) for _ in range(3)]
    codes = [other.code() for other in others]
    half_open = [other.another_browser() for other in others]
    for other, browser in zip(others, half_open, strict=True):
        browser.sign_in(other.email).must(200)
    people = [Person.signed_in(service.url) for _ in range(5)]
    pages = FormBrowser(service.url, session=others[0].api.token)
    quiet = [seconds(lambda: pages.get("/settings").must(200)) for _ in range(20)]
    with Flood(service, at_once(people, service)) as flood:
        busy = [seconds(lambda: pages.get("/settings").must(200)) for _ in range(40)]
        for browser, code in zip(half_open, codes, strict=True):
            busy.append(seconds(lambda browser=browser, code=code: browser.give_code(code).must(200)))  # type: ignore[misc]
    assert any(answer.status == 503 for answer in flood.answers), "the flood did not fill the queue"
    assert p95(busy) < max(1.0, 10 * p95(quiet)), (quiet, busy)


def test_a_flood_locks_nobody_out(service: Service) -> None:
    """A try that found no room in the queue is not counted as a wrong password: the owner gets in when it is over."""
    strangers = [sign_in(service, f"stranger-{number}@example.com") for number in range(AT_ONCE - FREE_TRIES)]
    victims = (Person.signed_in(service.url) for _ in range(10))
    victim = next(victim for victim in victims if finds_no_room(service, strangers, victim))
    victim.sign_in(Api(service.url))


def finds_no_room(service: Service, strangers: list[bytes], victim: Person) -> bool:
    """Whether each of somebody's tries came when the queue was full of strangers."""
    tries = [sign_in(service, victim.email)] * FREE_TRIES
    return all(answer.status == 503 for answer in release_together(service.url, strangers + tries)[-FREE_TRIES:])


# ------------------------------------------------------------------ long inputs


def processor_seconds(service: Service) -> float:
    """The processor time that the server has used, which other programs on the machine do not change."""
    fields = Path(f"/proc/{service.running().pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost(service: Service, requests: list[bytes], *expected: int) -> float:
    """The processor seconds that requests cost, each of which gets one of these statuses or is hung up on."""
    before = processor_seconds(service)
    for request in requests:
        answered = statuses(say(service.url, request))
        assert set(answered) <= set(expected), answered
    return processor_seconds(service) - before


@pytest.mark.parametrize("size", [257, 64 * 1024, 1024 * 1024])
def test_a_long_password_is_refused_before_it_is_hashed(sqlite_service: Service, size: int) -> None:
    """A password beyond 256 characters costs the server a fraction of a hash, at sign-in and at sign-up."""
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


MARKS = "a" + "\u0301\u0316" * 15_000  # whoever puts these in order works with the square of their number
FIELDS = {
    "/sign-in": {"email": MARKS, "password": MARKS},
    "/sign-in/code": {"sign_in": "x", "code": MARKS},
    "/sign-in/recovery-code": {"sign_in": "x", "recovery_code": MARKS},
    "/accounts": {"email": "new-one@example.com", "password": MARKS},
    "/password-reset/complete": {"token": "x", "new_password": MARKS},
}


@pytest.mark.parametrize("path", FIELDS)
def test_a_text_made_to_be_slow_is_refused_unread(sqlite_service: Service, path: str) -> None:
    """Marks without end over one letter, which take a second to normalise, cost a stranger more than the server."""
    requests = [json_body(sqlite_service, path, FIELDS[path])] * 5
    assert cost(sqlite_service, requests, 401, 404, 410, 413, 422) < 0.5


def json_body(service: Service, path: str, body: dict[str, str]) -> bytes:
    """A call whose texts stand as themselves, not escaped: shorter, so that more of them fit."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return raw_request(service.url, f"/api/v1{path}", content, headers={"Content-Type": "application/json"})


# ------------------------------------------------------------------ connections


def test_five_hundred_connections_at_once_are_all_answered(sqlite_service: Service) -> None:
    """Five hundred people who open the page in the same moment all get it, in bounded memory."""
    pid = sqlite_service.running().pid
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = memory_of(pid)
    page = raw_request(sqlite_service.url, "/sign-in", b"", method="GET")
    answers = release_together(sqlite_service.url, [page] * 500)
    assert [answer.status for answer in answers] == [200] * 500
    assert peak_memory_of(pid) < before + 80 * MIB
