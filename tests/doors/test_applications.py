"""Applications behind nginx, set up as their document says, know who is signed in, and believe no one else."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import httpx2
import pytest

from tests.doors.conftest import APP, HOSTS, OPEN, Site
from tests.support.applications import PREPARATIONS, Application
from tests.support.clients import PASSWORD, Api
from tests.support.door_visitor import NAVIGATION, Visitor
from tests.support.doors import DOCUMENTS, Door

GRACE, HENRY = "grace@example.org", "henry@example.org"
NAME = "Grace Høpper"
SPELLINGS = ("Remote-User", "remote-user", "Remote_User", "REMOTE_USER", "Remote.User", "HTTP_REMOTE_USER")
WHO = b'<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'


class Place(NamedTuple):
    """An application and the proxy in front of it."""

    site: Site
    application: Application
    door: Door

    def visitor(self, email: str = "") -> Visitor:
        """Return a browser, in which someone has signed in if there is an address."""
        visitor = Visitor(self.door.port, self.site.authority.ca)
        return visitor.signed_in(email, PASSWORD, f"https://{APP}/.twofold/sign-in.html?to=/") if email else visitor

    def user(self, visitor: Visitor, host: str = APP, **headers: str) -> str:
        """Return as whom the application addresses a visitor."""
        method, body = ("PROPFIND", WHO) if self.application.name == "radicale" else ("GET", b"")
        return named_in(visitor.ask(host, "/", (*NAVIGATION, *headers.items()), method=method, body=body).body)


def named_in(body: bytes) -> str:
    """Return the user that an answer of an application names."""
    found = re.search(r"Hello, (.*)|<current-user-principal>\s*<href>/([^/]*)/</href>", body.decode())
    return found[1] or found[2] if found else ""


@pytest.fixture(scope="module", autouse=True)
def accounts(site: Site) -> None:
    """Create two people, one of them with a name that is not ASCII."""
    for email in (GRACE, HENRY):
        with Api(site.service.url) as api:
            api.sign_up(email).expect(201)
        assert site.service.command("account", "confirm-email", email).returncode == 0
    assert site.service.command("account", "set", GRACE, "--name", NAME).returncode == 0


@pytest.fixture(scope="module", params=PREPARATIONS)
def place(request: pytest.FixtureRequest, site: Site) -> Iterator[Place]:
    """Yield each application, running behind nginx."""
    with Application(request.param, site.folder / "applications", APP) as application:
        certificate, twofold = site.folder / "server.pem", site.service.port
        door = Door("nginx", site.folder, certificate, twofold=twofold, application=application.port, hosts=HOSTS)
        with door:
            yield Place(site, application, door)


@pytest.fixture(scope="module")
def grace(place: Place) -> Visitor:
    """Return a browser in which Grace is signed in."""
    return place.visitor(GRACE)


def test_user_has_the_own_name_in_the_application(place: Place, grace: Visitor) -> None:
    """The username, or name and username."""
    assert place.user(grace) == {"flask": f"{NAME} (grace)"}.get(place.application.name, "grace")


@pytest.mark.parametrize("name", SPELLINGS)
def test_forged_header_does_nothing(place: Place, grace: Visitor, name: str) -> None:
    """For a user, and for someone who is not signed in, on an open host too."""
    assert "henry" not in place.user(grace, **{name: "henry"})
    assert "grace" in place.user(grace, **{name: "henry"})
    for host in (APP, OPEN):
        assert "henry" not in place.user(place.visitor(), host, **{name: "henry"})


def test_next_user_of_a_browser_is_not_taken_for_the_first(place: Place) -> None:
    """After a sign-out at Twofold, with all cookies of the application kept."""
    visitor = place.visitor(GRACE)
    assert "grace" in place.user(visitor)
    page = visitor.get(visitor.get(f"https://{APP}/.twofold/sign-out.html").header("location"))
    assert visitor.submit(page, "/gate/sign-out").status == 200
    assert "grace" not in place.user(visitor)
    visitor.signed_in(HENRY, PASSWORD, f"https://{APP}/")
    assert "henry" in place.user(visitor)


def test_application_is_reached_only_on_loopback(place: Place) -> None:
    """With the settings of the document, it has no other address: 127.0.0.2 stands for one."""
    assert place.application.listens("127.0.0.1")
    assert not place.application.listens("127.0.0.2")


def test_application_believes_what_reaches_it_past_the_proxy(place: Place) -> None:
    """Therefore the document wants it on loopback; and the tests above would notice a header that passes."""
    method, body = ("PROPFIND", WHO) if place.application.name == "radicale" else ("GET", b"")
    forged = {"Host": APP, "Remote-User": "henry", "Remote-Name": "henry"}
    address = f"http://127.0.0.1:{place.application.port}/"
    assert "henry" in named_in(httpx2.request(method, address, headers=forged, content=body, trust_env=False).content)


@pytest.mark.parametrize("name", PREPARATIONS)
def test_document_names_the_version_that_is_run(name: str) -> None:
    """For the applications that the tests run."""
    found = re.search(rf"\(#{name}\) \| (\S+) \| the tests run it", (DOCUMENTS / "applications.md").read_text("utf-8"))
    assert found
    assert f"{name}=={found[1]} " in (DOCUMENTS.parents[1] / "requirements-dev.txt").read_text()
