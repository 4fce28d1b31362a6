"""The development pages in a real browser: codes generated in the page, and accessibility."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pyotp
import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import Computers
from tests.support.computer import Computer
from tests.support.gallery import Gallery
from tests.support.outbox_harness import MAIL, NUMBER, TEXT
from tests.support.service import Service
from twofold.assembly import open_site
from twofold.base.outbox import Message, post
from twofold.base.unit_of_work import COMMAND_LINE, Runner
from twofold.config import load

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def open_authenticator(computer: Computer) -> None:
    """Open the development authenticator with the printed link."""
    computer.page.goto(computer.service.development())
    computer.page.get_by_role("link", name="Development authenticator").click()


def computed(computer: Computer, pasted: str) -> str:
    """Return the code on the page for a pasted key or URI."""
    open_authenticator(computer)
    computer.page.get_by_label("Key or otpauth: address").fill(pasted)
    computer.page.get_by_role("button", name="Show codes").click()
    code = computer.page.locator("#code")
    expect(code).not_to_be_empty()
    return code.inner_text()


@pytest.mark.parametrize("algorithm, digits, period", [("SHA1", 6, 30), ("SHA256", 8, 60), ("SHA512", 7, 15)])
def test_development_page_generates_the_same_codes_as_pyotp(
    algorithm: str, digits: int, period: int, browser: Browser, service: Service
) -> None:
    """This covers every algorithm, length and period of key URIs, and the key is not sent anywhere."""
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


def test_key_typed_in_groups_of_four_is_accepted(browser: Browser, service: Service) -> None:
    """The set-up page shows it like this; lower-case letters are accepted, too."""
    pasted = " ".join(KEY[start : start + 4] for start in range(0, len(KEY), 4)).lower()
    with Computer(browser, service) as computer:
        witness = pyotp.TOTP(KEY)
        before, code, after = witness.now(), computed(computer, f" {pasted} "), witness.now()
        assert code in (before, after)


def test_malformed_key_is_explained_at_the_field(browser: Browser, service: Service) -> None:
    """The error says what a key looks like, and a valid key still works."""
    with Computer(browser, service) as computer:
        open_authenticator(computer)
        field = computer.page.get_by_label("Key or otpauth: address")
        for wrong in ("", "not a key!", "otpauth://hotp/x?secret=" + KEY, "otpauth://", "ABC"):
            field.fill(wrong)
            computer.page.get_by_role("button", name="Show codes").click()
            expect(computer.page.get_by_text("This is not a key.")).to_be_visible()
            expect(field).to_have_attribute("aria-invalid", "true")
            expect(computer.page.locator("#codes")).to_be_hidden()
        assert computed(computer, KEY).isdigit()


def test_development_page_without_javascript_says_what_it_needs(computers: Computers, *, script: bool) -> None:
    """The page shows a sentence instead of a form."""
    computer = computers()
    page = computer.page
    open_authenticator(computer)
    expect(page.get_by_text("This page needs JavaScript")).to_be_visible(visible=not script)
    expect(page.get_by_role("button", name="Show codes", include_hidden=True)).to_be_visible(visible=script)


async def send(service: Service) -> None:
    """Put a message of each kind into the outbox from this process; the service sends them."""
    settings = {f"TWOFOLD_{name.upper()}": value for name, value in service.settings.items()}
    async with open_site(load(settings)[0]) as site:
        for message in (MAIL, Message("sms", NUMBER, TEXT), Message("voice", NUMBER, "4, 8, 2, 9, 1, 3.")):
            await Runner(site, COMMAND_LINE).write(post, message, expires_at=site.clock() + 300)


def test_development_pages_are_accessible(browser: Browser, service: Service) -> None:
    """This covers empty and full pages, light and dark, on a desktop and at 320 pixels."""
    with Computer(browser, service) as computer:
        gallery = Gallery(computer.page)
        computer.page.goto(service.development())
        gallery.shows("development", "Development pages")
        computer.page.get_by_role("link", name="Development outbox").click()
        gallery.shows("outbox-empty", "Development outbox")
        with ThreadPoolExecutor(1) as aside:  # a separate event loop from the browser's
            aside.submit(asyncio.run, send(service)).result()
        for _ in range(200):
            computer.page.get_by_role("link", name="Refresh").click()
            if computer.page.get_by_role("article").count() == 3:
                break
            computer.page.wait_for_timeout(100)
        gallery.shows("outbox", "Development outbox")
        open_authenticator(computer)
        gallery.shows("authenticator", "Development authenticator")
        computer.page.get_by_role("button", name="Show codes").click()
        gallery.shows("authenticator-refused", "Development authenticator")
        computed(computer, KEY)
        gallery.shows("authenticator-code", "Development authenticator")
        gallery.close()
