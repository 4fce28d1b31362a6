"""Frames and forms of applications after the session has ended: nothing is lost without a word."""

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.support.gate_site import APP, FILES, NEIGHBOUR, GatePerson, GateSite

LONG = "A line that took a while to write.\n" * 3000


def frame_in(page: Page, portal: str, part: str) -> FrameLocator:
    """Open a page of one application that shows a page of another one in a frame."""
    page.goto(f"{portal}/portal?frame={part}")
    return page.frame_locator("iframe")


def test_part_of_another_application_appears_unseen(ada: GatePerson) -> None:
    """With a session, a frame under the same domain needs nothing."""
    ada.signs_in_at(f"{NEIGHBOUR}/")
    frame = frame_in(ada.page, NEIGHBOUR, f"{APP}/part")
    expect(frame.get_by_role("heading", name=f"Hello {ada.username}")).to_be_visible()


def test_part_without_a_session_opens_a_tab(ada: GatePerson) -> None:
    """The tab signs in, and the page shows the part after it was reloaded."""
    ada.signs_in_at(f"{NEIGHBOUR}/")
    page = ada.page
    page.goto(f"{NEIGHBOUR}/portal?frame={APP}/part?x=1")
    ada.is_signed_out_elsewhere()
    frame = page.frame_locator("iframe")
    page.evaluate("document.querySelector('iframe').src += '&y=%26'")
    expect(frame.get_by_role("heading", name="Sign in to see this part")).to_be_visible()
    with page.expect_popup() as opened:
        frame.get_by_role("link", name="Sign in").click()
    ada.computer.page = opened.value
    ada.enters_password()
    ada.arrives_at(f"{APP}/part?x=1&y=%26")
    page.reload()
    expect(frame.get_by_role("heading", name=f"Hello {ada.username}")).to_be_visible()


def test_part_that_needs_more_opens_a_tab(ada: GatePerson) -> None:
    """A password is never asked for in a frame."""
    ada.signs_in_at(f"{NEIGHBOUR}/")
    frame = frame_in(ada.page, NEIGHBOUR, f"{APP}/admin/part")
    expect(frame.get_by_role("heading", name="Authenticate to see this part")).to_be_visible()
    with ada.page.expect_popup() as opened:
        frame.get_by_role("link", name="Authenticate").click()
    ada.computer.page = opened.value
    ada.sees("Set up two-factor authentication")


@pytest.mark.parametrize("portal, part", [(NEIGHBOUR, FILES), (FILES, APP)], ids=["there", "here"])
def test_part_under_another_domain_is_opened_in_a_tab(ada: GatePerson, portal: str, part: str) -> None:
    """Browsers send it no cookies, whichever domain it is; the link leads to the part itself."""
    ada.signs_in_at(f"{portal}/")
    frame = frame_in(ada.page, portal, f"{part}/part")
    expect(frame.get_by_text("frame of another site")).to_be_visible()
    with ada.page.expect_popup() as opened:
        frame.get_by_role("link").click()
    expect(opened.value.get_by_role("heading", name=f"Hello {ada.username}")).to_be_visible()
    assert opened.value.url == f"{part}/part"


def test_form_sent_after_the_session_ended_is_sent_again(ada: GatePerson, site: GateSite) -> None:
    """The page says what to do, its link opens a tab, and a reload sends the whole text."""
    ada.signs_in_at(f"{APP}/")
    page = ada.page
    page.goto(f"{APP}/form")
    ada.field("Text").evaluate("(field, text) => { field.value = text; }", LONG)  # typing it takes Chromium long
    ada.is_signed_out_elsewhere()
    ada.button("Save").click()
    ada.sees("You were signed out")
    assert not [visit for visit in site.application.visits if visit.method == "POST" and visit.user == ada.username]
    with page.expect_popup() as opened:
        ada.link("Sign in in a new tab").click()
    ada.computer.page = opened.value
    ada.enters_password()
    expect(opened.value.get_by_role("heading", name="Write")).to_be_visible()
    assert opened.value.url == f"{APP}/form"
    page.reload()
    expect(page.get_by_role("heading", name="Saved")).to_be_visible()
    sent = site.application.visits[-1]
    assert (sent.method, sent.user) == ("POST", ada.username)
    assert sent.fields["text"].replace("\r\n", "\n") == LONG
