"""Twofold and an application behind each proxy, which is started from its document."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import new_database
from tests.support.certificate_authority import Authority
from tests.support.clients import PASSWORD, Api
from tests.support.door_visitor import Visitor
from tests.support.doors import RECIPES, TWOFOLD, Door
from tests.support.echo import EchoApplication
from tests.support.service import Service

APP, OTHER, OPEN, CLOSED, STAFF, MIXED, PART, WILD = HOSTS = tuple(
    f"{name}.example.org" for name in ("app", "other", "open", "closed", "staff", "mixed", "part", "one.wild")
)
RULES = f"""
[[rules]]
host = "{OPEN}"
require = "open"
[[rules]]
host = "{CLOSED}"
require = "deny"
[[rules]]
host = "{STAFF}"
groups = ["staff"]
[[rules]]
host = "{MIXED}"
path = "/open"
require = "open"
[[rules]]
host = "{MIXED}"
path = "/strong"
require = "two_factor"
[[rules]]
host = "{MIXED}"
[[rules]]
host = "{PART}"
path = "/admin"
require = "two_factor"
[[rules]]
host = "{PART}"
require = "open"
[[rules]]
host = "*.free.example.org"
require = "open"
"""
ADA = "ada@example.org"
# What a proxy sees does not depend on the database, so one proxy on PostgreSQL is enough every time.
ON_POSTGRES = tuple(RECIPES) if os.environ.get("FULL") == "1" else ("nginx",)


class Site:
    """A service, an application and certificates, which all proxies share."""

    def __init__(self, folder: Path, service: Service, application: EchoApplication) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.authority.server(TWOFOLD, *HOSTS, "*.wild.example.org", "*.free.example.org")
        self.service = service
        self.application = application

    def behind(
        self,
        name: str,
        *,
        twofold: int | None = None,
        application: int | None = None,
        changes: Mapping[str, str] | None = None,
    ) -> Door:
        """Return a proxy; `twofold` is another port to ask at, and `changes` are made to its recipe."""
        return Door(
            name,
            self.folder,
            self.folder / "server.pem",
            twofold=twofold or self.service.port,
            application=application or self.application.port,
            hosts=HOSTS,
            changes=changes,
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test with a proxy on SQLite and, for some proxies, on PostgreSQL."""
    if "door" in metafunc.fixturenames:
        places = [*(("sqlite", name) for name in RECIPES), *(("postgres", name) for name in ON_POSTGRES)]
        ids = [name if database == "sqlite" else f"{name}-{database}" for database, name in places]
        metafunc.parametrize(("site", "door"), places, indirect=True, scope="package", ids=ids)
    elif "site" in metafunc.fixturenames:
        metafunc.parametrize("site", ["sqlite"], indirect=True, scope="package")


@pytest.fixture(scope="package")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a service with an account, and an application."""
    folder = tmp_path_factory.mktemp("site")
    database_url = new_database("postgres", request, folder) if request.param == "postgres" else None
    settings = {
        "base_url": f"https://{TWOFOLD}",
        "trusted_proxies": "127.0.0.1",
        "gate_rules": RULES,
        "gate_hosts": f"{APP} {OTHER} *.wild.example.org",
    }
    with EchoApplication() as application, Service(folder, database_url=database_url, settings=settings) as service:
        with Api(service.url) as api:
            api.sign_up(ADA).expect(201)
        for command in (("account", "confirm-email", ADA), ("group", "add", "crew"), ("group", "join", "crew", ADA)):
            assert service.command(*command).returncode == 0
        yield Site(folder, service, application)


@pytest.fixture(scope="package")
def door(request: pytest.FixtureRequest, site: Site) -> Iterator[Door]:
    """Yield each proxy, running."""
    with site.behind(request.param) as running:
        yield running


@pytest.fixture
def browser(site: Site, door: Door) -> Visitor:
    """Return a browser without cookies."""
    return Visitor(door.port, site.authority.ca)


@pytest.fixture(scope="package")
def ada(site: Site, door: Door) -> Visitor:
    """Return a browser in which Ada has opened the application; tests leave it signed in."""
    return Visitor(door.port, site.authority.ca).signed_in(ADA, PASSWORD, f"https://{APP}/")


@pytest.fixture
def reached(site: Site) -> Callable[[], list[str]]:
    """Return a function that returns the targets of all requests that have reached the application during the test."""
    before = len(site.application.received)
    return lambda: [each.target for each in site.application.received[before:]]
