"""H01, H02: neither the answer to a refused sign-in nor its time reveals whether an account exists."""

import http.client
import json
import random
import secrets
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import urlencode, urlsplit

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD, Person
from tests.support.recorder import Recorder
from tests.support.service import Service

WRONG = "quartz-lantern-meadow-81"
# With 1,000 pairs the bound is 0.05; with fewer it is wider, at the same confidence (1 in 10,000).
DEVIATIONS = 3.9
UNKNOWN = "nobody-0123456789ab@example.com"


@dataclass(frozen=True)
class Refusal:
    """Everything in an answer that an attacker could compare."""

    status: int
    headers: list[str]
    cookies: list[str]
    text: str


EntryPoint = Callable[[str, str], tuple[str, str, str]]


def api_sign_in(email: str, password: str) -> tuple[str, str, str]:
    """Return a sign-in by the API: path, body and type."""
    return "/api/v1/sign-in", json.dumps({"email": email, "password": password}), "application/json"


def page_sign_in(email: str, password: str) -> tuple[str, str, str]:
    """Return a sign-in by the page: path, body and type."""
    return "/sign-in", urlencode({"email": email, "password": password}), "application/x-www-form-urlencoded"


def api_reset(email: str, _password: str) -> tuple[str, str, str]:
    """Return a password reset request by the API: path, body and type."""
    return "/api/v1/password-reset", json.dumps({"email": email}), "application/json"


def page_reset(email: str, _password: str) -> tuple[str, str, str]:
    """Return a password reset request by the page: path, body and type."""
    return "/forgot-password", urlencode({"email": email}), "application/x-www-form-urlencoded"


def api_sign_up(email: str, password: str) -> tuple[str, str, str]:
    """Return a sign-up by the API: path, body and type."""
    return "/api/v1/accounts", json.dumps({"email": email, "password": password}), "application/json"


def page_sign_up(email: str, password: str) -> tuple[str, str, str]:
    """Return a sign-up by the page: path, body and type."""
    return "/sign-up", urlencode({"email": email, "password": password}), "application/x-www-form-urlencoded"


MAIL_ENTRY_POINTS = [
    pytest.param(api_reset, id="reset, api"),
    pytest.param(page_reset, id="reset, page"),
    pytest.param(api_sign_up, id="sign-up, api"),
    pytest.param(page_sign_up, id="sign-up, page"),
]
ENTRY_POINTS = [pytest.param(api_sign_in, id="api"), pytest.param(page_sign_in, id="page")]


class Guesser:
    """An attacker who tries addresses over one connection, and compares the answers and their times."""

    def __init__(self, service: Service, entry_point: EntryPoint) -> None:
        self.origin = service.url
        self.connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
        self.entry_point = entry_point

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, email: str, password: str) -> tuple[float, Refusal]:
        """Return the seconds that one try takes, and its answer without the entered address."""
        path, body, media_type = self.entry_point(email, password)
        headers = {"Content-Type": media_type, "Origin": self.origin}
        begun = time.perf_counter()
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - begun
        names = [name.lower() for name, _ in answer.getheaders()]
        cookies = [str(SimpleCookie(value)) for value in answer.headers.get_all("Set-Cookie", [])]
        return took, Refusal(answer.status, names, cookies, content.decode().replace(email, "-" * len(email)))


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server with a high limit on wrong passwords."""
    folder = tmp_path_factory.mktemp("timing")
    settings = {"limit_passwords": "1000000 30s..1h"}
    with Service(folder, database_url=new_database(request.param, request, folder), settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the same on SQLite only, for tests to which the database does not matter."""
    with Service(tmp_path_factory.mktemp("timing"), settings={"limit_passwords": "1000000 30s..1h"}) as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def mailing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server with mail, and a high limit on mails to one address."""
    folder = tmp_path_factory.mktemp("timing")
    with Recorder() as recorder:
        settings = {"mail_url": recorder.url, "limit_mails": "1000000/1h"}
        with Service(folder, database_url=new_database(request.param, request, folder), settings=settings) as running:
            yield running


def added(service: Service) -> str:
    """Return the email of an account added by the operator, of the same length as the unknown one."""
    email = f"somebody-{secrets.token_hex(5)}@example.com"
    done = service.command("account", "add", email, "--password-file", "-", stdin=PASSWORD)
    assert done.returncode == 0, done.stderr
    return email


def known(service: Service) -> str:
    """Return the email of an account, of the same length as the unknown one."""
    return Person.signed_in(service.url, email=f"somebody-{secrets.token_hex(5)}@example.com").email


def disabled(service: Service) -> str:
    """Return the address of an account that an administrator has disabled."""
    email = known(service)
    done = service.command("account", "disable", email)
    assert done.returncode == 0, done.stderr
    return email


# ------------------------------------------------------------------ what is said


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_refused_sign_in_gets_the_same_answer_for_every_address(service: Service, entry_point: EntryPoint) -> None:
    """Known, unknown, protected and disabled addresses get one answer (Vault CVE-2025-6011, Django CVE-2024-39329)."""
    protected = Person.with_totp(service.url).email
    asked = [(UNKNOWN, WRONG), (UNKNOWN, PASSWORD), (known(service), WRONG), (protected, WRONG)]
    asked += [(disabled(service), WRONG), (disabled(service), PASSWORD)]
    with Guesser(service, entry_point) as guesser:
        answers = [alike(guesser.ask(email, password)[1]) for email, password in asked]
    assert answers == [answers[0]] * len(answers)
    assert answers[0].status == 401


def alike(answer: Refusal) -> Refusal:
    """Return the answer without the entered address, which the page shows again."""
    return Refusal(answer.status, answer.headers, answer.cookies, answer.text.replace("-", ""))


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_reached_limit_gets_the_same_answer_for_every_address(sqlite_service: Service, entry_point: EntryPoint) -> None:
    """An unknown address reaches the limit on wrong passwords at the same try, and gets the same answer."""
    strangers = [f"nobody-{secrets.token_hex(6)}@example.com", known(sqlite_service)]
    with Guesser(sqlite_service, entry_point) as guesser:
        runs = [[alike(guesser.ask(email, WRONG)[1]) for _ in range(7)] for email in strangers]
    assert [answer.status for answer in runs[0]] == [401] * 5 + [429] * 2
    assert [answer.status for answer in runs[1]] == [401] * 5 + [429] * 2
    assert [answer.headers for answer in runs[0]] == [answer.headers for answer in runs[1]]
    assert [answer.cookies for answer in runs[0]] == [answer.cookies for answer in runs[1]]


@pytest.mark.parametrize("entry_point", MAIL_ENTRY_POINTS)
def test_mail_request_gets_the_same_answer_for_every_address(mailing: Service, entry_point: EntryPoint) -> None:
    """Known, unknown and disabled addresses get the same answer where a link is mailed."""
    closed = added(mailing)
    assert mailing.command("account", "disable", closed).returncode == 0
    with Guesser(mailing, entry_point) as guesser:
        answers = [alike(guesser.ask(email, PASSWORD)[1]) for email in (UNKNOWN, added(mailing), closed)]
    assert answers == [answers[0]] * len(answers)
    assert answers[0].status in (200, 202)
    assert answers[0].cookies == []


# ------------------------------------------------------------------ how long it takes


def rank_statistic(first: Sequence[float], second: Sequence[float]) -> float:
    """Return how often a value of the first exceeds one of the second (AUC); it is 0.5 if they do not differ."""
    ordered = sorted(second)
    above = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in first)
    return above / (2 * len(first) * len(second))


def bound(pairs: int) -> float:
    """Return how far chance moves the statistic from 0.5 (standard deviation of the Mann-Whitney statistic)."""
    return float(DEVIATIONS * ((2 * pairs + 1) / (12 * pairs * pairs)) ** 0.5)


def times_of(guesser: Guesser, one: tuple[str, str], other: tuple[str, str], pairs: int) -> list[list[float]]:
    """Return the times of two kinds of attempts, pair by pair, in alternating order."""
    times: list[list[float]] = [[], []]
    for _ in range(3):
        guesser.ask(*one)
        guesser.ask(*other)
    for _ in range(pairs):
        for kind in random.sample([0, 1], 2):
            times[kind].append(guesser.ask(*(one, other)[kind])[0])
    return times


def assert_indistinguishable(service: Service, entry_point: EntryPoint, email: str, password: str, pairs: int) -> None:
    """Fail if an attacker can distinguish an address from an unknown one by time."""
    with Guesser(service, entry_point) as guesser:
        statistic = rank_statistic(*times_of(guesser, (email, password), (UNKNOWN, password), pairs))
    assert abs(statistic - 0.5) <= bound(pairs), f"{statistic:.3f} over {pairs} pairs"


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_time_does_not_reveal_known_addresses(roomy: Service, entry_point: EntryPoint, *, full: bool) -> None:
    """A wrong password takes as long for an unknown address as for a known one (Vault CVE-2025-6011)."""
    assert_indistinguishable(roomy, entry_point, known(roomy), WRONG, 1000 if full else 60)


def test_time_of_the_database_does_not_reveal_known_addresses(service: Service, *, full: bool) -> None:
    """Looking up an address takes the same time on either database, whether or not it exists."""
    assert_indistinguishable(service, api_sign_in, known(service), WRONG, 1000 if full else 40)


@pytest.mark.parametrize("password", [pytest.param(WRONG, id="wrong"), pytest.param(PASSWORD, id="right")])
def test_time_does_not_reveal_disabled_accounts(roomy: Service, password: str, *, full: bool) -> None:
    """A disabled account takes as long as an unknown one, even with its right password."""
    assert_indistinguishable(roomy, api_sign_in, disabled(roomy), password, 1000 if full else 40)


@pytest.mark.parametrize("entry_point", MAIL_ENTRY_POINTS)
def test_time_does_not_reveal_who_gets_which_mail(mailing: Service, entry_point: EntryPoint, *, full: bool) -> None:
    """Sending a link, sending a notice to the owner and sending nothing take the same time."""
    assert_indistinguishable(mailing, entry_point, added(mailing), PASSWORD, 1000 if full else 60)


def test_statistic_detects_a_small_difference() -> None:
    """A difference of a tenth of the spread, which an attacker could use, is detected in 1,000 pairs."""
    chance = random.Random(1)  # noqa: S311 - the same figures each time
    first, second, slower = ([chance.gauss(mean, 1.0) for _ in range(1000)] for mean in (0.0, 0.0, 0.3))
    assert abs(rank_statistic(first, second) - 0.5) < 0.05
    assert abs(rank_statistic(first, slower) - 0.5) > 0.05
