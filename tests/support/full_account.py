"""A user with everything that an act can end, and the ways to perform an act."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.openapi import CheckedApi
from tests.support.service import Service
from tests.support.users import protected
from twofold.accounts.consequences import Change


class FullAccount:
    """A user with 2FA on, two authenticators, a trusted computer with a session, and two known browsers."""

    def __init__(self, service: Service, policy: str = "once_per_computer") -> None:
        self.service = service
        self.person = protected(service, "once_per_computer")
        self.first = self.person.factor_id or ""
        self.old_recovery_code = self.person.recovery_code or ""
        self.person.enable_totp(name="Second phone")
        self.second = self.person.factor_id or ""
        self.computer: CheckedApi = self.person.another_browser()
        self.person.sign_in(self.computer, trust_this_computer=True)
        self.policy = policy
        self.own = FormBrowser(service.url)
        self.other = FormBrowser(service.url)
        for browser in (self.own, self.other):
            browser.sign_in(self.person.email, PASSWORD, self.person.code()).goes_to("/settings")
        if policy == "disabled":
            self.person.api.set_policy(policy).expect(200)
            self.person.sign_in(self.computer)

    @property
    def api(self) -> CheckedApi:
        """The session in which the act is performed."""
        return self.person.api

    @property
    def pages(self) -> FormBrowser:
        """The same session in the known browser `own`."""
        browser = self.person.pages()
        browser.keep("twofold_browser", self.own.cookies["twofold_browser"])
        return browser

    def submit_setting(self, action: str, **fields: str) -> str:
        """Submit a form of the settings page, and return the recovery code if one is shown."""
        shown = self.pages.submit("/settings", action, **fields).expect(200, 303)
        return shown.recovery_code if shown.status == 200 else ""

    def command(self, *arguments: str) -> str:
        """Run `twofold account` for this user, and return the link that it prints."""
        done = self.service.command("account", *arguments, self.person.email, "--json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout).get("link", ""))


Act = Callable[[FullAccount], object]  # a text is the recovery code that was shown


@dataclass(frozen=True)
class Way:
    """A way to perform an act: by which interface, and on which sessions."""

    change: Change
    by: str
    act: Act
    policy: str = "once_per_computer"
    in_session: bool = True  # the session of `FullAccount.api`, which continues
    in_browser: bool = False  # the browser `FullAccount.own`
    ends: tuple[str, ...] = ()  # the sessions that the act concerns: this, other, gone

    @property
    def name(self) -> str:
        """The id of its test."""
        return f"{self.change.name}, {self.by}"
