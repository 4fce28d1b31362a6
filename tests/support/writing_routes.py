"""Valid requests to every writing route of a service, none of which may succeed during a database outage."""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.support.clients import Answer, Api, Person
from tests.support.cookies import cookie_name
from tests.support.mailbox import token_in, wait_for_mail
from tests.support.phones import Phone
from tests.support.routes import ROUTES
from tests.support.service import Service
from tests.support.sync import RawAnswer, raw_request, release_together
from twofold.accounts import links
from twofold.assembly import open_site
from twofold.base.unit_of_work import COMMAND_LINE, Runner
from twofold.base.visitor import Access
from twofold.base.web.routes import Call, Route
from twofold.config import Config

SENTENCE = "The service is temporarily unavailable. Wait a moment and try again."
SAFE = ("GET", "HEAD")

# The fields of each route; `field=fact` where the field and the fact have different names.
FIELDS = {
    "POST /sign-in": "email password",
    "POST /sign-in/code": "code",
    "POST /sign-in/recovery-code": "recovery_code",
    "POST /sign-in/cancel": "",
    "POST /sign-in/code/send": "factor_id=phone",
    "POST /api/v1/sign-in": "email password",
    "POST /api/v1/sign-in/code/send": "sign_in factor_id=phone",
    "POST /api/v1/sign-in/code": "sign_in code",
    "POST /api/v1/sign-in/recovery-code": "sign_in recovery_code",
    "POST /sign-up": "email=new_email password",
    "POST /setup/{token}": "email=new_email password",
    "POST /invitation/{token}": "password",
    "POST /api/v1/accounts": "email=new_email password",
    "POST /authenticate": "password code",
    "POST /authenticate/send": "factor_id=phone",
    "POST /api/v1/session/unlock/send": "factor_id=phone",
    "POST /api/v1/session/unlock": "password code",
    "POST /settings/two-factor": "policy",
    "POST /settings/method": "method=kind",
    "POST /settings/factors": "kind name",
    "POST /settings/factors/new": "kind=phone_kind phone=number",
    "POST /settings/factors/{id}/send": "",
    "POST /settings/factors/{id}/verify": "code",
    "POST /settings/factors/{id}/name": "name",
    "POST /settings/factors/{id}/default": "",
    "POST /settings/factors/{id}/remove": "",
    "POST /settings/recovery-code": "",
    "POST /settings/recovery-code/saved": "saved",
    "POST /settings/recovery-code/download": "recovery_code",
    "PUT /api/v1/two-factor": "policy",
    "POST /api/v1/factors": "kind name",
    "POST /api/v1/factors/{id}/send": "",
    "POST /api/v1/factors/{id}/verify": "code",
    "PATCH /api/v1/factors/{id}": "name",
    "DELETE /api/v1/factors/{id}": "",
    "POST /api/v1/recovery-code": "",
    "POST /settings/computers/{id}/name": "name",
    "POST /settings/computers/{id}/forget": "",
    "POST /settings/computers/forget-all": "",
    "PATCH /api/v1/trusted-computers/{id}": "name",
    "DELETE /api/v1/trusted-computers/{id}": "",
    "DELETE /api/v1/trusted-computers": "",
    "POST /settings/sessions/{id}/end": "",
    "POST /settings/sessions/end-others": "",
    "POST /settings/lock": "",
    "POST /sign-out": "",
    "POST /gate/sign-out": "",
    "DELETE /api/v1/session": "",
    "DELETE /api/v1/sessions/{id}": "",
    "DELETE /api/v1/sessions": "",
    "POST /settings/password": "current_password=password new_password",
    "POST /forgot-password": "email",
    "POST /reset-password/{token}": "new_password",
    "POST /sign-up/{token}": "password",
    "POST /settings/email/confirmation": "",
    "POST /confirm-email/{token}": "",
    "POST /settings/profile": "name",
    "PATCH /api/v1/account": "name",
    "POST /settings/email": "email=new_email",
    "POST /change-email/{token}": "",
    "POST /settings/export": "",
    "POST /settings/delete": "",
    "PUT /api/v1/account/email": "email=new_email",
    "POST /api/v1/account/email/complete": "token=change-email",
    "POST /api/v1/account/email/confirmation": "",
    "POST /api/v1/account/email/confirmation/complete": "token=confirm-email",
    "DELETE /api/v1/account": "",
    "POST /api/v1/accounts/complete": "token=sign-up password",
    "POST /api/v1/password-reset": "email",
    "PUT /api/v1/account/password": "current_password=password new_password",
    "POST /api/v1/password-reset/complete": "token=reset-password new_password",
}
ONLY_READS = {
    "POST /settings/recovery-code/download",  # returns what it receives
    "POST /settings/method",  # the only method is already selected
}


def name_of(route: Route) -> str:
    """Return method and path."""
    return f"{route.method} {route.path}"


WRITING = [route for route in ROUTES if route.method not in SAFE]


@dataclass
class WritingRoutes:
    """A user with all that writing routes need: an unlocked session, a half-open sign-in, links and unused codes."""

    service: Service
    person: Person
    facts: dict[str, str]
    before: list[object]

    @classmethod
    def prepared(cls, service: Service) -> "WritingRoutes":
        """Create everything while the database is available."""
        person = Person.with_totp(service.url, "once_per_computer")
        phone = proven_phone(person)
        trusted = person.another_browser()
        person.sign_in(trusted, trust_this_computer=True)
        api, half_open = person.api, person.another_browser()
        half_open.sign_in(person.email, person.password)
        facts = {
            "email": person.email,
            "password": person.password,
            "new_email": f"new-{person.email}",
            "new_password": "quartz-lantern-meadow-71",
            "code": person.code(),
            "recovery_code": person.recovery_code or "",
            "kind": "totp",
            "saved": "yes",
            "name": "Another name",
            "policy": "every_log_in",
            "sign_in": half_open.sign_in_token or "",
            "session": api.token or "",
            "factors": person.factor_id or "",
            "pending": api.begin_totp().expect(201)["id"],
            "phone": phone,
            "phone_kind": "voice",
            "number": Phone(service.url).number,
            "pending_phone": api.begin_phone("sms", Phone(service.url).number).expect(201)["id"],
            "computers": api.trusted_computers()["items"][0]["id"],
            "sessions": other_session(api.sessions()),
            "setup": last_part(service.first_administrator_link()),
            "sign-up": sign_up_link(service, f"signed-up-{person.email}", person.password),
            "change-email": email_link(service, api, f"other-{person.email}"),
            "confirm-email": confirmation_link(service, api, person.email),
            "invitation": link(service, "invite", f"invited-{person.email}"),
            "reset-password": link(service, "reset-password", person.email),
        }
        facts["trusted-computers"] = facts["computers"]
        routes = cls(service, person, facts, [])
        routes.before = routes.snapshot()
        return routes

    def request_all(self) -> dict[str, RawAnswer]:
        """Send a request to every writing route at the same moment and return the responses by route."""
        answers = release_together(self.service.url, [self.request(route) for route in WRITING])
        return dict(zip(map(name_of, WRITING), answers, strict=True))

    def request(self, route: Route) -> bytes:
        """Return a valid request for a route as bytes."""
        fields = [field.partition("=") for field in FIELDS[name_of(route)].split()]
        body = {name: self.facts[fact or name] for name, _, fact in fields}
        if isinstance(route, Call):
            kind = {"Content-Type": "application/json"} if body else {}
            headers = {"Authorization": f"Bearer {self.facts['session']}", **kind}
            sent = json.dumps(body).encode() if body else b""
        else:
            cookie = "sign_in" if route.need is Access.PUBLIC else "session"
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": self.service.url,
                "Cookie": f"{cookie_name(self.service.url, cookie)}={self.facts[cookie]}",
            }
            sent = urlencode(body).encode()
        return raw_request(self.service.url, self.path(route), sent, method=route.method, headers=headers)

    def path(self, route: Route) -> str:
        """Return the path of a route with the user's ids and links."""
        front, mark, back = route.path.partition("{")
        if not mark:
            return route.path
        pending = {"}/verify": "pending", "}/send": "pending_phone"}
        fact = pending.get(back[back.index("}") :]) or last_part(front.rstrip("/"))
        return front + self.facts[fact] + back.partition("}")[2]

    def snapshot(self) -> list[object]:
        """Return everything that the API shows of the user's account."""
        api = self.person.api
        sessions = sorted(session["id"] for session in api.sessions().expect(200)["items"])
        computers = [computer["id"] for computer in api.trusted_computers().expect(200)["items"]]
        return [api.two_factor().expect(200).body, sessions, computers]

    def check_nothing_changed(self) -> None:
        """Check that nothing changed: no new account, the same password, and a code that works once."""
        assert self.snapshot() == self.before
        api = self.person.another_browser()
        for stranger in (self.facts["new_email"], f"signed-up-{self.person.email}"):
            api.sign_in(stranger).refused(401, "wrong_credentials")
        api.sign_in(self.person.email, self.facts["new_password"]).refused(401, "wrong_credentials")
        api.sign_in(self.person.email, self.person.password).expect(200)
        api.give_code(self.facts["code"]).expect(200, 401)
        api.sign_in(self.person.email, self.person.password).expect(200)
        api.give_code(self.facts["code"]).expect(401)


def proven_phone(person: Person) -> str:
    """Add a phone number to the authenticator, store the new recovery code and return the number."""
    phone = Phone(person.url)
    begun = str(person.api.begin_phone("sms", phone.number).expect(201)["id"])
    person.recovery_code = person.api.verify(begun, phone.code()).expect(200)["recovery_code"]
    return begun


def link(service: Service, command: str, email: str) -> str:
    """Return the token of a link from the command line."""
    done = service.command("account", command, email, "--json")
    assert done.returncode == 0, done.stderr
    return last_part(json.loads(done.stdout)["link"])


def sign_up_link(service: Service, email: str, password: str) -> str:
    """Return the token of a sign-up link that another process created, since mail may not be configured.

    A made-up token would prove nothing: no row is written for it, so it is refused as unavailable (503) only if
    another transaction shares its commit, and as gone (404) otherwise.
    """

    async def make() -> str:
        async with open_site(Config.from_env(service.environment())) as site:
            password_hash = await site.passwords.hash(password)
            return await Runner(site, COMMAND_LINE).write(
                links.create_for_address, "sign_up", email, password_hash=password_hash
            )

    return asyncio.run(make())


def email_link(service: Service, api: Api, email: str) -> str:
    """Return the token of a link mailed to a new address."""
    api.call("PUT", "/account/email", {"email": email}).expect(202)
    return token_in(wait_for_mail(service, email, "Confirm your new email"), "/change-email/")


def confirmation_link(service: Service, api: Api, email: str) -> str:
    """Return the token of a link that is mailed to confirm an address."""
    api.call("POST", "/account/email/confirmation").expect(202)
    return token_in(wait_for_mail(service, email, "Confirm your email address"), "/confirm-email/")


def last_part(path: str) -> str:
    """Return the last segment of a path."""
    return path.rsplit("/", 1)[1]


def other_session(listed: Answer) -> str:
    """Return the id of a session other than the current one."""
    found: str = next(session["id"] for session in listed["items"] if not session["current"])
    return found


def check_refused(route: str, answer: RawAnswer) -> None:
    """Check for a 503 with a code or one clear sentence, without a session or traceback."""
    text = answer.body.decode()
    assert answer.status == 503, f"{route}: {answer.status} {text[:400]}"
    assert "twofold_session" not in answer.head, f"{route}: {answer.head}"
    assert "retry-after: 5" in answer.head.lower(), f"{route}: {answer.head}"
    if "/api/" in route:
        assert answer.json()["code"] == "unavailable", f"{route}: {text[:400]}"
    else:
        assert SENTENCE in text, f"{route}: {text[:400]}"
    assert "Traceback" not in text
