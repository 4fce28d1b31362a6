"""Refused requests write no row and do not wait for the writer."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD, Answer, Api
from tests.support.cluster import Cluster
from tests.support.flood import addresses
from tests.support.forms import FormBrowser
from tests.support.openapi import CheckedApi
from tests.support.service import Service
from tests.support.users import User

AGAIN = 5
MADE_UP = "x" * 43
NEW = "lantern-meadow-cobalt-17"
sources = addresses("10.88")


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server behind a trusted proxy, with the default limits."""
    folder = tmp_path_factory.mktemp("refusals")
    url = new_database(request.param, request, folder)
    running = Service(folder, database_url=url, settings={"trusted_proxies": "127.0.0.1/32"})
    del running.settings["limit_source"], running.settings["limit_sign_ups"]
    with running:
        yield running


def at(service: Service) -> Api:
    """Return a client with a new IP address."""
    return Api(service.url, headers={"X-Forwarded-For": next(sources)})


def over_its_limit(service: Service) -> Api:
    """Return a client whose address has reached the limit on wrong passwords."""
    client = at(service)
    for number in range(10):
        client.sign_in(f"nobody-{number}@example.org", "wrong").expect(401)
    return client


def protected(service: Service) -> User:
    """Return a new user with an authenticator."""
    person = User(service)
    person.api = CheckedApi(service.url, headers={"X-Forwarded-For": next(sources)})
    person.api.sign_up(person.email).expect(201)
    person.api.sign_in(person.email).expect(200)
    person.enable_totp()
    return person


def half_open_and_over(service: Service) -> Api:
    """Return a client that entered the right password and too many wrong codes."""
    person = protected(service)
    client, wrong = at(service), f"{(int(person.code()) + 1) % 1_000_000:06}"
    client.sign_in(person.email).expect(200)
    for _ in range(5):
        client.give_code(wrong).expect(401)
    client.sign_in(person.email).expect(200)
    return client


def signed_up_out(service: Service) -> Api:
    """Return a client that has signed up as often as it may."""
    client = at(service)
    for _ in range(60):
        client.call("POST", "/accounts", {"email": "nobody", "password": NEW}).expect(422)
    return client


def asked_out(service: Service) -> Api:
    """Return a client that has asked for as many resets as it may."""
    client = at(service)
    for number in range(60):
        client.call("POST", "/password-reset", {"email": f"nobody-{number}@example.org"}).expect(202)
    return client


Ask = Callable[[Api, int], Answer]
REFUSED: dict[str, tuple[Callable[[Service], Api], Ask, int]] = {
    "a password beyond the limit of the source": (
        over_its_limit,
        lambda api, n: api.sign_in(f"made-up-{n}@example.org", "wrong"),
        429,
    ),
    "a code with a made-up token": (
        at,
        lambda api, _: api.call("POST", "/sign-in/code", {"sign_in": MADE_UP, "code": "123456"}),
        410,
    ),
    "a recovery code with a made-up token": (
        at,
        lambda api, _: api.call("POST", "/sign-in/recovery-code", {"sign_in": MADE_UP, "recovery_code": "A" * 25}),
        410,
    ),
    "a code to be sent with a made-up token": (
        at,
        lambda api, _: api.call("POST", "/sign-in/code/send", {"sign_in": MADE_UP, "factor_id": "a" * 26}),
        410,
    ),
    "a code beyond the limit": (half_open_and_over, lambda api, _: api.give_code("123456"), 429),
    "a recovery code beyond the limit": (half_open_and_over, lambda api, _: api.give_recovery_code("A" * 25), 429),
    "a reset with a made-up link": (
        at,
        lambda api, _: api.call("POST", "/password-reset/complete", {"token": MADE_UP, "new_password": NEW}),
        404,
    ),
    "a reset beyond the limit": (
        asked_out,
        lambda api, n: api.call("POST", "/password-reset", {"email": f"made-up-{n}@example.org"}),
        202,
    ),
    "a sign-up beyond the limit": (
        signed_up_out,
        lambda api, n: api.sign_up(f"made-up-{n}@example.org"),
        429,
    ),
    "a sign-up with a made-up link": (
        at,
        lambda api, _: api.call("POST", "/accounts/complete", {"token": MADE_UP, "password": NEW}),
        404,
    ),
    "signing out with a made-up session": (
        at,
        lambda api, _: api.call("DELETE", "/session", headers={"Authorization": f"Bearer {MADE_UP}"}),
        401,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_request_changes_no_table(service: Service, request: pytest.FixtureRequest, name: str) -> None:
    """Every row of every table stays the same, and the request does not wait for SQLite's one writer."""
    prepare, ask, status = REFUSED[name]
    client = prepare(service)
    before = state(service, request)
    with writer_taken(service):
        for number in range(AGAIN):
            ask(client, number).expect(status)
    assert state(service, request) == before


def test_cancelling_an_unknown_sign_in_changes_no_table(service: Service, request: pytest.FixtureRequest) -> None:
    """Cancelling a sign-in that does not exist writes nothing either."""
    person = protected(service)
    browser = FormBrowser(service.url)
    browser.sign_in(person.email, PASSWORD)
    browser.keep(next(name for name in browser.cookies if "sign_in" in name), MADE_UP)
    before = state(service, request)
    browser.post("/sign-in/cancel").expect(303)
    assert state(service, request) == before


@contextmanager
def writer_taken(service: Service) -> Iterator[None]:
    """Occupy SQLite's writer, so that requests that need it are answered 503."""
    url = service.settings["database_url"]
    if not url.startswith("sqlite"):
        yield
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def state(service: Service, request: pytest.FixtureRequest) -> dict[str, object]:
    """Return the rows of every table that requests change.

    Two are written in the background: of sessions, whose last use is saved from time to time, this counts the rows;
    what the service noticed about its proxy is left out.
    """
    url = service.settings["database_url"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            rows: dict[str, object] = {
                table: sorted(map(repr, database.execute(f"SELECT * FROM {table}")))  # noqa: S608 - the database's own
                for table in tables
            }
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        name = url.rpartition("/")[2]
        listed = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        rows = {
            table: sorted(cluster.sql(f"SELECT * FROM {table}", name).splitlines())  # noqa: S608 - the database's own
            for table in cluster.sql(listed, name).split()
        }
    del rows["sighting"]
    return rows | {"session": len(rows["session"])}  # type: ignore[arg-type]  # a list
