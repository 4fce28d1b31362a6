"""What was done is told in the card that the address leads to: there it is seen, and read aloud."""

import re
from pathlib import Path

import pytest

from tests.forms import FormBrowser
from tests.residents import resident
from tests.service import Service

ROOMS = Path(__file__).parents[2] / "src" / "twofold"
LEADS = re.compile(r"/?(?:settings\?done=|\")([a-z_]+)#([a-z-]+)\"")


def led_to() -> dict[str, str]:
    """Every thing done that the pages lead to a card with, and the card's id."""
    texts = [page.read_text() for page in ROOMS.glob("*/*pages.py")]
    return {done: card for text in texts for done, card in LEADS.findall(text)}


@pytest.fixture(scope="module")
def browser(sqlite_service: Service) -> FormBrowser:
    """Somebody at unlocked settings."""
    return resident(sqlite_service).pages()


@pytest.mark.parametrize("done, card", sorted(led_to().items()))
def test_what_was_done_is_told_in_its_card(browser: FormBrowser, done: str, card: str) -> None:
    """The first thing in the card is the notice, and it is nowhere else."""
    page = browser.get(f"/settings?done={done}").must(200).html
    assert page.count('class="notice notice-success" role="status"') == 1
    assert re.search(rf'<section class="part" id="{card}"[^>]*>\s*<div class="notice notice-success"', page)


def test_every_way_back_is_known() -> None:
    """The reader above finds the ways that it should find."""
    assert len(led_to()) >= 15


@pytest.mark.parametrize("done", ["two_factor_on", "recovery_code_saved"])
def test_what_has_no_card_is_told_at_the_top(browser: FormBrowser, done: str) -> None:
    """Before everything else on the page."""
    page = browser.get(f"/settings?done={done}").must(200).html
    assert re.search(r'<main[^>]*>\s*<div class="notice notice-success" role="status"', page)
