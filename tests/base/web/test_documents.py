"""The descriptions of the API are built once, cached, and sent only to clients that do not have them."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tests.support.in_process import in_process
from twofold.base.web import openapi
from twofold.base.web.templates import Templates

pytestmark = pytest.mark.anyio

PATHS = ("/api/v1/docs", "/api/v1/openapi.json")


async def test_document_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds for any number of requests, even simultaneous ones."""
    made: Counter[str] = Counter()

    def counting(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def made_once_more(*args: object, **kwargs: object) -> object:
            made[name] += 1
            return real(*args, **kwargs)

        return made_once_more

    monkeypatch.setattr(Templates, "render", counting("page", Templates.render))
    monkeypatch.setattr(openapi, "document", counting("api", openapi.document))
    async with in_process(tmp_path) as browser, anyio.create_task_group() as asking:
        for path in PATHS * 5:
            asking.start_soon(browser.http.get, path)
    assert made["page"] == 1
    assert made["api"] <= 2  # once for each, where both are asked for at the same moment


@pytest.mark.parametrize("path", PATHS)
async def test_matching_etag_answers_304(tmp_path: Path, path: str) -> None:
    """The tag may be weak or in a list; any other gets the document."""
    async with in_process(tmp_path) as browser:
        first = await browser.http.get(path)
        tag = first.headers["etag"]
        assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await browser.http.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert "content-security-policy" in again.headers
        assert (await browser.http.get(path, headers={"If-None-Match": '"other"'})).content == first.content


@pytest.mark.parametrize("path", PATHS)
async def test_etag_on_a_second_header_line_matches_and_a_partial_one_does_not(tmp_path: Path, path: str) -> None:
    """All lines form one list, whose members are compared as a whole."""
    async with in_process(tmp_path) as browser:
        first = await browser.http.get(path)
        tag = first.headers["etag"]
        lines = [("If-None-Match", '"other"'), ("If-None-Match", tag)]
        assert (await browser.http.get(path, headers=lines)).status_code == 304
        for unlike in (f"{tag}x", f'"x"{tag}', f'"x{tag}"'):
            assert (await browser.http.get(path, headers={"If-None-Match": unlike})).status_code == 200, unlike


async def test_file_is_not_compressed_for_a_client_that_refuses_it(tmp_path: Path) -> None:
    """`q=0` refuses compression."""
    async with in_process(tmp_path) as browser:
        page = (await browser.http.get("/sign-in")).text
        path = re.findall(r'href="(/static/[^"]+[.]css)"', page)[0]
        for accepted, encoding in (("gzip", "gzip"), ("gzip;q=0", None), ("br", None)):
            answer = await browser.http.get(path, headers={"Accept-Encoding": accepted})
            assert (answer.status_code, answer.headers.get("content-encoding")) == (200, encoding), accepted
