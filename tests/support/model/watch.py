"""Compare the service with the reference model: each response, and everything visible after it."""

from datetime import UTC, datetime
from typing import Any

from tests.support.cookies import cookie_name
from tests.support.model import facts
from tests.support.model.application import START, URL, App, Device, Reply
from tests.support.model.facts import OK, Client, ModelPerson, Session
from tests.support.model.reference import World

STATUS = {
    facts.OK: 200,
    facts.CODE_REQUIRED: 200,
    facts.WRONG_CREDENTIALS: 401,
    facts.WRONG_CODE: 401,
    facts.CODE_USED: 401,
    facts.CLOCK_OFF: 401,
    facts.TOO_MANY: 429,
    facts.EXPIRED: 410,
    facts.COMPLETED: 410,
    facts.NOT_SIGNED_IN: 401,
    facts.LOCKED: 403,
    facts.NOT_FOUND: 404,
    facts.CONFLICT: 409,
    facts.INVALID: 422,
}
NAMES = ("ann", "bob", "cyd")


class Divergence(AssertionError):
    """The service and the model differ."""


class Watch:
    """Three new people at two browsers and two programs, and the model of them."""

    def __init__(self, inside: App) -> None:
        self.inside = inside
        inside.now = START
        inside.sequences += 1
        self.devices = [inside.device(is_browser=browser) for browser in (True, True, False, False)]
        people = [ModelPerson(f"{name}-{inside.sequences}@example.com") for name in NAMES]
        self.world = World(START, people, [Client(device.is_browser) for device in self.devices])
        self.looking = True  # off while steps are repeated that were compared before
        self.told: dict[ModelPerson, list[str]] = {person: [] for person in people}  # recovery codes

    def device(self, client: Client) -> Device:
        """Return the device of a client of the model."""
        return self.devices[self.world.clients.index(client)]

    def agree(self, reply: Reply, expected: str, person: ModelPerson | None = None, *, look: bool = True) -> None:
        """Compare a response with the model, and store the recovery code that it contains."""
        told = reply.code or (_outcome(reply) if reply.status < 400 else None)
        if told != expected and not (told is None and reply.status == STATUS[expected]):
            raise Divergence(f"the model says {expected}, the service {reply}")
        if person and person.recovery_code == facts.TO_BE_TOLD:
            person.recovery_code = reply.recovery_code
            self.told[person].append(reply.recovery_code or "")
            same("a recovery code is told", expected=True, found=bool(reply.recovery_code))
        elif reply.status < 400:  # a form that is shown again contains what was entered
            same("a recovery code that nobody asked for", expected=None, found=reply.recovery_code)
        if look:
            self.look()

    def agree_on_tries(self, reply: Reply, left: int) -> None:
        """Compare the number of attempts left with the model, where the response states it."""
        if reply.code:
            same("attempts left", left, reply.body["attempts_left"])

    def look(self) -> None:
        """Compare sessions, unlocking and trust with the model, and check that every ended session is rejected."""
        self.inside.acts += 1
        if not self.looking:
            return
        seen: set[ModelPerson] = set()
        for client, device in zip(self.world.clients, self.devices, strict=True):
            session = self.world.session(client)
            same("session", self._expected_session(session), _session(device.api("GET", "/session")))
            if client.is_browser and device.cookies.get(cookie_name(URL, "sign_in")):
                expected = 200 if self.world.attempt(client) else 410
                same("half-open", expected, device.page("/sign-in/code").status)
            if session and session.person not in seen:
                seen.add(session.person)
                same("two-factor", _expected_choice(session.person), _choice(device))
                same("computers", self._expected_computers(client, session.person), _computers(device))
            for token in device.buried:
                same("a session that was left", 401, self.inside.ghost(token).api("GET", "/session").status)
            device.buried.clear()

    def _expected_session(self, session: Session | None) -> dict[str, Any] | None:
        if session is None:
            return None
        level, methods, amr, authenticated_at = session.level()
        return {
            "email": session.person.email,
            "level": level,
            "methods": methods,
            "amr": amr,
            "authenticated_at": when(authenticated_at),
            "trusted_computer": session.on_trust,
            "signed_in_at": when(session.begun_at),
            "unlocked_until": when(session.unlocked_until) if self.world.is_unlocked(session) else None,
            "expires_at": when(session.begun_at + facts.SESSION),
        }

    def _expected_computers(self, client: Client, person: ModelPerson) -> dict[str, bool]:
        here = client.computers.get(person) if client.is_browser else None
        return {computer.id: computer is here for computer in self.world.trusted(person)}


def when(seconds: int) -> str:
    """Return a time in the format of the API."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _outcome(reply: Reply) -> str:
    half_way = reply.location == "/sign-in/code" or reply.body.get("status") == facts.CODE_REQUIRED
    return facts.CODE_REQUIRED if half_way else OK


def _session(reply: Reply) -> dict[str, Any] | None:
    if reply.code == facts.NOT_SIGNED_IN:
        return None
    shown = {name: value for name, value in reply.body.items() if name not in ("account", "id")}
    return {"email": reply.body["account"]["email"], **shown}


def _expected_choice(person: ModelPerson) -> dict[str, Any]:
    return {
        "policy": person.policy,
        "active": person.active,
        "required": False,
        "factors": [factor.id for factor in person.factors],
        "default_factor_id": person.default.id if person.default else None,
        "recovery_code": {"created_at": when(person.recovery_code_at)} if person.recovery_code else None,
    }


def _choice(device: Device) -> dict[str, Any]:
    told: dict[str, Any] = device.api("GET", "/two-factor").body
    return told | {"factors": [factor["id"] for factor in told["factors"]]}


def _computers(device: Device) -> dict[str, bool]:
    return {item["id"]: item["current"] for item in device.api("GET", "/trusted-computers").body["items"]}


def same(what: str, expected: object, found: object) -> None:
    """Raise Divergence if what was found is not what the model says."""
    if expected != found:
        raise Divergence(f"{what}: the model says {expected}, the service {found}")
