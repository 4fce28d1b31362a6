"""The start page: tiles of the applications for one's groups, in place of the settings."""

import re
from pathlib import Path

import pytest

from tests.support.clients import PASSWORD
from tests.support.in_process import LocalApp, in_process
from twofold.admin import groups
from twofold.gate.launcher import initials

pytestmark = pytest.mark.anyio

APPS = """
[[apps]]
name = "Team wiki"
url = "https://wiki.example.org/start?a=b"

[[apps]]
name = "Books"
url = "https://books.example.org"
groups = ["accounting"]
"""
EMAIL = "ann@example.com"


async def sign_in(browser: LocalApp) -> None:
    """Sign up, and sign in."""
    await browser.http.post("/api/v1/accounts", json={"email": EMAIL, "password": PASSWORD})
    (await browser.post("/sign-in", {"email": EMAIL, "password": PASSWORD, "return_to": "/"})).expect(303)


async def test_start_page_shows_the_applications_for_ones_groups(tmp_path: Path) -> None:
    """Joining a group shows its applications at the next visit; addresses are those of the configuration."""
    async with in_process(tmp_path, gate_apps=APPS) as browser:
        await sign_in(browser)
        shown = (await browser.get("/")).expect(200)
        assert "Team wiki" in shown.words
        assert 'href="https://wiki.example.org/start?a=b"' in shown.html
        assert "Books" not in shown.words
        runner = browser.twofold.system
        await runner.write(groups.add, "accounting")
        await runner.write(groups.join, "accounting", EMAIL)
        assert "Books" in (await browser.get("/")).expect(200).words


async def test_start_page_asks_to_sign_in(tmp_path: Path) -> None:
    """Without a session, it shows no application."""
    async with in_process(tmp_path, gate_apps=APPS) as browser:
        (await browser.get("/")).goes_to("/sign-in")


async def test_start_page_is_the_settings_without_applications(tmp_path: Path) -> None:
    """Nothing changes for those who use no gate."""
    async with in_process(tmp_path) as browser:
        await sign_in(browser)
        (await browser.get("/")).goes_to("/settings")


async def test_every_page_links_to_the_start_page_for_those_who_are_signed_in(tmp_path: Path) -> None:
    """In the header; not before the sign-in, and not without applications."""
    link = re.compile(r'<a class="start" href="/"( aria-current="page")?>Applications</a>')
    async with in_process(tmp_path / "with", gate_apps=APPS) as browser:
        for page in ("/sign-in", "/sign-up", "/nothing"):
            assert not link.search((await browser.get(page)).html), page
        await sign_in(browser)
        for page in ("/settings", "/authenticate", "/settings/activity"):
            found = link.search((await browser.get(page)).html)
            assert found, page
            assert not found[1]
        start = link.search((await browser.get("/")).expect(200).html)
        assert start
        assert start[1], "screen readers should say that this is the current page"
    async with in_process(tmp_path / "without") as browser:
        await sign_in(browser)
        assert "Applications" not in (await browser.get("/settings")).expect(200).html


@pytest.mark.parametrize(
    "name, letters", [("Team wiki", "TW"), ("books", "B"), ("The big red one", "TB"), ("é x", "ÉX")]
)
def test_initials_are_those_of_two_words(name: str, letters: str) -> None:
    """They stand on the tile, for those who look for a letter."""
    assert initials(name) == letters
