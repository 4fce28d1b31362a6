"""During a database outage, every response has all security headers and Retry-After."""

import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.support import outages
from tests.support.clients import Person
from tests.support.cluster import Cluster
from tests.support.cookies import cookie_name
from tests.support.gateway import wait_until
from tests.support.guarded import check_guarded
from tests.support.health import wait_until_ready
from tests.support.routes import ROUTES, path_of
from tests.support.service import Service

BASE_URL = "https://id.example.com"
PATHS = sorted({*((route.method, path_of(route)) for route in ROUTES), ("GET", "/api/v1/session"), ("GET", "/nowhere")})


class Unopened(Service):
    """The application in another server, which opens it at the first request (no lifespan)."""

    def command_line(self) -> list[str]:
        """Return the command that is run."""
        factory = ["--factory", "twofold.asgi:application", "--lifespan", "off"]
        return [sys.executable, "-m", "uvicorn", *factory, "--port", str(self.port), "--log-level", "warning"]


@pytest.fixture
def wire() -> Iterator[httpx2.Client]:
    """Yield a client for many simultaneous requests."""
    limits = httpx2.Limits(max_connections=40)
    with httpx2.Client(trust_env=False, timeout=60, limits=limits) as client:
        yield client


def listens(port: int) -> bool:
    """Return whether a port accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask_all(wire: httpx2.Client, url: str, cookie: str) -> dict[tuple[str, str], httpx2.Response]:
    """Return the responses of every route to a signed-in browser, requested in parallel."""

    def ask(route: tuple[str, str]) -> httpx2.Response:
        method, path = route
        api = path.startswith("/api/")
        kind = "application/json" if api else "application/x-www-form-urlencoded"
        headers = {"Origin": BASE_URL, "Cookie": cookie, "Content-Type": kind}
        body = b"" if method == "GET" else b"{}" if api else b"email=a@example.com&password=x"
        return wire.request(method, url + path, headers=headers, content=body)

    with ThreadPoolExecutor(40) as several:
        return dict(zip(PATHS, several.map(ask, PATHS), strict=True))


def check(answers: dict[tuple[str, str], httpx2.Response]) -> int:
    """Check every response, and return how many were 503."""
    away = 0
    for route, answer in answers.items():
        check_guarded(answer.headers, secure=True, kept="etag" in answer.headers, where=route)
        if answer.status_code == 503:
            away += 1
            assert int(answer.headers["retry-after"]) > 0, route
            assert "set-cookie" not in answer.headers, route
            expected = "application/problem+json" if route[1].startswith("/api/") else "text/"
            assert answer.headers["content-type"].startswith(expected), route
    return away


def test_responses_during_an_outage_have_all_headers(fragile: Cluster, tmp_path: Path, wire: httpx2.Client) -> None:
    """This covers pages, calls and the session check of a running service."""
    with Service(tmp_path, database_url=fragile.database(), settings={"base_url": BASE_URL}) as service:
        cookie = f"{cookie_name(BASE_URL)}={Person.signed_in(service.url).api.token}"
        with outages.stopped(fragile):
            answers = ask_all(wire, service.url, cookie)
            assert check(answers) > 30
            assert answers["GET", "/settings"].status_code == 503
            assert answers["GET", "/api/v1/session"].status_code == 503
        wait_until_ready(service)


def test_responses_before_the_database_is_available_have_all_headers(
    fragile: Cluster, tmp_path: Path, wire: httpx2.Client
) -> None:
    """Every route is unavailable until the application can open the database."""
    url = fragile.database()
    service = Unopened(tmp_path, database_url=url, settings={"base_url": BASE_URL})
    try:
        check_before_and_after(service, fragile, wire)
    finally:
        service.kill()


def check_before_and_after(service: Service, fragile: Cluster, wire: httpx2.Client) -> None:
    """Start the service while the database is stopped, and wait until it is ready after the database is back."""
    with outages.stopped(fragile):
        service.start(wait=False)
        wait_until(lambda: listens(service.port))
        answers = ask_all(wire, service.url, "a=b")
        assert check(answers) == len(PATHS)
    wait_until_ready(service)
