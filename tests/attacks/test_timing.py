"""H01, H02: whether somebody has an account is told by nothing: not by what a refused sign-in says, nor by its time."""

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

from tests.clients import PASSWORD, Person
from tests.conftest import DATABASES, new_database
from tests.recorder import Recorder
from tests.service import Service

WRONG = "quartz-lantern-meadow-81"
# With 1,000 pairs the bound is 0.05; with fewer it is as wide as chance makes it, at the same confidence (1 in 10,000).
DEVIATIONS = 3.9
UNKNOWN = "nobody-0123456789ab@example.com"


@dataclass(frozen=True)
class Refusal:
    """All of an answer that somebody could compare."""

    status: int
    headers: list[str]
    cookies: list[str]
    text: str


Door = Callable[[str, str], tuple[str, str, str]]


def api_door(email: str, password: str) -> tuple[str, str, str]:
    """A sign-in at the API: path, body and type."""
    return "/api/v1/sign-in", json.dumps({"email": email, "password": password}), "application/json"


def page_door(email: str, password: str) -> tuple[str, str, str]:
    """A sign-in at the page: path, body and type."""
    return "/sign-in", urlencode({"email": email, "password": password}), "application/x-www-form-urlencoded"


def api_reset_door(email: str, _password: str) -> tuple[str, str, str]:
    """A forgotten password at the API: path, body and type."""
    return "/api/v1/password-reset", json.dumps({"email": email}), "application/json"


def page_reset_door(email: str, _password: str) -> tuple[str, str, str]:
    """A forgotten password at the page: path, body and type."""
    return "/forgot-password", urlencode({"email": email}), "application/x-www-form-urlencoded"


def api_sign_up_door(email: str, password: str) -> tuple[str, str, str]:
    """A sign-up at the API: path, body and type."""
    return "/api/v1/accounts", json.dumps({"email": email, "password": password}), "application/json"


def page_sign_up_door(email: str, password: str) -> tuple[str, str, str]:
    """A sign-up at the page: path, body and type."""
    return "/sign-up", urlencode({"email": email, "password": password}), "application/x-www-form-urlencoded"


MAIL_DOORS = [
    pytest.param(api_reset_door, id="reset, api"),
    pytest.param(page_reset_door, id="reset, page"),
    pytest.param(api_sign_up_door, id="sign-up, api"),
    pytest.param(page_sign_up_door, id="sign-up, page"),
]
DOORS = [pytest.param(api_door, id="api"), pytest.param(page_door, id="page")]


class Guesser:
    """Somebody who tries addresses at a door over one connection, and looks at what comes back and how soon."""

    def __init__(self, service: Service, door: Door) -> None:
        self.origin = service.url
        self.connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
        self.door = door

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, email: str, password: str) -> tuple[float, Refusal]:
        """The time in seconds of one try, and what it brought, the typed address being taken out."""
        path, body, media_type = self.door(email, password)
        headers = {"Content-Type": media_type, "Origin": self.origin}
        begun = time.perf_counter()
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - begun
        told = [name.lower() for name, _ in answer.getheaders()]
        cookies = [str(SimpleCookie(value)) for value in answer.headers.get_all("Set-Cookie", [])]
        return took, Refusal(answer.status, told, cookies, content.decode().replace(email, "-" * len(email)))


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server, with room for many wrong passwords on one account."""
    folder = tmp_path_factory.mktemp("timing")
    settings = {"limit_passwords": "1000000 30s..1h"}
    with Service(folder, database_url=new_database(request.param, request, folder), settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same on SQLite alone, where the database does not matter."""
    with Service(tmp_path_factory.mktemp("timing"), settings={"limit_passwords": "1000000 30s..1h"}) as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def mailing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server with mail, and room for many mails to one address."""
    folder = tmp_path_factory.mktemp("timing")
    with Recorder() as recorder:
        settings = {"mail_url": recorder.url, "limit_mails": "1000000/1h"}
        with Service(folder, database_url=new_database(request.param, request, folder), settings=settings) as running:
            yield running


def added(service: Service) -> str:
    """The address of an account that the operator made; as long as the unknown one."""
    email = f"somebody-{secrets.token_hex(5)}@example.com"
    done = service.command("account", "add", email, "--password-file", "-", stdin=PASSWORD)
    assert done.returncode == 0, done.stderr
    return email


def known(service: Service) -> str:
    """The address of somebody who has an account; as long as the unknown one."""
    return Person.signed_in(service.url, email=f"somebody-{secrets.token_hex(5)}@example.com").email


def disabled(service: Service) -> str:
    """The address of an account that an administrator has disabled."""
    email = known(service)
    done = service.command("account", "disable", email)
    assert done.returncode == 0, done.stderr
    return email


# ------------------------------------------------------------------ what is said


@pytest.mark.parametrize("door", DOORS)
def test_a_refused_sign_in_says_the_same_to_all(service: Service, door: Door) -> None:
    """Known, unknown, protected and disabled addresses get one answer (Vault CVE-2025-6011, Django CVE-2024-39329)."""
    protected = Person.with_totp(service.url).email
    asked = [(UNKNOWN, WRONG), (UNKNOWN, PASSWORD), (known(service), WRONG), (protected, WRONG)]
    asked += [(disabled(service), WRONG), (disabled(service), PASSWORD)]
    with Guesser(service, door) as guesser:
        answers = [alike(guesser.ask(email, password)[1]) for email, password in asked]
    assert answers == [answers[0]] * len(answers)
    assert answers[0].status == 401


def alike(answer: Refusal) -> Refusal:
    """The answer without the typed address, which the page gives back to whoever typed it."""
    return Refusal(answer.status, answer.headers, answer.cookies, answer.text.replace("-", ""))


@pytest.mark.parametrize("door", DOORS)
def test_a_limit_that_is_reached_says_the_same_to_all(sqlite_service: Service, door: Door) -> None:
    """An unknown address runs into the limit on wrong passwords at the same try, and is told the same."""
    strangers = [f"nobody-{secrets.token_hex(6)}@example.com", known(sqlite_service)]
    with Guesser(sqlite_service, door) as guesser:
        runs = [[alike(guesser.ask(email, WRONG)[1]) for _ in range(7)] for email in strangers]
    assert [answer.status for answer in runs[0]] == [401] * 5 + [429] * 2
    assert [answer.status for answer in runs[1]] == [401] * 5 + [429] * 2
    assert [answer.headers for answer in runs[0]] == [answer.headers for answer in runs[1]]
    assert [answer.cookies for answer in runs[0]] == [answer.cookies for answer in runs[1]]


@pytest.mark.parametrize("door", MAIL_DOORS)
def test_what_brings_a_mail_says_the_same_to_all(mailing: Service, door: Door) -> None:
    """Known, unknown and disabled addresses get one answer where a link is mailed."""
    closed = added(mailing)
    assert mailing.command("account", "disable", closed).returncode == 0
    with Guesser(mailing, door) as guesser:
        answers = [alike(guesser.ask(email, PASSWORD)[1]) for email in (UNKNOWN, added(mailing), closed)]
    assert answers == [answers[0]] * len(answers)
    assert answers[0].status in (200, 202)
    assert answers[0].cookies == []


# ------------------------------------------------------------------ how long it takes


def rank_statistic(first: Sequence[float], second: Sequence[float]) -> float:
    """How often a value of the first is above one of the second (AUC); one half when nothing tells them apart."""
    ordered = sorted(second)
    above = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in first)
    return above / (2 * len(first) * len(second))


def bound(pairs: int) -> float:
    """How far from one half chance takes the statistic (standard deviation of the Mann-Whitney statistic)."""
    return float(DEVIATIONS * ((2 * pairs + 1) / (12 * pairs * pairs)) ** 0.5)


def times_of(guesser: Guesser, one: tuple[str, str], other: tuple[str, str], pairs: int) -> list[list[float]]:
    """The times of two kinds of tries, pair by pair, in changing order."""
    times: list[list[float]] = [[], []]
    for _ in range(3):
        guesser.ask(*one)
        guesser.ask(*other)
    for _ in range(pairs):
        for kind in random.sample([0, 1], 2):
            times[kind].append(guesser.ask(*(one, other)[kind])[0])
    return times


def assert_not_told_apart(service: Service, door: Door, email: str, password: str, pairs: int) -> None:
    """Fails when the times of tries at an address are not those of tries at an unknown one."""
    with Guesser(service, door) as guesser:
        statistic = rank_statistic(*times_of(guesser, (email, password), (UNKNOWN, password), pairs))
    assert abs(statistic - 0.5) <= bound(pairs), f"{statistic:.3f} over {pairs} pairs"


@pytest.mark.parametrize("door", DOORS)
def test_the_time_does_not_tell_whether_an_address_is_known(roomy: Service, door: Door, *, full: bool) -> None:
    """A wrong password takes as long for an unknown address as for a known one (Vault CVE-2025-6011)."""
    assert_not_told_apart(roomy, door, known(roomy), WRONG, 1000 if full else 60)


def test_the_time_does_not_tell_whether_an_address_is_known_to_the_database(service: Service, *, full: bool) -> None:
    """The look-up of an address takes as long on either database whether it finds something or not."""
    assert_not_told_apart(service, api_door, known(service), WRONG, 1000 if full else 40)


@pytest.mark.parametrize("password", [pytest.param(WRONG, id="wrong"), pytest.param(PASSWORD, id="right")])
def test_the_time_does_not_tell_whether_an_account_is_disabled(roomy: Service, password: str, *, full: bool) -> None:
    """A disabled account takes as long as an unknown one, even with its right password."""
    assert_not_told_apart(roomy, api_door, disabled(roomy), password, 1000 if full else 40)


@pytest.mark.parametrize("door", MAIL_DOORS)
def test_the_time_does_not_tell_who_gets_which_mail(mailing: Service, door: Door, *, full: bool) -> None:
    """A link for one, a word to the owner, or nothing at all: each takes as long."""
    assert_not_told_apart(mailing, door, added(mailing), PASSWORD, 1000 if full else 60)


def test_the_statistic_sees_what_it_is_for() -> None:
    """A difference of a tenth of the spread, which a guesser could use, is found in 1,000 pairs."""
    chance = random.Random(1)  # noqa: S311 - the same figures each time
    first, second, slower = ([chance.gauss(mean, 1.0) for _ in range(1000)] for mean in (0.0, 0.0, 0.3))
    assert abs(rank_statistic(first, second) - 0.5) < 0.05
    assert abs(rank_statistic(first, slower) - 0.5) > 0.05
