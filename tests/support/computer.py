"""A computer with a browser, which reports what must not happen: errors on the console (including violations of the
content security policy), parts of a page that do not load, and requests to other hosts.
"""

from collections.abc import Sequence
from typing import Literal, Self

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    ViewportSize,
    WebError,
    expect,
)

from tests.support.programs import need
from tests.support.service import Service

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
SMALL: ViewportSize = {"width": 320, "height": 640}
SIZES = (DESKTOP, SMALL)
ColorScheme = Literal["light", "dark"]
SCHEMES: tuple[ColorScheme, ...] = ("light", "dark")
MAX_WAIT = 30_000  # milliseconds, for a page on a busy machine
LAUNCH_WITH = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """Start the installed Chromium, and give expectations as much time as a page may take."""
    expect.set_options(timeout=MAX_WAIT)
    return playwright.chromium.launch(executable_path=need("chromium"), args=[*LAUNCH_WITH, *arguments])


class Computer:
    """A new browser for one service, with or without JavaScript.

    `at` is the origin of the service behind a proxy; requests to the `applications` there may fail.
    """

    def __init__(
        self, browser: Browser, service: Service, *, script: bool = True, at: str = "", applications: Sequence[str] = ()
    ) -> None:
        self.service = service
        self.url = at or service.url
        self.applications = tuple(f"{origin}/" for origin in applications)
        self.script = script
        self.faults: list[str] = []
        self.context: BrowserContext = browser.new_context(
            base_url=self.url, java_script_enabled=script, viewport=DESKTOP, color_scheme="light"
        )
        self.context.set_default_timeout(MAX_WAIT)
        self.context.on("console", self._notice_console)
        self.context.on("weberror", self._notice_error)
        self.context.on("request", self._notice_request)
        self.context.on("response", self._notice_response)
        self.page: Page = self.context.new_page()

    def close(self) -> None:
        """Close the browser. Raise AssertionError if it has reported something."""
        self.context.close()
        assert not self.faults, "\n".join(self.faults)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _notice_console(self, message: ConsoleMessage) -> None:
        # Chromium logs the status of error pages, which are expected. Parts of pages are checked below.
        expected = message.text.startswith("Failed to load resource: the server responded with a status of")
        if message.type in ("error", "warning") and not expected:
            self.faults.append(f"console at {message.location['url']}: {message.text}")

    def _notice_error(self, error: WebError) -> None:
        self.faults.append(f"script: {error.error}")

    def _notice_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", *self.applications)):
            self.faults.append(f"request to another host: {request.url}")

    def _notice_response(self, response: Response) -> None:
        may_fail = response.request.resource_type == "document" or response.url.startswith(self.applications)
        broken_part = response.status >= 400 and not may_fail
        if broken_part or response.status >= 500:
            self.faults.append(f"{response.status} for {response.url}")
