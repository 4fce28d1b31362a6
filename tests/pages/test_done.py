"""A success message is shown in the card that the address leads to, where it is seen and read aloud."""

import re
from pathlib import Path

import pytest

from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.users import new_user

ROOMS = Path(__file__).parents[2] / "src" / "twofold"
LEADS = re.compile(r"/?(?:settings\?done=|\")([a-z_]+)#([a-z-]+)\"")


def led_to() -> dict[str, str]:
    """Return every thing done that the pages lead to a card with, and the card's id."""
    texts = [page.read_text() for page in ROOMS.glob("*/*pages.py")]
    return {done: card for text in texts for done, card in LEADS.findall(text)}


@pytest.fixture(scope="module")
def browser(sqlite_service: Service) -> FormBrowser:
    """Return a browser at unlocked settings."""
    return new_user(sqlite_service).pages()


@pytest.mark.parametrize("done, card", sorted(led_to().items()))
def test_success_message_is_shown_first_in_its_card(browser: FormBrowser, done: str, card: str) -> None:
    """The first thing in the card is the notice, and it is nowhere else."""
    page = browser.get(f"/settings?done={done}").expect(200).html
    assert page.count('class="notice notice-success" role="status"') == 1
    assert re.search(rf'<section class="part" id="{card}"[^>]*>\s*<div class="notice notice-success"', page)


def test_every_redirect_with_a_success_message_is_found() -> None:
    """The reader above finds the ways that it should find."""
    assert len(led_to()) >= 15


@pytest.mark.parametrize("done", ["two_factor_on", "recovery_code_saved"])
def test_success_message_without_a_card_is_shown_at_the_top(browser: FormBrowser, done: str) -> None:
    """Before everything else on the page."""
    page = browser.get(f"/settings?done={done}").expect(200).html
    assert re.search(r'<main[^>]*>\s*<div class="notice notice-success" role="status"', page)
