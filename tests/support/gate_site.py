"""Twofold and applications under two domains behind nginx, and people who open them in Chromium."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from playwright.sync_api import Page, expect

from tests.support.browser_person import BrowserPerson
from tests.support.certificate_authority import Authority
from tests.support.clients import Api
from tests.support.doors import TWOFOLD, Door
from tests.support.phones import FROM_ONE_ADDRESS
from tests.support.service import Service
from tests.support.small_application import NAVIGATIONS, SmallApplication

AUTH, APP, NEIGHBOUR = f"https://{TWOFOLD}", "https://app.example.org", "https://wiki.example.org"
FILES = "https://files.example.net"  # under another domain
WORKERS = {kind: f"https://{kind}.example.org" for kind in NAVIGATIONS}
APPLICATIONS = (APP, NEIGHBOUR, FILES, *WORKERS.values())
HOSTS = tuple(origin.removeprefix("https://") for origin in APPLICATIONS)
RULES = """
[[rules]]
host = "app.example.org"
path = "/admin"
require = "two_factor"
[[rules]]
host = "strict.example.org"
path = "/data.json"
require = "two_factor"
[[rules]]
host = "app.example.org"
path = "/vault"
fresh = "5m"
[[rules]]
host = "app.example.org"
path = "/staff"
groups = ["staff"]
"""
TILES = f"""
[[apps]]
name = "Team wiki"
url = "{NEIGHBOUR}/"
[[apps]]
name = "Files with a name that is so long that it needs more than one line on its tile"
url = "{FILES}/"
"""


class GateSite:
    """A service, an application and nginx, started from its recipe, in front of both."""

    def __init__(self, service: Service, application: SmallApplication, door: Door) -> None:
        self.service, self.application, self.door = service, application, door

    @property
    def browser_arguments(self) -> tuple[str, str]:
        """Return the arguments with which Chromium finds all hosts here, and accepts their certificate.

        Service workers are registered only if no certificate is in doubt, so it is not enough to accept it by page.
        """
        here = f"127.0.0.1:{self.door.port}"
        return (
            f"--host-resolver-rules=MAP *.example.org {here},MAP *.example.net {here}",
            "--ignore-certificate-errors",
        )

    def targets(self, origin: str) -> list[str]:
        """Return what the application was asked for at an origin."""
        host = origin.removeprefix("https://")
        return [visit.target for visit in self.application.visits if visit.host == host]


class GatePerson(BrowserPerson):
    """A person who opens applications behind the gate."""

    @property
    def username(self) -> str:
        """The username that was made from the email address."""
        return self.email.partition("@")[0]

    def has_an_account(self) -> Self:
        """Return this person, after an account without 2FA was created some time ago."""
        with Api(self.computer.service.url) as api:
            api.sign_up(self.email, self.password).expect(201)
        return self

    def enters_password(self) -> None:
        """Complete the first step at the page on which the application has put the browser."""
        self.sees(f"Sign in to {TWOFOLD}")
        self.field("Email").fill(self.email)
        self.password_field().fill(self.password)
        self.button("Sign in").click()

    def authenticates_again(self) -> None:
        """Enter password and code on the way to an application."""
        self.sees("Authenticate to continue")
        self.password_field().fill(self.password)
        if self.phone is not None:
            self.field("Verification code").fill(self.code())
        self.button("Authenticate").click()

    def arrives_at(self, address: str, page: Page | None = None) -> None:
        """Check that the application is open at exactly this address, for this person."""
        page = page or self.page
        heading = page.get_by_role("heading", level=1, name=f"Hello {self.username}", exact=True)
        expect(heading).to_be_visible()
        assert page.url == address

    def signs_in_at(self, address: str) -> None:
        """Open an application, sign in on the way and arrive."""
        self.page.goto(address)
        self.enters_password()
        self.arrives_at(address)

    def is_signed_out_elsewhere(self) -> None:
        """End all sessions of the person, as an administrator can."""
        run = self.computer.service.command("account", "sign-out", self.email)
        assert run.returncode == 0, run.stderr


def expects_sign_in(page: Page) -> None:
    """Wait for the page that asks for the password."""
    expect(page.get_by_role("heading", level=1, name=f"Sign in to {TWOFOLD}")).to_be_visible()
    assert re.match(rf"{AUTH}/sign-in\?", page.url)


@contextmanager
def gate_site(folder: Path) -> Iterator[GateSite]:
    """Yield a site, whose clock only moves forward, so use new accounts."""
    Authority(folder).server(TWOFOLD, *HOSTS)
    settings = {
        **FROM_ONE_ADDRESS,
        "base_url": AUTH,
        "trusted_proxies": "127.0.0.1",
        "gate_rules": RULES,
        "gate_hosts": " ".join(HOSTS),
        "gate_apps": TILES,
    }
    with (
        SmallApplication() as application,
        Service(folder / "service", settings=settings, movable_clock=True) as service,
        Door(
            "nginx",
            folder,
            folder / "server.pem",
            twofold=service.port,
            application=application.port,
            hosts=HOSTS,
        ) as door,
    ):
        yield GateSite(service, application, door)
