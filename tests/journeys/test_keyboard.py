"""Everything can be done with the keyboard, and the focus is always visible."""

from playwright.sync_api import expect

from tests.support.browser_person import TRUST, BrowserPerson
from tests.support.computer import Computer

FOCUS_IS_SEEN = "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"
NAME_OF_FOCUS = """() => {
    const at = document.activeElement;
    return at.labels?.[0]?.innerText || at.ariaLabel || at.innerText || at.tagName;
}"""


def goes_to(person: BrowserPerson, name: str) -> None:
    """Press Tab until the named element has the focus, and check that every focus on the way is visible."""
    for _ in range(40):
        person.page.keyboard.press("Tab")
        assert person.page.evaluate(FOCUS_IS_SEEN), person.page.evaluate(NAME_OF_FOCUS)
        if person.page.evaluate(NAME_OF_FOCUS).strip() == name:
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def test_sign_in_works_with_the_keyboard_alone(computer: Computer) -> None:
    """The first field has the focus, and Tab, Space and Enter do the rest."""
    ada = BrowserPerson.with_authenticator(computer, "Once per computer")
    ada.opens("/sign-in")
    keys = ada.page.keyboard
    expect(ada.field("Email")).to_be_focused()
    keys.type(ada.email)
    goes_to(ada, "Password")
    keys.type(ada.password)
    goes_to(ada, "Sign in")
    keys.press("Enter")
    ada.sees("Enter your code")
    expect(ada.field("Verification code")).to_be_focused()
    keys.type(ada.code())
    goes_to(ada, TRUST)
    keys.press("Space")
    goes_to(ada, "Verify")
    keys.press("Enter")
    ada.sees("User Settings")
    expect(ada.section("Trusted computers")).to_contain_text("This computer")


def test_settings_work_with_the_keyboard_alone(computer: Computer) -> None:
    """Settings are unlocked with the button at the bottom; the skip link and radio groups work with keys."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    ada.locks_settings()
    keys = ada.page.keyboard
    goes_to(ada, "Skip to main content")
    keys.press("Enter")
    expect(ada.page.get_by_role("main")).to_be_focused()
    goes_to(ada, "Authenticate")
    keys.press("Enter")
    ada.sees("Authenticate to make changes")
    keys.type(ada.password)
    keys.press("Enter")
    ada.sees("User Settings")
    goes_to(ada, "Disabled")
    keys.press("ArrowUp")
    expect(ada.page.get_by_role("radio", name="Every log-in")).to_be_checked()
    goes_to(ada, "Update 2FA Settings")
    keys.press("Enter")
    ada.is_told("Your 2FA settings were updated.")
