"""Forms that lead to another origin in Chromium: a redirect is blocked, and a refresh works."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.service import Service

BUILD = Path(__file__).parents[1] / "support" / "leaving_build.py"
QUERY = "/callback?code=a+b%2Bc;d&state=e%26f&iss=http://g"


class Elsewhere(ThreadingHTTPServer):
    """A site on another origin, which records its requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str | None]] = []
        super().__init__(("127.0.0.1", 0), Arrival)

    @property
    def url(self) -> str:
        """The origin of the site."""
        return f"http://127.0.0.1:{self.server_port}"


class Arrival(BaseHTTPRequestHandler):
    """Respond to every request with a page."""

    def do_GET(self) -> None:
        """Record path and referrer."""
        assert isinstance(self.server, Elsewhere)
        if self.path != "/favicon.ico":
            self.server.requests.append((self.path, self.headers.get("Referer")))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Arrived</title>")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def leaving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a server with the two additional routes."""
    with Service(tmp_path_factory.mktemp("leaving"), launcher=[sys.executable, str(BUILD)]) as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Yield a site on another origin."""
    with Elsewhere() as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield site
        site.shutdown()


@pytest.fixture
def context(browser: Browser, leaving: Service, *, script: bool) -> Iterator[BrowserContext]:
    """Yield a browser, with script and without."""
    with browser.new_context(base_url=leaving.url, java_script_enabled=script) as opened:
        yield opened


def test_form_ending_on_another_site_arrives_there_once(context: BrowserContext, elsewhere: Elsewhere) -> None:
    """The address is unchanged, and no referrer is sent."""
    page = context.new_page()
    page.goto(f"/leave?to={quote(elsewhere.url + QUERY, safe='')}")
    page.click("button")
    page.wait_for_url(f"{elsewhere.url}/**")
    expect(page).to_have_title("Arrived")
    assert elsewhere.requests == [(QUERY, None)]


def test_form_redirect_to_another_site_is_blocked_by_form_action(context: BrowserContext, elsewhere: Elsewhere) -> None:
    """This is why the refresh is needed."""
    page = context.new_page()
    page.goto(f"/redirect?to={quote(elsewhere.url + QUERY, safe='')}")
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.click("button", no_wait_after=True)
    assert elsewhere.requests == []


def test_page_leading_to_another_site_is_not_stored_and_has_a_link(context: BrowserContext, leaving: Service) -> None:
    """The link is for browsers that do not refresh."""
    form: dict[str, str | float | bool] = {"to": "https://app.example/x?a=1&b=2"}
    answer = context.request.post("/leave", form=form, headers={"Origin": leaving.url})
    assert answer.status == 200
    assert answer.headers["refresh"] == "0; url=https://app.example/x?a=1&b=2"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert 'href="https://app.example/x?a=1&amp;b=2"' in answer.text()
    assert "Continue to app.example" in answer.text()
