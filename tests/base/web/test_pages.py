"""A page can declare the answer for an invalid link, and that a missing sign-in does not redirect."""

import re
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse, Response

from tests.support.in_process import in_process
from twofold import running
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.leaving import leave_for
from twofold.base.web.router import RouteTable
from twofold.base.web.routes import Page
from twofold.features import FEATURES

pytestmark = pytest.mark.anyio

LINKS = [route for route in FEATURES.routes if isinstance(route, Page) and route.gone and route.need is Access.PUBLIC]


@pytest.mark.parametrize("route", LINKS, ids=lambda route: f"{route.method} {route.path}")
async def test_invalid_link_answers_404_with_the_next_step(tmp_path: Path, route: Page) -> None:
    """Both GET and POST answer 404, with a page of the feature that names the next step."""
    path = re.sub(r"{\w+}", "x" * 43, route.path)
    fields = {"email": "ada@example.org", "password": "long enough for anyone", "new_password": "long enough for all"}
    async with in_process(tmp_path) as browser:
        shown = await (browser.get(path) if route.method == "GET" else browser.post(path, fields))
    assert shown.expect(404).words.count("This link no longer works") >= 1
    assert "work once, within one hour" in shown.words


async def answer(_ctx: Context) -> Response:
    """Return an empty answer."""
    return PlainTextResponse("")


@pytest.mark.parametrize("redirects, status", [(True, 303), (False, 401)])
async def test_page_can_answer_a_missing_sign_in_without_redirecting(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    redirects: bool,  # noqa: FBT001 - a parameter of the test
    status: int,
) -> None:
    """Programs that cannot sign in may open such a page."""
    page = Page("GET", "/thing", answer, Access.SIGNED_IN, redirects=redirects)
    monkeypatch.setattr(running, "ROUTES", RouteTable((*FEATURES.routes, page)))
    async with in_process(tmp_path) as browser:
        shown = await browser.get("/thing")
    assert shown.status == status
    assert "/sign-in" in (shown.location if redirects else shown.html)


@pytest.mark.parametrize(
    "address",
    [
        *[
            "",
            "/settings",
            "//evil.example/",
            "evil.example",
            "https:evil.example",
            "https:///evil.example",
            "https://",
        ],
        *["javascript:alert(1)", "data:text/html,x", "JavaScript:alert(1)", "vbscript:x", "file:///etc/passwd"],
        *["blob:https://evil.example/x", "about:blank", "app:/x", "https://a.example/\r\nSet-Cookie: a=b"],
        *["https://a.example/ b", 'https://a.example/"b', "https://a.example/'b", "https://a.example/<b>"],
        *["https://a.example/\\b", "https://a.example/\u00e9", " https://a.example/", "https://a.example/\n"],
        *["https://?x", "https://#x", "https://a.example/\x00", "https://a.example/\t", "https:\\\\a.example"],
    ],
    ids=ascii,
)
def test_only_an_absolute_encoded_url_is_accepted_for_leaving(address: str) -> None:
    """Paths, schemes that run code or read files, and characters that end a header or attribute are refused."""
    with pytest.raises(ValueError, match="cannot redirect to"):
        leave_for(None, address)  # type: ignore[arg-type]  # refused before anything is rendered
