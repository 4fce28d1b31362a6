"""The development pages in a real browser: codes computed in the page, and pages that everybody can use."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pyotp
import pytest
from playwright.sync_api import Browser, expect

from tests.couriers.office import MAIL, NUMBER, TEXT
from tests.journeys.computer import Computer
from tests.journeys.conftest import Computers
from tests.journeys.gallery import Gallery
from tests.service import Service
from twofold.app import open_site
from twofold.base.acts import COMMAND_LINE, Acts
from twofold.base.outbox import Message, post
from twofold.config import load

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def computed(computer: Computer, pasted: str) -> str:
    """The code that the page shows for what was pasted."""
    computer.page.goto("/dev/authenticator")
    computer.page.get_by_label("Key or otpauth: address").fill(pasted)
    computer.page.get_by_role("button", name="Show codes").click()
    code = computer.page.locator("#code")
    expect(code).not_to_be_empty()
    return code.inner_text()


@pytest.mark.parametrize("algorithm, digits, period", [("SHA1", 6, 30), ("SHA256", 8, 60), ("SHA512", 7, 15)])
def test_the_page_computes_what_other_authenticators_compute(
    algorithm: str, digits: int, period: int, browser: Browser, service: Service
) -> None:
    """For every hash, length and period of the address format, checked against pyotp; the key goes nowhere."""
    account, rest = quote("My Shop:ada@example.org"), f"algorithm={algorithm}&digits={digits}&period={period}"
    uri = f"otpauth://totp/{account}?secret={KEY}&{rest}"
    witness = pyotp.parse_uri(uri)
    assert isinstance(witness, pyotp.TOTP)
    with Computer(browser, service) as computer:
        asked: list[str] = []
        computer.context.on("request", lambda request: asked.append(f"{request.url} {request.post_data}"))
        before, code, after = witness.now(), computed(computer, uri), witness.now()
        assert code in (before, after)
        expect(computer.page.locator("#account")).to_have_text("My Shop:ada@example.org")
        assert not any(KEY in each for each in asked)


def test_a_key_in_groups_of_four_will_do(browser: Browser, service: Service) -> None:
    """As the set-up page shows it, in small letters too."""
    pasted = " ".join(KEY[start : start + 4] for start in range(0, len(KEY), 4)).lower()
    with Computer(browser, service) as computer:
        witness = pyotp.TOTP(KEY)
        before, code, after = witness.now(), computed(computer, f" {pasted} "), witness.now()
        assert code in (before, after)


def test_what_is_no_key_is_told(browser: Browser, service: Service) -> None:
    """The field says what a key looks like, and the next one works."""
    with Computer(browser, service) as computer:
        computer.page.goto("/dev/authenticator")
        field = computer.page.get_by_label("Key or otpauth: address")
        for wrong in ("", "not a key!", "otpauth://hotp/x?secret=" + KEY, "otpauth://", "ABC"):
            field.fill(wrong)
            computer.page.get_by_role("button", name="Show codes").click()
            expect(computer.page.get_by_text("This is no key.")).to_be_visible()
            expect(field).to_have_attribute("aria-invalid", "true")
            expect(computer.page.locator("#codes")).to_be_hidden()
        assert computed(computer, KEY).isdigit()


def test_without_script_the_page_says_what_it_needs(computers: Computers, *, script: bool) -> None:
    """No field that does nothing, but a sentence."""
    page = computers().page
    page.goto("/dev/authenticator")
    expect(page.get_by_text("This page computes codes with script")).to_be_visible(visible=not script)
    expect(page.get_by_role("button", name="Show codes", include_hidden=True)).to_be_visible(visible=script)


async def send(service: Service) -> None:
    """Put a message of each kind into the outbox beside the service, as a command does; the service sends them."""
    settings = {f"TWOFOLD_{name.upper()}": value for name, value in service.settings.items()}
    async with open_site(load(settings)[0]) as site:
        for message in (MAIL, Message("sms", NUMBER, TEXT), Message("voice", NUMBER, "4, 8, 2, 9, 1, 3.")):
            await Acts(site, COMMAND_LINE).write(post, message, expires_at=site.clock() + 300)


def test_the_development_pages_are_for_everybody(browser: Browser, service: Service) -> None:
    """Nothing is found by axe, empty and full, light and dark, on a desktop and at 320 pixels."""
    with Computer(browser, service) as computer:
        gallery = Gallery(computer.page)
        computer.page.goto("/dev/outbox")
        gallery.shows("outbox-empty", "Development outbox")
        with ThreadPoolExecutor(1) as aside:  # a loop of its own, beside the browser's
            aside.submit(asyncio.run, send(service)).result()
        for _ in range(200):
            computer.page.get_by_role("link", name="Look again").click()
            if computer.page.get_by_role("article").count() == 3:
                break
            computer.page.wait_for_timeout(100)
        gallery.shows("outbox", "Development outbox")
        computer.page.goto("/dev/authenticator")
        gallery.shows("authenticator", "Development authenticator")
        computer.page.get_by_role("button", name="Show codes").click()
        gallery.shows("authenticator-refused", "Development authenticator")
        computed(computer, KEY)
        gallery.shows("authenticator-code", "Development authenticator")
        gallery.close()
