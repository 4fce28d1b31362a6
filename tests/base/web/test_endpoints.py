"""An endpoint reads its own body, sends its own headers and formats its own problems."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tests.support.in_process import in_process
from tests.support.service import SUITE_SETTINGS, free_port
from twofold import Twofold, running
from twofold.base.problems import Conflict
from twofold.base.site import Site
from twofold.base.visitor import Access
from twofold.base.web.bodies import BodyLimits, read_body
from twofold.base.web.context import Context
from twofold.base.web.endpoints import ENDPOINTS
from twofold.base.web.headers import content_policy
from twofold.base.web.router import RouteTable
from twofold.base.web.routes import AnyRoute, Endpoint, Page
from twofold.config import load
from twofold.features import FEATURES

pytestmark = pytest.mark.anyio

Declare = Callable[..., None]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Add routes for tests to the declared ones."""

    def add(*routes: AnyRoute) -> None:
        monkeypatch.setattr(running, "ROUTES", RouteTable((*FEATURES.routes, *FEATURES.endpoints, *ENDPOINTS, *routes)))

    return add


def endpoint(handler: Callable[[Context], Awaitable[Response]], method: str = "POST", **options: Any) -> Endpoint:  # noqa: ANN401 - those of an endpoint
    """Return an endpoint at /thing."""
    return Endpoint(method=method, path="/thing", make=lambda _site: handler, **options)


async def echo(ctx: Context) -> Response:
    """Answer with the raw body."""
    return Response(await read_body(ctx.request, 10))


async def refuse(_ctx: Context) -> Response:
    """Raise a problem."""
    raise Conflict("Taken.")


async def fail(_ctx: Context) -> Response:
    """Raise an unexpected error."""
    raise RuntimeError


async def test_endpoint_reads_a_raw_body_without_an_origin_check(declare: Declare, tmp_path: Path) -> None:
    """Any content type is accepted, and a body above the endpoint's limit gets a 413."""
    declare(endpoint(echo))
    async with in_process(tmp_path) as browser:
        answer = await browser.http.post("/thing", content=b"\xff\x00", headers={"Origin": "https://other.example"})
        assert (answer.status_code, answer.content) == (200, b"\xff\x00")
        long = await browser.http.post("/thing", content=b"x" * 11)
        assert (long.status_code, long.json()["code"]) == (413, "invalid_request")


@pytest.mark.parametrize("handler, status", [(refuse, 409), (fail, 500)])
@pytest.mark.parametrize("for_programs, form", [(True, "application/problem+json"), (False, "text/html")])
async def test_endpoint_problems_use_the_format_of_the_endpoint(
    declare: Declare,
    tmp_path: Path,
    handler: Callable[[Context], Awaitable[Response]],
    status: int,
    for_programs: bool,  # noqa: FBT001 - a parameter of the test
    form: str,
) -> None:
    """This holds on any path for problems, unexpected errors and unknown methods."""
    declare(endpoint(handler, for_programs=for_programs))
    async with in_process(tmp_path) as browser:
        for method, expected in (("POST", status), ("PUT", 405)):
            answer = await browser.http.request(method, "/thing")
            assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (expected, form)
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "method, path, status, form",
    [
        ("GET", "/api/v1/none", 404, "application/problem+json"),
        ("GET", "/apiary", 404, "text/html"),
        ("GET", "/static/none.css", 404, "text/html"),
        ("POST", "/healthz", 405, "application/problem+json"),
        ("POST", "/hooks/none", 404, "text/html"),
        ("PUT", "/hooks/twilio", 405, "application/problem+json"),
        ("PUT", "/settings", 405, "text/html"),
        ("PUT", "/api/v1/factors", 405, "application/problem+json"),
    ],
)
async def test_route_kind_decides_the_format_of_a_problem(
    tmp_path: Path, method: str, path: str, status: int, form: str
) -> None:
    """An unknown path is answered in JSON below the API, and as a page elsewhere."""
    async with in_process(tmp_path) as browser:
        answer = await browser.http.request(method, path)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (status, form)


def test_problem_format_is_known_before_the_database_opens() -> None:
    """The format comes from the same table, including paths with parameters."""
    table = RouteTable((*FEATURES.routes, *FEATURES.endpoints, *ENDPOINTS, endpoint(echo)))
    programs = ["/thing", "/api/v1/factors/x/verify", "/api/v1/none", "/healthz", "/api/v1/session"]
    people = ["/settings/factors/x/verify", "/sign-in", "/none", "/", "/static/x.css"]
    scope = {"type": "http", "method": "GET"}
    assert [path for path in programs + people if table.for_programs({**scope, "path": path})] == programs


@pytest.mark.parametrize(
    "path, form",
    [
        ("/api/v1/factors", "application/problem+json"),
        ("/readyz", "application/problem+json"),
        ("/sign-in", "text/plain"),
        ("/settings/factors/x/verify", "text/plain"),
    ],
)
async def test_application_that_cannot_open_answers_in_the_format_of_the_route(
    tmp_path: Path, path: str, form: str
) -> None:
    """Without a database, only the route table is known; this also holds below a mount point."""
    settings = {"DATA_DIR": str(tmp_path), "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/none"}
    settings |= {name.upper(): value for name, value in SUITE_SETTINGS.items()}
    settings["BASE_URL"] = "http://127.0.0.1:8000/account"
    config, _ = load({f"TWOFOLD_{name}": value for name, value in settings.items()})
    transport = httpx2.ASGITransport(Twofold(config))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        for prefix in ("", "/account"):
            answer = await http.get(prefix + path)
            assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (503, form)


async def test_response_can_replace_one_security_header(declare: Declare, tmp_path: Path) -> None:
    """The response overrides the route, and an empty header is left out."""

    async def framed(ctx: Context) -> Response:
        own = {"X-Frame-Options": "", "Referrer-Policy": "no-referrer"} if ctx.query.get("own") else {}
        return PlainTextResponse("", headers=own)

    policy = content_policy({"frame-ancestors": "https://app.example"})
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "origin"}
    declare(endpoint(framed, "GET", headers=headers))
    async with in_process(tmp_path) as browser:
        usual, of_route, of_response = [
            (await browser.http.get(path)).headers for path in ("/healthz", "/thing", "/thing?own=1")
        ]
    assert usual["content-security-policy"] == content_policy()
    assert of_route.get_list("content-security-policy") == of_response.get_list("content-security-policy") == [policy]
    assert (usual["referrer-policy"], of_route["referrer-policy"]) == ("same-origin", "origin")
    assert of_response.get_list("referrer-policy") == ["no-referrer"]
    assert (of_route["x-frame-options"], of_response.get("x-frame-options")) == ("DENY", None)
    assert usual.keys() - {"x-frame-options"} <= of_response.keys() | {"content-length", "content-type"}


@pytest.mark.parametrize("sources", ["", "'self'; script-src *", "https://a.example, https://b.example", "x\r\nA: b"])
def test_content_security_policy_accepts_only_sources(sources: str) -> None:
    """Characters that would end a directive or the header are refused."""
    with pytest.raises(ValueError, match="form-action"):
        content_policy({"form-action": sources})


async def test_raw_endpoint_answers_before_the_router(declare: Declare, tmp_path: Path) -> None:
    """It sends only its own headers, and other methods of its path reach the router."""

    def make(_site: Site) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        return PlainTextResponse("raw")

    declare(Endpoint(method="GET", path="/thing", raw=make), endpoint(echo))
    async with in_process(tmp_path) as browser:
        for method in ("GET", "HEAD"):
            answer = await browser.http.request(method, "/thing")
            assert answer.status_code == 200
            assert answer.headers.keys() == {"content-length", "content-type"}
        assert (await browser.http.post("/thing", content=b"x")).content == b"x"
        assert (await browser.http.put("/thing")).headers["allow"] == "GET, POST"


async def test_route_can_raise_the_limit_of_one_field(declare: Declare, tmp_path: Path) -> None:
    """Other fields keep their limit, and the error names the limit that applies."""

    async def show(ctx: Context) -> Response:
        return PlainTextResponse(str(len(ctx.form["state"])))

    declare(Page("POST", "/thing", show, Access.PUBLIC, limits=BodyLimits(long={"state": 3_000})))
    async with in_process(tmp_path) as browser:
        assert (await browser.post("/thing", {"state": "x" * 3_000})).html == "3000"
        assert "3,000 characters" in (await browser.post("/thing", {"state": "x" * 3_001})).expect(422).html
        assert "1,024 characters" in (await browser.post("/thing", {"other": "x" * 1_025})).expect(422).html
