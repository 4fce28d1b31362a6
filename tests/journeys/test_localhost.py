"""Users who open the service at 127.0.0.1 or [::1] are redirected to `localhost`, where their cookies are."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.support.clients import PASSWORD, Person
from tests.support.service import Service


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_page_opened_at_an_address_is_shown_at_localhost(
    host: str, browser: Browser, service: Service, *, script: bool
) -> None:
    """After signing in there, the requested page opens, and the session applies to both addresses."""
    ada = Person.signed_in(service.url)
    with browser.new_context(java_script_enabled=script) as context:
        page = context.new_page()
        page.goto(f"http://{host}:{service.port}/settings/activity")
        assert page.url == f"{service.url}/sign-in?return_to=%2Fsettings%2Factivity"
        page.get_by_label("Email").fill(ada.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1, name="Activity")).to_be_visible()
        assert page.url.startswith(f"{service.url}/settings/activity")
        page.goto(f"http://{host}:{service.port}/settings")
        expect(page.get_by_role("heading", level=1, name="User Settings")).to_be_visible()
        assert page.url == f"{service.url}/settings"


def test_form_left_open_before_an_upgrade_says_where_the_service_is(browser: Browser, tmp_path: Path) -> None:
    """Earlier versions used 127.0.0.1 by default; a button leads to the same service at `localhost`."""
    service = Service(tmp_path)
    with service, browser.new_context() as context:
        ada = Person.signed_in(service.url)
        page = context.new_page()
        page.goto(f"{service.url}/sign-in")
        service.stop()
        del service.settings["base_url"]
        service.start()
        page.get_by_label("Email").fill(ada.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1, name="Open this page at localhost")).to_be_visible()
        page.get_by_role("link", name=f"Open http://localhost:{service.port}").click()
        expect(page.get_by_role("heading", level=1, name="Sign in to localhost")).to_be_visible()
        assert urlsplit(page.url).netloc == f"localhost:{service.port}"
