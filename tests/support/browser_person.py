"""A person at a computer, who follows the article and finds everything by its visible name."""

import re
import uuid
from pathlib import Path
from typing import Literal, Self

from playwright.sync_api import Locator, Page, expect

from tests.support.authenticator_phone import AuthenticatorPhone, read_key_uri
from tests.support.clients import PASSWORD, Api
from tests.support.computer import Computer

Frequency = Literal["Disabled", "Once per computer", "Every log-in"]
TRUST = "Don't ask again on this computer for 30 days"
SAVED = "I have saved my recovery code"
QR_CODE = "QR code to add this account to an authenticator app"
KEY = re.compile(r"^\s*([A-Z2-7]{4}\s?){8}\s*$")
RECOVERY_CODE = re.compile(r"^[0-9A-Z]{5}(-[0-9A-Z]{5}){4}$")


class BrowserPerson:
    """A person with an email address and a password, who may have a phone and a saved recovery code."""

    def __init__(self, computer: Computer, email: str | None = None, password: str = PASSWORD) -> None:
        self.computer = computer
        self.email = email or f"person-{uuid.uuid4().hex[:12]}@example.com"
        self.password = password
        self.phone: AuthenticatorPhone | None = None
        self.recovery_code = ""

    @classmethod
    def with_authenticator(cls, computer: Computer, frequency: Frequency = "Every log-in") -> Self:
        """Return a person who completed the setup some time ago and is signed out."""
        person, service = cls(computer), computer.service
        with Api(service.url) as api:
            api.sign_up(person.email, person.password).expect(201)
            api.sign_in(person.email, person.password).expect(200)
            begun = api.begin_totp().expect(201)
            person.phone = AuthenticatorPhone(begun["secret"], service)
            person.recovery_code = api.verify(begun["id"], person.code()).expect(200)["recovery_code"]
            api.set_policy(frequency.lower().replace(" ", "_").replace("-", "_")).expect(200)
            api.sign_out().expect(204)
        return person

    def moves_to(self, computer: Computer) -> None:
        """Move to another computer."""
        self.computer = computer

    # ------------------------------------------------------------------ looking and pressing

    @property
    def page(self) -> Page:
        """The page on the screen."""
        return self.computer.page

    def opens(self, path: str) -> None:
        """Open a path of the site."""
        self.page.goto(path)

    def sees(self, heading: str | re.Pattern[str]) -> None:
        """Check that the page has this heading."""
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()

    def reads(self, text: str | re.Pattern[str]) -> None:
        """Check that a text is on the page."""
        expect(self.page.get_by_role("main").get_by_text(text).first).to_be_visible()

    def button(self, name: str) -> Locator:
        """Return a button by its name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        """Return a link by its name."""
        return self.page.get_by_role("link", name=name, exact=True)

    def field(self, label: str) -> Locator:
        """Return a text field by its label."""
        return self.page.get_by_role("textbox", name=label, exact=True)

    def password_field(self, label: str = "Password") -> Locator:
        """Return a password field by its label, since password fields have no ARIA role."""
        return self.page.get_by_label(label, exact=True)

    def section(self, name: str) -> Locator:
        """Return a section of User Settings by its heading."""
        return self.page.get_by_role("region", name=name, exact=True)

    # ------------------------------------------------------------------ the door

    def signs_up(self) -> None:
        """Create an account and be signed in."""
        self.opens("/sign-up")
        self.field("Email").fill(self.email)
        self.password_field().fill(self.password)
        self.button("Create account").click()
        self.sees("User Settings")

    def gives_password(self, password: str | None = None) -> None:
        """Complete the first step of a sign-in."""
        self.opens("/sign-in")
        self.field("Email").fill(self.email)
        self.password_field().fill(self.password if password is None else password)
        self.button("Sign in").click()

    def gives_code(self, code: str | None = None, *, trust: bool = False) -> None:
        """Complete the second step, with a code from the phone by default."""
        self.sees("Enter your code")
        self.field("Verification code").fill(self.code() if code is None else code)
        if trust:
            self.page.get_by_label(TRUST).check()
        self.button("Verify").click()

    def signs_in(self, *, trust: bool = False) -> None:
        """Sign in with password and code."""
        self.gives_password()
        self.gives_code(trust=trust)
        self.sees("User Settings")

    def signs_out(self) -> None:
        """Sign out."""
        self.button("Sign out").click()
        self.sees("You are signed out")

    def code(self) -> str:
        """Return the next code from the phone."""
        assert self.phone is not None, "this person has no authenticator"
        return self.phone.code()

    # ------------------------------------------------------------------ User Settings

    def opens_user_settings(self) -> None:
        """Go to User Settings."""
        self.opens("/settings")
        self.sees("User Settings")

    def locks_settings(self) -> None:
        """Lock User Settings before they lock by themselves."""
        self.opens_user_settings()
        self.button("Lock now").click()
        expect(self.button("Lock now")).to_have_count(0)

    def authenticates(self) -> None:
        """Unlock User Settings from the button at the bottom."""
        self.button("Authenticate").click()
        self.sees("Authenticate to make changes")
        self.password_field().fill(self.password)
        if self.phone is not None:
            self.field("Verification code").fill(self.code())
        self.button("Authenticate").click()
        self.sees("User Settings")
        expect(self.button("Authenticate")).to_have_count(0)

    def chooses_frequency(self, frequency: Frequency) -> None:
        """Choose how often a code is required."""
        section = self.section("Enable Two-Factor Authentication (2FA)")
        section.get_by_role("radio", name=frequency).check()
        section.get_by_role("button", name="Update 2FA Settings").click()
        self.is_told("Your 2FA settings were updated.")

    def chooses_method(self, method: str) -> None:
        """Choose how codes are received."""
        section = self.section("Two-Factor Authentication (2FA) Methods")
        section.get_by_role("radio", name=method).check()
        section.get_by_role("button", name="Update 2FA Method").click()

    def adds_an_authenticator(self, name: str) -> None:
        """Start to set up another authenticator with a name."""
        section = self.section("Authenticators")
        section.get_by_label("Name of the new authenticator").fill(name)
        section.get_by_role("button", name="Add authenticator").click()

    def is_told(self, text: str | re.Pattern[str]) -> None:
        """Check that the success message is visible without scrolling."""
        expect(self.page.get_by_role("status").filter(has_text=text)).to_be_in_viewport()

    # ------------------------------------------------------------------ an authenticator

    def sets_up_the_app(self) -> None:
        """Enter the key from the page on a new phone, and verify it with a code."""
        self.phone = self.takes_the_key()
        self.button("Continue").click()
        self.verifies(self.code())

    def takes_the_key(self) -> AuthenticatorPhone:
        """Return a phone that was set up with the link that opens an app."""
        self.sees("Set up your authenticator app")
        uri = self.link("Open in your authenticator app").get_attribute("href") or ""
        return AuthenticatorPhone(read_key_uri(uri).secret, self.computer.service)

    def reads_the_key(self) -> str:
        """Return the key for manual entry, as it is displayed."""
        self.page.get_by_text("Can't scan the code?").click()
        return self.page.get_by_text(KEY).inner_text()

    def verifies(self, code: str) -> None:
        """Enter the first code of a new authenticator."""
        expect(self.page.get_by_role("heading", name="Enter the code from your app")).to_be_visible()
        self.field("Verification code").fill(code)
        self.button("Verify").click()

    # ------------------------------------------------------------------ the recovery code

    def reads_the_recovery_code(self) -> str:
        """Return the recovery code from its page."""
        return self.page.get_by_text(RECOVERY_CODE).inner_text().strip()

    def saves_the_recovery_code(self) -> None:
        """Write the code down, confirm that, and continue."""
        self.sees("Save your recovery code")
        self.recovery_code = self.reads_the_recovery_code()
        self.page.get_by_label(SAVED).check()
        self.button("Continue").click()
        self.sees("User Settings")
        self.is_told(re.compile(r"Two-factor authentication is on\.|Your recovery code is saved\."))

    def downloads_the_recovery_code(self) -> str:
        """Return the content of the downloaded file."""
        with self.page.expect_download() as coming:
            self.button("Download").click()
        assert coming.value.suggested_filename == "twofold-recovery-code.txt"
        return Path(coming.value.path()).read_text()

    # ------------------------------------------------------------------ mistakes

    def is_refused(self, text: str | re.Pattern[str], *, status: str = "Error: ") -> None:
        """Check that the focused error box and the page title both state the error."""
        summary = self.page.get_by_role("alert")
        expect(summary).to_contain_text(text)
        expect(summary).to_be_focused()
        expect(self.page).to_have_title(re.compile(f"^{status}"))
