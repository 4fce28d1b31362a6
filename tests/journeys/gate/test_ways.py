"""The way from an application to the sign-in and back in Chromium, through nginx as its recipe has it."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.support.browser_person import SAVED
from tests.support.computer import LAUNCH_WITH, MAX_WAIT, Computer
from tests.support.doors import TWOFOLD
from tests.support.gate_site import APP, AUTH, FILES, NEIGHBOUR, GatePerson, GateSite, expects_sign_in
from tests.support.programs import need

DEEP = f"{NEIGHBOUR}/a%20b/c%2Bd;e=%C3%BC?x=1&y=%26%3B&z=a+b;c&p=100%25&url=https://x.example/%3Fa"


def test_deep_link_survives_password_and_code(either_computer: Computer, site: GateSite) -> None:
    """The application opens at the exact address, and gets its exact bytes."""
    ada = GatePerson.with_authenticator(either_computer)
    ada.page.goto(DEEP)
    ada.enters_password()
    ada.gives_code()
    ada.arrives_at(DEEP)
    assert site.targets(NEIGHBOUR)[-1] == DEEP.removeprefix(NEIGHBOUR)


def test_application_under_another_domain_opens_without_a_second_sign_in(ada: GatePerson) -> None:
    """Only redirects lead there, and both see the same person."""
    ada.signs_in_at(f"{APP}/one?a=%2F")
    ada.page.goto(f"{FILES}/two?b=%2F")
    ada.arrives_at(f"{FILES}/two?b=%2F")
    ada.page.goto(f"{APP}/three")
    ada.arrives_at(f"{APP}/three")
    domains = {(cookie["domain"], cookie["name"].rpartition("_")[0]) for cookie in ada.page.context.cookies()}
    gate = {domain for domain, name in domains if name == "__Host-twofold_gate"}
    assert gate == {"app.example.org", "files.example.net"}


def test_step_up_leads_there_and_back(either_computer: Computer) -> None:
    """Two factors after a password alone, and a fresh proof after some minutes."""
    ada = GatePerson.with_authenticator(either_computer, "Once per computer")
    ada.gives_password()
    ada.gives_code(trust=True)
    ada.sees("User Settings")
    ada.signs_out()
    ada.signs_in_at(f"{APP}/")
    strong, fresh = f"{APP}/admin/x?a=%26;b", f"{APP}/vault?c=%2B"
    ada.page.goto(strong)
    ada.authenticates_again()
    ada.arrives_at(strong)
    ada.page.goto(fresh)
    ada.arrives_at(fresh)
    ada.computer.service.move_clock(ada.computer.service.clock_offset + 301)
    ada.page.goto(fresh)
    ada.authenticates_again()
    ada.arrives_at(fresh)


def test_person_without_a_factor_is_led_through_enrolment_and_back(either_computer: Computer) -> None:
    """The exact address opens after set-up and recovery code."""
    ada = GatePerson(either_computer).has_an_account()
    strong = f"{APP}/admin/first?a=%26;b"
    ada.page.goto(strong)
    ada.enters_password()
    ada.sees("Set up two-factor authentication")
    ada.button("Add authenticator").click()
    ada.sets_up_the_app()
    ada.sees("Save your recovery code")
    ada.page.get_by_label(SAVED).check()
    ada.button("Continue").click()
    ada.authenticates_again()
    ada.arrives_at(strong)


# ------------------------------------------------------------------ cookies


def blocking_cookies(playwright: Playwright, site: GateSite, folder: Path, *, hosts: str) -> BrowserContext:
    """Return a browser whose user has blocked cookies of these hosts in its settings."""
    exceptions = {"cookies": {f"{hosts},*": {"setting": 2}}}
    (folder / "Default").mkdir(parents=True)
    (folder / "Default" / "Preferences").write_text(
        json.dumps({"profile": {"content_settings": {"exceptions": exceptions}}})
    )
    return with_profile(playwright, site, folder)


def with_profile(playwright: Playwright, site: GateSite, folder: Path, *more: str) -> BrowserContext:
    """Return a browser that keeps its settings and tabs in a folder."""
    arguments = [*LAUNCH_WITH, *site.browser_arguments, *more]
    context = playwright.chromium.launch_persistent_context(folder, executable_path=need("chromium"), args=arguments)
    context.set_default_timeout(MAX_WAIT)
    return context


def signs_in(page: Page, person: GatePerson) -> None:
    """Fill in the form for the password in a browser of its own."""
    expects_sign_in(page)
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize(
    "hosts, heading",
    [
        ("[*.]app.example.org", "This browser, or the proxy in front of app.example.org, did not keep our cookie"),
        (f"[*.]{TWOFOLD}", f"Sign in to {TWOFOLD}"),
        ("*", f"Sign in to {TWOFOLD}"),
    ],
)
def test_blocked_cookies_are_explained(
    playwright: Playwright, site: GateSite, ada: GatePerson, tmp_path: Path, hosts: str, heading: str
) -> None:
    """At the application, at Twofold, or everywhere: a page says so, and nothing goes in circles."""
    with blocking_cookies(playwright, site, tmp_path / "profile", hosts=hosts) as context:
        page, visited, errors = context.pages[0], list[str](), list[str]()
        page.on("request", lambda request: visited.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{APP}/deep?x=%26")
        signs_in(page, ada)
        expect(page.get_by_text("cookie").first).to_be_visible()
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        assert len([url for url in visited if url.startswith(f"{AUTH}/gate/begin")]) <= 3, visited
        assert errors == [], "storage is blocked with cookies"
        if hosts == "[*.]app.example.org":
            assert page.get_by_role("link", name="Try again").get_attribute("href") == f"{APP}/deep?x=%26"


# ------------------------------------------------------------------ tabs


def opens(page: Page, address: str) -> None:
    """Begin to open an address, as if it was typed in."""
    page.evaluate("address => { setTimeout(() => location.assign(address)); }", address)


@pytest.mark.parametrize("closed", [True, False], ids=["closed meanwhile", "left open"])
def test_ten_restored_tabs_need_one_sign_in(ada: GatePerson, *, closed: bool) -> None:
    """All are opened at once after the session has ended, and all arrive at the addresses that they showed."""
    ada.signs_in_at(f"{APP}/first")
    ada.is_signed_out_elsewhere()
    context = ada.page.context
    if closed:
        context.clear_cookies()  # the gate's cookies end with the browser
    tabs = {f"{(APP, FILES)[number % 2]}/{number}?a=%26": context.new_page() for number in range(10)}
    for address, page in tabs.items():
        opens(page, address)
    for page in tabs.values():
        expects_sign_in(page)
    signing = tabs[f"{APP}/4?a=%26"]
    signing.bring_to_front()
    signs_in(signing, ada)
    for address, page in tabs.items():
        if page is not signing:
            page.reload()
        ada.arrives_at(address, page)


def test_browser_that_is_started_again_restores_its_tabs(
    playwright: Playwright, site: GateSite, ada: GatePerson, tmp_path: Path, *, full: bool
) -> None:
    """Chromium itself opens all tabs of its last session, in which the person was signed in."""
    if not full:
        pytest.skip("starts Chromium twice, in ten seconds; the test before it opens ten tabs: bin/test --full")
    addresses = {f"{(APP, FILES)[number % 2]}/{number}?a=%26" for number in range(10)}
    with with_profile(playwright, site, tmp_path) as context:
        context.pages[0].goto(f"{APP}/")
        signs_in(context.pages[0], ada)
        ada.arrives_at(f"{APP}/", context.pages[0])
        for address in addresses:
            page = context.new_page()
            page.goto(address)
            ada.arrives_at(address, page)
    ada.is_signed_out_elsewhere()
    with with_profile(playwright, site, tmp_path, "--restore-last-session") as context:
        while len(context.pages) < 1 + len(addresses):
            context.wait_for_event("page")
        tabs = [page for page in context.pages if page.url != "about:blank"]
        for page in tabs:
            expects_sign_in(page)
        signs_in(tabs[0], ada)
        expect(tabs[0].get_by_role("heading", level=1, name=f"Hello {ada.username}")).to_be_visible()
        for page in tabs[1:]:
            page.reload()
            expect(page.get_by_role("heading", level=1, name=f"Hello {ada.username}")).to_be_visible()
        assert {page.url for page in tabs} == {*addresses, f"{APP}/"}


def test_second_tab_that_signs_in_again_goes_on(ada: GatePerson) -> None:
    """The form of a tab that finds a session leads on, and the first tab stays in."""
    first, second = ada.page, ada.page.context.new_page()
    first.goto(f"{APP}/one")
    second.goto(f"{APP}/two")
    signs_in(first, ada)
    ada.arrives_at(f"{APP}/one", first)
    signs_in(second, ada)
    ada.arrives_at(f"{APP}/two", second)
    first.reload()
    ada.arrives_at(f"{APP}/one", first)


# ------------------------------------------------------------------ back, and signing out


def test_back_after_the_arrival_leads_to_no_form(either_computer: Computer) -> None:
    """The entry of the sign-in leads to the application again, and the one before it is reached next."""
    ada = GatePerson(either_computer).has_an_account()
    ada.opens("/forgot-password")
    ada.signs_in_at(f"{APP}/page?a=%26")
    ada.page.go_back()
    ada.arrives_at(f"{APP}/page?a=%26")
    ada.page.go_back()
    ada.sees("Forgot your password?")


def test_sign_out_ends_access_in_every_domain(either_computer: Computer, site: GateSite) -> None:
    """From the link in an application: one press, and back at the application one is asked to sign in."""
    ada = GatePerson(either_computer).has_an_account()
    ada.signs_in_at(f"{APP}/")
    ada.page.goto(f"{FILES}/x")
    ada.arrives_at(f"{FILES}/x")
    before = len(site.targets(APP)), len(site.targets(FILES))
    ada.link("Sign out").click()
    ada.sees("Sign out of all applications?")
    ada.button("Sign out").click()
    expects_sign_in(ada.page)
    for address in (f"{APP}/", f"{FILES}/x"):
        ada.page.goto(address)
        expects_sign_in(ada.page)
    assert (len(site.targets(APP)), len(site.targets(FILES))) == before
