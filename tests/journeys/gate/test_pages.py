"""The gate's own pages are accessible, as every page is: axe finds nothing, and 320 pixels are enough."""

from collections.abc import Iterator

import pytest

from tests.support.browser_person import BrowserPerson
from tests.support.computer import Computer
from tests.support.gallery import Gallery
from tests.support.gate_site import APP, AUTH, NEIGHBOUR, GatePerson, GateSite, expects_sign_in


@pytest.fixture
def gallery(computer: Computer) -> Iterator[Gallery]:
    """Yield the gallery, and fail at the end with all violations."""
    opened = Gallery(computer.page)
    yield opened
    opened.close()


def address_of_the_frame(person: BrowserPerson, part: str) -> str:
    """Open a page with a frame, and return the address at which the frame ended."""
    person.page.goto(f"{NEIGHBOUR}/portal?frame={part}")
    frame = person.page.frame_locator("iframe")
    frame.get_by_text("opens in a new tab").wait_for()
    return person.page.frames[1].url


def test_pages_without_a_session_are_accessible(computer: Computer, gallery: Gallery) -> None:
    """This covers cookies that were not kept, and signing out twice."""
    page = computer.page
    page.goto(f"{APP}/.twofold/arrive.html?t=x")
    gallery.shows(
        "gate-cookie-not-kept",
        "This browser, or the proxy in front of app.example.org, did not keep our cookie",
    )
    page.goto(f"{APP}/.twofold/nothing")
    gallery.shows("gate-closed", "This is closed")
    page.goto(f"{APP}/.twofold/sign-out.html")
    gallery.shows("gate-signed-out", "You are signed out")


def test_page_about_circles_is_accessible(computer: Computer, gallery: Gallery, site: GateSite) -> None:
    """It appears if the same address of ours is opened again and again after it has expired."""
    page, begun = computer.page, list[str]()
    page.on("request", lambda request: begun.append(request.url) if "/gate/begin?" in request.url else None)
    page.goto(f"{APP}/x")
    expects_sign_in(page)
    site.service.move_clock(site.service.clock_offset + 300)
    for _ in range(5):
        page.goto(begun[0])
        expects_sign_in(page)
    page.goto(begun[0])
    gallery.shows("gate-circle", "The way to app.example.org leads in circles")


def test_pages_with_a_session_are_accessible(ada: GatePerson, gallery: Gallery) -> None:
    """This covers the start page, a refusal, signing out, frames, and a form that was not sent."""
    page = ada.page
    ada.signs_in_at(f"{NEIGHBOUR}/")
    ada.opens("/")
    gallery.shows("gate-start", "Your applications")
    page.goto(f"{APP}/staff/")
    gallery.shows("gate-not-allowed", "You may not open this")
    page.goto(f"{APP}/.twofold/sign-out.html")
    gallery.shows("gate-sign-out", "Sign out of all applications?")
    page.goto(address_of_the_frame(ada, f"{APP}/admin"))
    gallery.shows("gate-frame-authenticate", "Authenticate to see this part")
    page.goto(f"{APP}/form")
    ada.is_signed_out_elsewhere()
    ada.button("Save").click()
    gallery.shows("gate-form", "You were signed out")


def test_page_in_a_frame_is_accessible(ada: GatePerson, gallery: Gallery) -> None:
    """It is looked at in a window, since it is small."""
    ada.signs_in_at(f"{NEIGHBOUR}/")
    ada.page.goto(f"{NEIGHBOUR}/portal?frame=about:blank")
    ada.is_signed_out_elsewhere()
    ada.page.evaluate("address => { document.querySelector('iframe').src = address; }", f"{APP}/part")
    ada.page.frame_locator("iframe").get_by_text("opens in a new tab").wait_for()
    ada.page.goto(ada.page.frames[1].url)
    gallery.shows("gate-frame-sign-in", "Sign in to see this part")


def test_start_page_leads_to_applications(ada: GatePerson) -> None:
    """Its tiles open them without another sign-in."""
    ada.signs_in_at(f"{APP}/")
    ada.page.goto(AUTH)
    ada.page.get_by_role("link", name="Team wiki").click()
    ada.arrives_at(f"{NEIGHBOUR}/")
