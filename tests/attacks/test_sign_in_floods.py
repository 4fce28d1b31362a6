"""One source, one account or many users at once do not keep others from signing in."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD, Api, Person
from tests.support.flood import Flood, addresses, sign_in
from tests.support.forms import FormBrowser
from tests.support.many_accounts import many_accounts
from tests.support.service import Service
from tests.support.sync import json_request, release_together
from tests.support.users import User

PEOPLE = 200
VICTIM_TRIES = 10
MACHINE_IS_SLOW = 6.0  # seconds; if all others had their turns sooner than this, the refusal was unnecessary
sources = addresses("10.77")


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server behind a trusted proxy, with the default source limit."""
    folder = tmp_path_factory.mktemp("floods")
    url = new_database(request.param, request, folder)
    running = Service(folder, database_url=url, settings={"trusted_proxies": "127.0.0.1/32"})
    del running.settings["limit_source"]
    with running:
        yield running


def at(service: Service, source: str | None = None) -> Api:
    """Return a client with a new IP address."""
    return Api(service.url, headers={"X-Forwarded-For": source or next(sources)})


def newcomer(service: Service) -> User:
    """Return a new user."""
    person = User(service)
    at(service).sign_up(person.email).expect(201)
    return person


def blocked_source(service: Service) -> str:
    """Return an address that is over its limit."""
    source = next(sources)
    client = at(service, source)
    answers = [client.sign_in(f"made-up-{number}@example.org", "wrong").status for number in range(11)]
    assert answers == [401] * 10 + [429]
    return source


def statuses_of_victim(service: Service, person: User, source: str | None = None) -> Counter[int]:
    """Return the statuses of a user who signs in with the right password again and again."""
    where = source or next(sources)
    return Counter(at(service, where).sign_in(person.email).status for _ in range(VICTIM_TRIES))


def test_source_over_its_limit_does_not_block_sign_ins(service: Service) -> None:
    """Sixty refused connections take no place in the queue for hashes."""
    person, source = newcomer(service), blocked_source(service)
    request = sign_in(service.url, "same@example.org", "x", source)
    with Flood(service.url, 60, lambda _: request) as flood:
        assert statuses_of_victim(service, person)[200] == VICTIM_TRIES
    assert set(flood.seen) == {429}, flood.seen


def test_flood_of_right_passwords_does_not_block_sign_ins(service: Service) -> None:
    """Forty connections of one account wait for each other, and others do not wait for them."""
    person, attacker, source = newcomer(service), newcomer(service), next(sources)
    request = sign_in(service.url, attacker.email, PASSWORD, source)
    with Flood(service.url, 40, lambda _: request) as flood:
        assert statuses_of_victim(service, person)[200] == VICTIM_TRIES
    assert flood.seen[200], flood.seen


def test_flood_of_one_account_does_not_block_its_neighbours(service: Service) -> None:
    """Connections that flood one account wait for each other, even when others share their address."""
    person, attacker, office = newcomer(service), newcomer(service), next(sources)
    request = sign_in(service.url, attacker.email, PASSWORD, office)
    with Flood(service.url, 40, lambda _: request):
        assert statuses_of_victim(service, person, office)[200] == VICTIM_TRIES


def test_known_browser_counts_as_a_source_of_its_own(sqlite_service: Service) -> None:
    """A flood of unknown accounts from the owner's own address does not delay a known browser."""
    person = Person.signed_in(sqlite_service.url)
    browser, form = FormBrowser(sqlite_service.url), {"email": person.email, "password": PASSWORD}
    browser.post("/sign-in", form).expect(303)

    def made_up(number: int) -> bytes:
        return sign_in(sqlite_service.url, f"made-up-{number}@example.org", "x", "ignored")

    with Flood(sqlite_service.url, 100, made_up) as flood:
        assert {browser.post("/sign-in", form).status for _ in range(VICTIM_TRIES)} == {303}
    assert flood.seen[401], flood.seen


@pytest.mark.parametrize("together", [False, True], ids=["from many addresses", "from one address"])
def test_two_hundred_sign_ins_at_once_all_succeed(service: Service, *, together: bool) -> None:
    """No sign-in is refused because of others at the same moment, if the machine can check all within 12 seconds."""
    people, office = many_accounts(service, PEOPLE), next(sources)
    requests = [
        json_request(
            service.url,
            "/sign-in",
            {"email": email, "password": PASSWORD},
            headers={"X-Forwarded-For": office if together else next(sources)},
        )
        for email in people
    ]
    answers, taken = all_at_once(service, requests)
    assert answers[200] + answers[503] == PEOPLE
    assert answers[200] == PEOPLE or taken > MACHINE_IS_SLOW, (answers, taken)


def all_at_once(service: Service, requests: list[bytes]) -> tuple[Counter[int], float]:
    """Return the statuses of simultaneous requests, and the seconds until the last was answered."""
    begun = time.monotonic()
    answers = Counter(answer.status for answer in release_together(service.url, requests))
    return answers, time.monotonic() - begun
