"""`doctor` requests the public address from outside, and names what a proxy adds, changes or drops."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.certificate_authority import Authority
from tests.support.gateway import Gateway, closed_port
from tests.support.nginx import Nginx, own_address
from tests.support.outages import file_of
from tests.support.programs import need
from tests.support.service import Service
from twofold.cli.doctor.public_address import faults
from twofold.config import Config


class Site:
    """A service with an https base URL, and the certificate for the proxy in front of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = own_address()
        self.authority = Authority(folder)
        self.authority.server(self.address)
        settings = {"base_url": f"https://{self.address}", "trusted_proxies": "127.0.0.0/8"}
        self.service = Service(folder, settings=settings)
        self.config = Config.from_env(self.service.environment())

    def behind(self, directives: str = "", **others: str) -> Nginx:
        """Return a proxy with additional directives."""
        certificate = self.folder / "server.pem"
        return Nginx(self.folder, self.service.url, directives, address=self.address, certificate=certificate, **others)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a service without a proxy."""
    need("nginx")
    site = Site(tmp_path_factory.mktemp("site"))
    with site.service:
        yield site


@pytest.fixture(autouse=True)
def trusting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the test authority, as the operator's machine trusts that of the site."""
    monkeypatch.setenv("SSL_CERT_FILE", str(site.authority.ca))


def test_clean_proxy_has_no_faults(site: Site) -> None:
    """The proxy may also add other headers, compress, or send a longer HSTS."""
    with site.behind():
        assert list(faults(site.config)) == []
    hsts = 'proxy_hide_header Strict-Transport-Security; add_header Strict-Transport-Security "max-age=63072000";'
    with site.behind(f"gzip on; add_header X-Proxy 1; add_header X-Content-Type-Options nosniff; {hsts}"):
        assert list(faults(site.config)) == []


HIDDEN = (
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Strict-Transport-Security",
)
ADDED = {
    "Content-Security-Policy": ("default-src 'self'", "browsers enforce every policy"),
    "Referrer-Policy": ("no-referrer", "forms may then arrive without their origin"),
    "X-Frame-Options": ("SAMEORIGIN", "Remove it"),
    "Permissions-Policy": ("publickey-credentials-get=()", "Remove it"),
}
SPOILED = {
    "a cookie without Secure": ("proxy_cookie_flags ~ nosecure;", "must have Secure,"),
    "a cookie without HttpOnly": ("proxy_cookie_flags ~ nohttponly;", "must have HttpOnly,"),
    "a cookie without SameSite": ("proxy_cookie_flags ~ nosamesite;", "must have SameSite=Lax,"),
    "a cookie with another SameSite": ("proxy_cookie_flags ~ samesite=none;", "must have SameSite=Lax,"),
    "a cookie for another path": ("proxy_cookie_path / /account;", "must have Path=/,"),
    "a cookie for a domain": ('proxy_cookie_path / "/; Domain=example.org";', "must have no Domain,"),
    "a cookie without anything": (
        "proxy_cookie_flags ~ nosecure nohttponly nosamesite;",
        "must have HttpOnly, Secure, SameSite=Lax,",
    ),
    "no cookies to the browser": ("proxy_hide_header Set-Cookie;", "does not arrive, so users cannot sign in"),
    "no cookies to the service": ('proxy_set_header Cookie "";', "does not arrive, so users cannot sign in"),
    "no origin": ('proxy_set_header Origin "";', "with Origin and Sec-Fetch-Site unchanged"),
    "another origin": ('proxy_set_header Origin "http://$host";', "with Origin and Sec-Fetch-Site unchanged"),
    "no forms": ("limit_except GET { deny all; }", "pass POST requests"),
    "another answer to forms": ("if ($request_method = POST) { return 405; }", "answers 405: configure the proxy"),
    "pages that may be stored": ("expires 1h;", "`Cache-Control: no-store`"),
    "pages without no-store": ("proxy_hide_header Cache-Control;", "`Cache-Control: no-store`"),
    "pages from a cache": ("add_header Age 7;", "switch off caching"),
    "a short HSTS": (
        "proxy_hide_header Strict-Transport-Security; add_header Strict-Transport-Security max-age=300;",
        "less than a year",
    ),
    "another status": ("return 404;", "answers 404: configure the proxy"),
    "a sign-in of its own": ("return 302 https://login.example.net/;", "https://login.example.net/, which was not"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_header_that_a_proxy_drops_is_named(site: Site, name: str) -> None:
    """It is one fault with a remedy."""
    with site.behind(f"proxy_hide_header {name};"):
        (fault,) = faults(site.config)
    assert f"comes without {name}: a proxy drops what Twofold sends; configure it" in fault


def test_all_dropped_headers_are_named_in_one_fault(site: Site) -> None:
    """The operator reads one line, not eight."""
    with site.behind("".join(f"proxy_hide_header {name};" for name in HIDDEN)):
        (fault,) = faults(site.config)
    assert set(HIDDEN) <= set(re.findall(r"[A-Z][A-Za-z-]+", fault))


@pytest.mark.parametrize("instead", [False, True], ids=["beside ours", "instead of ours"])
@pytest.mark.parametrize("name", ADDED)
def test_second_or_changed_header_is_named(site: Site, name: str, *, instead: bool) -> None:
    """The fault has the value, its effect and the remedy."""
    value, harm = ADDED[name]
    hidden = f"proxy_hide_header {name};" if instead else ""
    with site.behind(f'{hidden} add_header {name} "{value}" always;'):
        (fault,) = faults(site.config)
    assert f"comes with another {name}, `{value}`" in fault
    assert harm in fault
    assert "Remove it from the proxy's settings for Twofold" in fault


@pytest.mark.parametrize("directives, expected", [pytest.param(*case, id=name) for name, case in SPOILED.items()])
def test_damage_by_a_proxy_is_named_with_its_remedy(site: Site, directives: str, expected: str) -> None:
    """Each cause is one fault."""
    with site.behind(directives):
        (fault,) = faults(site.config)
    assert expected in fault


@pytest.mark.parametrize("plain", ["proxy_pass", "return 301 http://login.example.net/;", "return 200 x;"])
def test_plain_http_must_be_redirected_to_the_public_address(site: Site, plain: str) -> None:
    """Passwords must not be entered at port 80."""
    if plain == "proxy_pass":
        plain = f"location / {{ proxy_pass {site.service.url}; }}"
    with site.behind(plain=plain):
        (fault,) = faults(site.config)
    assert fault.startswith(f"http://{site.address}/sign-in answers ")
    assert "redirect it to https" in fault


def test_proxy_whose_service_is_stopped_is_one_fault(site: Site) -> None:
    """The proxy answers 502."""
    with Nginx(
        site.folder,
        f"http://127.0.0.1:{closed_port()}",
        address=site.address,
        certificate=site.folder / "server.pem",
    ):
        (fault,) = faults(site.config)
    assert "answers 502" in fault


def test_address_that_does_not_answer_is_one_fault(site: Site) -> None:
    """This covers closed ports and unknown names."""
    (fault,) = faults(site.config)
    assert "cannot be reached from here: Connection refused. Start the service" in fault
    unknown = Config.from_env({"TWOFOLD_BASE_URL": "https://unknown.invalid"})
    (fault,) = faults(unknown)
    assert "https://unknown.invalid/sign-in cannot be reached from here" in fault


def test_certificate_that_is_not_trusted_is_one_fault(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are always verified."""
    monkeypatch.delenv("SSL_CERT_FILE")
    with site.behind():
        (fault,) = faults(site.config)
    assert "certificate of https://" in fault
    assert "SSL_CERT_FILE" in fault


def test_redirect_elsewhere_is_not_followed(site: Site) -> None:
    """The other server gets no request."""
    with Gateway() as elsewhere, site.behind(f"return 302 {elsewhere.url}/;"):
        assert len(list(faults(site.config))) == 1
        assert elsewhere.received == []


def test_check_from_outside_writes_nothing(site: Site) -> None:
    """The database does not change: no event, no count of a limit and no session."""
    before = content(site.service)
    with site.behind():
        for _ in range(20):
            assert list(faults(site.config)) == []
    assert content(site.service) == before


def content(service: Service) -> list[str]:
    """Return the database as text, without findings about proxies, which are written later."""
    with closing(sqlite3.connect(f"file:{file_of(service)}?mode=ro", uri=True)) as file:
        return [line for line in file.iterdump() if "sighting" not in line]


def test_doctor_prints_each_fault_as_a_warning(site: Site) -> None:
    """Faults seen from outside never make it fail."""
    assert doctor(site) == [("warn", "cannot be reached")]
    with site.behind():
        assert doctor(site) == [("ok", "Pages, forms and cookies arrive")]
    with site.behind("proxy_hide_header X-Frame-Options; proxy_cookie_flags ~ nosecure;"):
        assert doctor(site) == [("warn", "X-Frame-Options"), ("warn", "Secure")]


def doctor(site: Site) -> list[tuple[str, str]]:
    """Return the findings about the public address as statuses and texts."""
    environment = {**site.service.environment(), "SSL_CERT_FILE": str(site.authority.ca)}
    command = [sys.executable, "-m", "twofold", "doctor", "--json"]
    run = subprocess.run(command, env=environment, cwd=site.folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    parts = ("cannot be reached", "Pages, forms and cookies arrive", "X-Frame-Options", "Secure")
    found = [line for line in json.loads(run.stdout) if line["name"] == "public address"]
    return [(line["status"], next(part for part in parts if part in line["text"])) for line in found]


def test_public_address_with_a_path_is_requested_below_it(tmp_path: Path) -> None:
    """The proxy may remove the path or pass it on, also over plain http, where no cookie is Secure."""
    for tail in ("", "/"):
        service = Service(tmp_path / f"data{len(tail)}")
        directives = f"location /account/ {{ proxy_pass {service.url}{tail}; }}"
        with Nginx(tmp_path, f"http://127.0.0.1:{closed_port()}", directives) as proxy:
            service.settings["base_url"] = f"{proxy.url}/account"
            with service:
                assert list(faults(Config.from_env(service.environment()))) == []
