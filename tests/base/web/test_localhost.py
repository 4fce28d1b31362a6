"""Pages requested at 127.0.0.1 or [::1] redirect to `localhost`; programs and probes do not."""

from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse, Response

from tests.support.in_process import LocalApp, in_process
from tests.support.routes import NO_ID, PAGES, path_of
from twofold import running
from twofold.base.sightings import CHANGED_ORIGIN, Sightings, last_seen
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.router import RouteTable
from twofold.base.web.routes import Page
from twofold.running import ROUTES

DEFAULT = "http://localhost:8000"
NUMERIC = ("127.0.0.1:8000", "[::1]:8000")
FORM = {"email": "ada@example.org", "password": "walnut-harbour-ember-53"}


async def leads_to(browser: LocalApp, path: str, host: str, method: str = "GET") -> str | None:
    """Return where a request at a host is sent, if it is sent to `localhost`."""
    answer = await browser.http.request(method, path, headers={"Host": host})
    location = answer.headers.get("location", "")
    return location if location.startswith("http") else None


async def hello(_ctx: Context) -> Response:
    """Answer as a page."""
    return PlainTextResponse("Hello")


@pytest.mark.parametrize("host", NUMERIC)
async def test_every_page_and_nothing_else_leads_to_localhost(host: str, tmp_path: Path) -> None:
    """All declared GET routes are tested."""
    async with in_process(tmp_path, base_url=DEFAULT) as browser:
        for template, routes in ROUTES.paths.items():
            path = template.replace("{token}", NO_ID).replace("{id}", NO_ID).replace("{name}", NO_ID)
            for route in routes:
                if route.method == "GET":
                    moves = isinstance(route, Page) and not path.startswith("/gate/")
                    expected = f"{DEFAULT}{path}" if moves else None
                    assert await leads_to(browser, path, host) == expected, path


@pytest.mark.parametrize("path", ["/api", "/gate/sign-out", "/oidc/authorize", "/oidc", "/healthz", "/readyz"])
async def test_page_below_a_path_of_programs_stays(path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pages of the gate or of OpenID Connect answer at the address that the other program uses."""
    other = f"/{path.split('/')[1]}-other"
    pages = [Page("GET", place, hello, Access.PUBLIC) for place in (path, other)]
    monkeypatch.setattr(running, "ROUTES", RouteTable(pages))
    async with in_process(tmp_path, base_url=DEFAULT) as browser:
        assert await leads_to(browser, path, NUMERIC[0]) is None
        assert await leads_to(browser, other, NUMERIC[0]) == f"{DEFAULT}{other}"


async def test_path_and_query_are_kept(tmp_path: Path) -> None:
    """They are unchanged, even below a mount point and for HEAD."""
    for base_url in (DEFAULT, f"{DEFAULT}/account"):
        mount = base_url.removeprefix(DEFAULT)
        async with in_process(tmp_path, base_url=base_url) as browser:
            for path in (
                "/sign-in?return_to=%2Fsettings%3Fdone%3Dx&q=%C3%A9&plus=a+b&c=%26%23%2F",
                "/reset-password/%0D%0ASet-Cookie%3A%20x%3F",
            ):
                for method in ("GET", "HEAD"):
                    assert await leads_to(browser, mount + path, NUMERIC[1], method) == base_url + path


@pytest.mark.parametrize(
    "base_url, host",
    [
        (DEFAULT, "localhost:8000"),
        (DEFAULT, "127.0.0.1:9000"),
        (DEFAULT, "127.0.0.1"),
        (DEFAULT, "127.0.0.2:8000"),
        (DEFAULT, "login.example.org"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://127.0.0.1:8000", "[::1]:8000"),
        ("http://[::1]:8000", "127.0.0.1:8000"),
        ("https://localhost:8000", "127.0.0.1:8000"),
        ("https://login.example.org", "127.0.0.1:8000"),
    ],
)
async def test_other_addresses_are_not_redirected(base_url: str, host: str, tmp_path: Path) -> None:
    """Forwarded ports, proxies and a configured base URL keep their address."""
    async with in_process(tmp_path, base_url=base_url) as browser:
        for page in PAGES:
            if page.method == "GET":
                assert await leads_to(browser, path_of(page), host) is None, page.path


@pytest.mark.parametrize("host", NUMERIC)
async def test_form_of_a_page_left_open_at_an_address_names_localhost(host: str, tmp_path: Path) -> None:
    """Nothing changes, the page names the right address, and no proxy problem is reported."""
    async with in_process(tmp_path, base_url=DEFAULT) as browser:
        sent = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        page = await browser.post("/sign-up", FORM, **sent)
        assert page.status == 403
        assert f"This site is at {DEFAULT}." in page.words
        assert f'href="{DEFAULT}/"' in page.html
        site = browser.twofold.system.site
        assert not await site.db.read(lambda tx: tx.all("SELECT id FROM account"))
        await site.part(Sightings).write(site.db)
        assert await site.db.read(last_seen, CHANGED_ORIGIN) is None
        assert (await browser.post("/sign-up", FORM)).status == 303
