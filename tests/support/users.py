"""Users of a service with a movable clock, which is advanced instead of waiting for the next code."""

from tests.support.authenticator import STEP, Authenticator
from tests.support.clients import Answer, Person
from tests.support.forms import FormBrowser
from tests.support.openapi import CheckedApi
from tests.support.service import Service

HOUR = 3600
DAY = 24 * HOUR


class User(Person):
    """A user each of whose responses is checked against the API's description."""

    api: CheckedApi

    def __init__(self, service: Service, email: str | None = None) -> None:
        super().__init__(service.url, email)
        self.service = service
        self.api = CheckedApi(service.url)

    def enable_totp(self, **more: str) -> Answer:
        """Add an authenticator, use it from then on, and return the response that verified it."""
        begun = self.api.begin_totp(**more).expect(201)
        self.authenticator = Authenticator(begun["secret"], self.service.clock)
        self.factor_id = begun["id"]
        verified = self.api.verify(begun["id"], self.code()).expect(200)
        self.recovery_code = verified.get("recovery_code") or self.recovery_code
        return verified

    def code(self) -> str:
        """Return an unused code, advancing the clock if there is none yet."""
        assert self.authenticator is not None, "this person has no authenticator"
        while self.authenticator.last_step > int(self.service.clock()) // STEP:
            pass_time(self.service, STEP)
        return self.authenticator.code()

    def wrong_code(self) -> str:
        """Return six digits that are not a code of this user."""
        assert self.authenticator is not None, "this person has no authenticator"
        return self.authenticator.wrong_code()

    def another_browser(self) -> CheckedApi:
        """Return a client that the person has not used yet."""
        return CheckedApi(self.url)

    def half_open(self, api: CheckedApi | None = None) -> CheckedApi:
        """Return a client between password and code."""
        api = api or self.another_browser()
        answer = api.sign_in(self.email, self.password).expect(200)
        assert answer["status"] == "code_required", str(answer)
        return api

    def pages(self) -> FormBrowser:
        """Return a browser with the user's session."""
        return FormBrowser(self.url, session=self.api.token)

    def shown(self) -> Answer:
        """GET /two-factor."""
        return self.api.two_factor().expect(200)


def new_user(service: Service, email: str | None = None) -> User:
    """Return a new user, signed in with unlocked settings."""
    person = User(service, email)
    person.api.sign_up(person.email, person.password).expect(201)
    person.sign_in()
    return person


def protected(service: Service, policy: str = "every_log_in") -> User:
    """Return a new user with 2FA on and one authenticator, signed in with unlocked settings."""
    person = new_user(service)
    person.enable_totp()
    if policy != "every_log_in":
        person.api.set_policy(policy).expect(200)
    return person


def pass_time(service: Service, seconds: int) -> None:
    """Advance the clock of the service."""
    service.move_clock(service.clock_offset + seconds)
