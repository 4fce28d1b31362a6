"""The start page: tiles of the applications for one's groups, in place of the settings."""

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


@pytest.mark.parametrize(
    "name, letters", [("Team wiki", "TW"), ("books", "B"), ("The big red one", "TB"), ("é x", "ÉX")]
)
def test_initials_are_those_of_two_words(name: str, letters: str) -> None:
    """They stand on the tile, for those who look for a letter."""
    assert initials(name) == letters
