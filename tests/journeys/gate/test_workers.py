"""Single-page applications with service workers, after the session has ended.

Each worker answers navigations as that of its framework does; the page uses the script of docs/gate.md.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.computer import Computer
from tests.support.gate_site import AUTH, WORKERS, GatePerson, GateSite, expects_sign_in


def works_offline(person: GatePerson) -> None:
    """Wait until the application has loaded its data, and its service worker controls the page."""
    expect(person.page.get_by_role("heading", name=f"Hello {person.username}")).to_be_visible()
    expect(person.page.get_by_text("Works offline")).to_be_visible()


def opens_with_a_worker(person: GatePerson, kind: str, *, then: Callable[[], None] = lambda: None) -> list[str]:
    """Open the application, and return the list of navigations from then on; `then` follows the password."""
    person.page.goto(f"{WORKERS[kind]}/")
    person.enters_password()
    then()
    works_offline(person)
    visited: list[str] = []
    person.page.on("request", lambda request: visited.append(request.url) if request.is_navigation_request() else None)
    return visited


@pytest.mark.parametrize("kind", ["angular", "react", "workbox", "guarded", "relaying"])
def test_application_with_a_worker_leads_to_the_sign_in(ada: GatePerson, kind: str) -> None:
    """The shell appears from the cache, its request for data leads to the sign-in and back, and nothing loops."""
    visited = opens_with_a_worker(ada, kind)
    address = f"{WORKERS[kind]}/deep/link?a=%26&b=c"
    ada.is_signed_out_elsewhere()
    ada.page.goto(address)
    ada.enters_password()
    works_offline(ada)
    assert ada.page.url == address
    assert max(Counter(visited).values()) <= 2, visited
    ada.page.goto(f"{WORKERS[kind]}/another")
    works_offline(ada)


def test_application_that_knows_nothing_of_the_gate_waits_for_its_user(ada: GatePerson, site: GateSite) -> None:
    """Its worker answers for Twofold, too: nothing loops, and it works again once its data is deleted."""
    visited = opens_with_a_worker(ada, "unaware")
    origin = WORKERS["unaware"]
    ada.is_signed_out_elsewhere()
    for address in (f"{origin}/page", f"{origin}/.twofold/sign-in.html?to=/page"):
        ada.page.goto(address)
        ada.sees("No data")
    assert visited == [f"{origin}/page", f"{origin}/.twofold/sign-in.html?to=/page"]
    browser = ada.page.context.new_cdp_session(ada.page)
    browser.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "service_workers,cache_storage"})
    ada.page.goto(f"{origin}/page")
    ada.enters_password()
    works_offline(ada)
    assert not [target for target in site.targets(origin) if target.startswith("/.twofold/")]


def test_page_whose_data_requires_more_leads_to_the_step_up(computer: Computer) -> None:
    """And back to the page, without going in circles."""
    ada = GatePerson.with_authenticator(computer, "Once per computer")
    ada.gives_password()
    ada.gives_code(trust=True)
    ada.sees("User Settings")
    ada.signs_out()
    visited = opens_with_a_worker(ada, "strict", then=ada.authenticates_again)
    ada.page.goto(f"{WORKERS['strict']}/another")
    works_offline(ada)
    assert len(visited) == 1, visited


def test_page_that_a_worker_asks_for_itself_is_like_data(ada: GatePerson) -> None:
    """It is refused with a problem document, which the worker hands on; docs/doors warns of this."""
    opens_with_a_worker(ada, "asking")
    ada.is_signed_out_elsewhere()
    ada.page.goto(f"{WORKERS['asking']}/page")
    expect(ada.page.get_by_text('"sign_in":"/.twofold/sign-in.html"')).to_be_visible()


def test_worker_that_stores_redirects_is_explained(ada: GatePerson, site: GateSite) -> None:
    """The browser is not left in circles until it gives up; other addresses still work."""
    opens_with_a_worker(ada, "hoarder")
    ada.is_signed_out_elsewhere()
    address = f"{WORKERS['hoarder']}/new"
    ada.page.goto(address)
    expects_sign_in(ada.page)
    ada.page.goto("about:blank")
    site.service.move_clock(site.service.clock_offset + 300)
    ada.page.goto(address)
    ada.sees("The way to hoarder.example.org leads in circles")
    ada.page.goto(f"{AUTH}/sign-in")
    ada.sees("Sign in to auth.example.org")
