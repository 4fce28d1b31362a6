"""The article, step by step, from sign-up to a sign-in with a code from a real authenticator."""

from itertools import product
from pathlib import Path

from playwright.sync_api import expect

from tests.support.authenticator_phone import AuthenticatorPhone, read_key_uri, scan
from tests.support.browser_person import QR_CODE, SAVED, TRUST, BrowserPerson
from tests.support.computer import DESKTOP, SCHEMES, SIZES, Computer


def test_documented_steps_lead_to_signing_in_with_a_code(computer: Computer, tmp_path: Path) -> None:
    """The steps are: authenticate, choose, scan, verify, save the recovery code, and sign in with a code."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    ada.locks_settings()
    sees_a_grey_page(ada)
    ada.authenticates()
    ada.chooses_frequency("Every log-in")
    ada.chooses_method("TOTP authenticator app")
    uri = scans_on_every_screen(ada, tmp_path)
    assert read_key_uri(uri).name == ada.email
    assert ada.reads_the_key().replace(" ", "").replace("\n", "") == read_key_uri(uri).secret
    ada.button("Continue").click()
    ada.phone = AuthenticatorPhone(read_key_uri(uri).secret, computer.service)
    ada.verifies(ada.code())
    keeps_the_recovery_code(ada)
    ada.signs_out()
    ada.gives_password()
    expect(ada.page.get_by_label(TRUST)).to_have_count(0)
    ada.gives_code()
    ada.sees("User Settings")


def sees_a_grey_page(person: BrowserPerson) -> None:
    """Check that locked settings are read-only: nothing can be selected or pressed."""
    for name in ("Disabled", "Once per computer", "Every log-in", "TOTP authenticator app"):
        expect(person.page.get_by_role("radio", name=name)).to_be_disabled()
    for name in ("Update 2FA Settings", "Update 2FA Method", "Change password"):
        expect(person.button(name)).to_be_disabled()
    person.reads("Changes are locked. Authenticate to make changes.")


def scans_on_every_screen(person: BrowserPerson, folder: Path) -> str:
    """Return what a barcode reader reads from the page.

    It must be the same in light and dark, wide and at 320 pixels.
    """
    person.sees("Set up your authenticator app")
    page, picture, read = person.page, folder / "screen.png", set()
    for scheme, size in product(SCHEMES, SIZES):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        page.get_by_role("img", name=QR_CODE).scroll_into_view_if_needed()
        page.screenshot(path=picture)
        read.add(scan(picture))
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESKTOP)
    (uri,) = read
    assert person.link("Open in your authenticator app").get_attribute("href") == uri
    return uri


def keeps_the_recovery_code(person: BrowserPerson) -> None:
    """Copy, download and print the recovery code, then confirm that it is saved."""
    person.sees("Save your recovery code")
    code = person.reads_the_recovery_code()
    if person.computer.script:
        copies(person, code)
    file = person.downloads_the_recovery_code()
    assert code in file
    assert person.email in file
    prints(person, code)
    person.button("Continue").click()
    person.sees("Save your recovery code")
    expect(person.page.get_by_label(SAVED)).to_be_focused()
    person.saves_the_recovery_code()
    assert person.recovery_code == code
    expect(person.section("Enable Two-Factor Authentication (2FA)").get_by_text("On", exact=True)).to_be_visible()


def copies(person: BrowserPerson, code: str) -> None:
    """Check that Copy puts the code on the clipboard and says so."""
    person.computer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.button("Copy").click()
    expect(person.button("Copied")).to_be_visible()
    assert person.page.evaluate("navigator.clipboard.readText()") == code


def prints(person: BrowserPerson, code: str) -> None:
    """Check that the printed page shows only the code, its account and its date."""
    if person.computer.script:
        person.page.evaluate("window.print = () => { window.printed = true }")
        person.button("Print").click()
        assert person.page.evaluate("window.printed") is True
    person.page.emulate_media(media="print")
    on_paper = person.page.locator("body").inner_text()
    assert code in on_paper
    assert person.email in on_paper
    for name in ("Sign out", "Download", "Continue"):
        expect(person.button(name)).to_be_hidden()
    assert "I have saved" not in on_paper
    person.page.emulate_media(media="screen")


def test_recovery_code_is_not_shown_again_after_a_reload(computer: Computer) -> None:
    """The reloaded page says that the code was shown, and offers to create a new one."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    ada.chooses_method("TOTP authenticator app")
    ada.sets_up_the_app()
    ada.sees("Save your recovery code")
    first = ada.reads_the_recovery_code()
    ada.page.reload()
    ada.sees("Your recovery code was already shown")
    expect(ada.page.get_by_text(first)).to_have_count(0)
    ada.button("Create a new recovery code").click()
    ada.saves_the_recovery_code()
    assert ada.recovery_code != first
    expect(ada.page.get_by_role("radio", name="Every log-in")).to_be_checked()
