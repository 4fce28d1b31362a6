"""Forms are accepted from our own pages only, even behind a proxy that hides the origin."""

from pathlib import Path

import pytest

from tests.support.in_process import LocalApp, in_process
from twofold.base.sightings import CHANGED_ORIGIN, HIDDEN_ORIGIN, Sightings, last_seen

FIELDS = {"email": "ada@example.org", "password": "walnut-harbour-ember-53"}
OWN = "http://127.0.0.1:8000"


async def answer(browser: LocalApp, headers: list[tuple[str, str]]) -> tuple[int, str]:
    """Sign up by a form with these headers, and return the status and page."""
    typed = [*headers, ("Content-Type", "application/x-www-form-urlencoded")]
    body = "&".join(f"{name}={value}" for name, value in FIELDS.items())
    found = await browser.http.post("/sign-up", content=body, headers=typed)
    return found.status_code, found.text


@pytest.mark.parametrize(
    "headers, status",
    [
        ([("Origin", OWN)], 303),
        ([("Origin", OWN), ("Sec-Fetch-Site", "same-origin")], 303),
        ([("Origin", "null"), ("Sec-Fetch-Site", "same-origin")], 303),
        ([("Sec-Fetch-Site", "same-origin")], 303),
        ([("Origin", "null")], 403),
        ([], 403),
        ([("Origin", "null"), ("Sec-Fetch-Site", "cross-site")], 403),
        ([("Origin", "null"), ("Sec-Fetch-Site", "same-site")], 403),
        ([("Origin", "null"), ("Sec-Fetch-Site", "none")], 403),
        ([("Sec-Fetch-Site", "none")], 403),
        ([("Origin", "null"), ("Sec-Fetch-Site", "Same-Origin")], 403),
        ([("Origin", "null"), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")], 403),
        ([("Origin", ""), ("Sec-Fetch-Site", "same-origin")], 403),
        ([("Origin", "NULL"), ("Sec-Fetch-Site", "same-origin")], 403),
        ([("Origin", "http://127.0.0.1:9000"), ("Sec-Fetch-Site", "same-origin")], 403),
        ([("Origin", OWN), ("Origin", "http://evil.example")], 403),
        ([("Origin", "null"), ("Origin", OWN), ("Sec-Fetch-Site", "same-origin")], 403),
    ],
    ids=str,
)
async def test_form_without_an_origin_needs_sec_fetch_site_same_origin(
    headers: list[tuple[str, str]], status: int, tmp_path: Path
) -> None:
    """Only browsers set Sec-Fetch-Site; no other page or sandboxed frame can forge it."""
    async with in_process(tmp_path) as browser:
        found, page = await answer(browser, headers)
        assert found == status
        assert ("did not come from our own pages" in page) is (status == 403)


@pytest.mark.parametrize(
    "headers, expected, noted",
    [
        ([("Origin", "null"), ("Sec-Fetch-Site", "same-origin")], "", HIDDEN_ORIGIN),
        ([("Origin", "null")], "remove Referrer-Policy: no-referrer", HIDDEN_ORIGIN),
        (
            [("Origin", "https://x.example"), ("Sec-Fetch-Site", "same-origin")],
            "pass Origin unchanged",
            CHANGED_ORIGIN,
        ),
        ([("Origin", "https://x.example"), ("Sec-Fetch-Site", "cross-site")], "Open the page on this site", None),
    ],
    ids=str,
)
async def test_proxy_that_alters_the_origin_is_explained_and_logged(
    headers: list[tuple[str, str]], expected: str, noted: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The error does not blame the user, the log has one line a minute, and `doctor` reports the proxy."""
    async with in_process(tmp_path) as browser:
        for _ in range(3):
            _, page = await answer(browser, headers)
            assert expected in page
        lines = [each.getMessage() for each in caplog.records if "forms whose origin" in each.getMessage()]
        assert len(lines) == (1 if noted else 0)
        browser.clock.now += 61
        await answer(browser, headers)
        lines = [each.getMessage() for each in caplog.records if "forms whose origin" in each.getMessage()]
        assert len(lines) == (2 if noted else 0)
        site = browser.twofold.system.site
        await site.part(Sightings).write(site.db)
        for name in (HIDDEN_ORIGIN, CHANGED_ORIGIN):
            seen = await site.db.read(last_seen, name)
            assert (seen is not None) is (name == noted)
