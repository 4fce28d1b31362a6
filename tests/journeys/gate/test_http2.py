"""The way to an application over HTTP/2, in which browsers send each cookie alone, through Caddy and Traefik."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, expect

from tests.support.computer import Computer, launch
from tests.support.doors import Door
from tests.support.gate_site import APP, APPLICATIONS, AUTH, HOSTS, GatePerson, GateSite

PROTOCOL = "performance.getEntriesByType('navigation')[0].nextHopProtocol"


@pytest.fixture(params=["caddy", "traefik"])
def computer(request: pytest.FixtureRequest, playwright: Playwright, site: GateSite) -> Iterator[Computer]:
    """Yield a computer that reaches all hosts through another proxy, in front of the same applications."""
    nginx = site.door.place
    door = Door(
        request.param,
        nginx.folder,
        nginx.certificate,
        twofold=nginx.twofold,
        application=nginx.application,
        hosts=HOSTS,
    )
    with door:
        chromium = launch(playwright, *GateSite(site.service, site.application, door).browser_arguments)
        with Computer(chromium, site.service, at=AUTH, applications=APPLICATIONS) as opened:
            yield opened
        chromium.close()


def test_application_is_opened_over_http2(ada: GatePerson, site: GateSite) -> None:
    """Through the sign-in to a form, and out again; the application gets what was sent."""
    ada.signs_in_at(f"{APP}/deep/link?a=%26&b=c")
    assert ada.page.evaluate(PROTOCOL) == "h2"
    assert len(ada.page.context.cookies(APP)) == 2
    ada.page.goto(f"{APP}/form")
    ada.page.get_by_label("Text").fill("Sent over HTTP/2")
    ada.page.get_by_role("button", name="Save").click()
    expect(ada.page.get_by_text("Sent over HTTP/2")).to_be_visible()
    assert (site.application.visits[-1].method, site.application.visits[-1].user) == ("POST", ada.username)
    ada.is_signed_out_elsewhere()
    ada.page.goto(f"{APP}/form")
    ada.enters_password()
    expect(ada.page.get_by_label("Text")).to_be_visible()
