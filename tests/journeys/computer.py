"""A computer with a browser. It notices what must never happen: errors on the console (a breach of the content security
policy is one), parts of a page that do not load, requests to another host.
"""

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

from tests.parts import need
from tests.service import Service

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
SMALL: ViewportSize = {"width": 320, "height": 640}
SIZES = (DESKTOP, SMALL)
ColorScheme = Literal["light", "dark"]
SCHEMES: tuple[ColorScheme, ...] = ("light", "dark")
PATIENCE = 30_000  # milliseconds, for a page on a busy machine
LAUNCH_WITH = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def launch(playwright: Playwright) -> Browser:
    """Start the machine's own Chromium; from now on what is expected to show has as long as a page may take."""
    expect.set_options(timeout=PATIENCE)
    return playwright.chromium.launch(executable_path=need("chromium"), args=LAUNCH_WITH)


class Computer:
    """One browser that knows nobody yet, beside one service; `script=False` is a browser with script switched off."""

    def __init__(self, browser: Browser, service: Service, *, script: bool = True) -> None:
        self.service = service
        self.script = script
        self.faults: list[str] = []
        self.context: BrowserContext = browser.new_context(
            base_url=service.url, java_script_enabled=script, viewport=DESKTOP, color_scheme="light"
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.on("console", self._notice_console)
        self.context.on("weberror", self._notice_error)
        self.context.on("request", self._notice_request)
        self.context.on("response", self._notice_response)
        self.page: Page = self.context.new_page()

    def close(self) -> None:
        """Close the browser; an AssertionError when it noticed something."""
        self.context.close()
        assert not self.faults, "\n".join(self.faults)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _notice_console(self, message: ConsoleMessage) -> None:
        # A refusal is a page of its own, and Chromium writes its status on the console. Parts of pages are seen below.
        expected = message.text.startswith("Failed to load resource: the server responded with a status of")
        if message.type in ("error", "warning") and not expected:
            self.faults.append(f"console at {message.location['url']}: {message.text}")

    def _notice_error(self, error: WebError) -> None:
        self.faults.append(f"script: {error.error}")

    def _notice_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.service.url}/", "data:")):
            self.faults.append(f"request to another host: {request.url}")

    def _notice_response(self, response: Response) -> None:
        broken_part = response.status >= 400 and response.request.resource_type != "document"
        if broken_part or response.status >= 500:
            self.faults.append(f"{response.status} for {response.url}")
