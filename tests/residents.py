"""People at a service whose clock the tests move: where others wait for the next code, time passes at once."""

from tests.authenticator import STEP, Authenticator
from tests.clients import Answer, Person
from tests.forms import FormBrowser
from tests.openapi import CheckedApi
from tests.service import Service

HOUR = 3600
DAY = 24 * HOUR


class Resident(Person):
    """Somebody whose every answer is checked against the API's description."""

    api: CheckedApi

    def __init__(self, service: Service, email: str | None = None) -> None:
        super().__init__(service.url, email)
        self.service = service
        self.api = CheckedApi(service.url)

    def enable_totp(self, **more: str) -> Answer:
        """Adds an authenticator, which becomes the one this person uses; the verifying answer is returned."""
        begun = self.api.begin_totp(**more).must(201)
        self.authenticator = Authenticator(begun["secret"], self.service.clock)
        self.factor_id = begun["id"]
        verified = self.api.verify(begun["id"], self.code()).must(200)
        self.recovery_code = verified.get("recovery_code") or self.recovery_code
        return verified

    def code(self) -> str:
        """A code that was not given before; when there is none yet, time passes."""
        assert self.authenticator is not None, "this person has no authenticator"
        while self.authenticator.last_step > int(self.service.clock()) // STEP:
            pass_time(self.service, STEP)
        return self.authenticator.code()

    def wrong_code(self) -> str:
        """Six digits that are not this person's."""
        assert self.authenticator is not None, "this person has no authenticator"
        return self.authenticator.wrong_code()

    def another_browser(self) -> CheckedApi:
        """A client that knows nothing of the person yet."""
        return CheckedApi(self.url)

    def half_open(self, api: CheckedApi | None = None) -> CheckedApi:
        """A client between password and code."""
        api = api or self.another_browser()
        answer = api.sign_in(self.email, self.password).must(200)
        assert answer["status"] == "code_required", str(answer)
        return api

    def pages(self) -> FormBrowser:
        """The person's own session, seen in a browser."""
        return FormBrowser(self.url, session=self.api.token)

    def shown(self) -> Answer:
        """GET /two-factor."""
        return self.api.two_factor().must(200)


def resident(service: Service) -> Resident:
    """A new person, signed up and in, settings unlocked."""
    person = Resident(service)
    person.api.sign_up(person.email, person.password).must(201)
    person.sign_in()
    return person


def protected(service: Service, policy: str = "every_log_in") -> Resident:
    """A new person, signed in, settings unlocked, with 2FA on and one authenticator."""
    person = resident(service)
    person.enable_totp()
    if policy != "every_log_in":
        person.api.set_policy(policy).must(200)
    return person


def pass_time(service: Service, seconds: int) -> None:
    """Lets time pass at the service."""
    service.move_clock(service.clock_offset + seconds)
