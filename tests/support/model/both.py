"""Perform each act in the reference model and at the real service, which must respond as the model says."""

from collections.abc import Awaitable, Callable

from tests.support.model import facts
from tests.support.model.application import App, Reply
from tests.support.model.facts import OK, PENDING, TRIES, Attempt, Client, Factor, ModelPerson, Session
from tests.support.model.proofs import totp
from tests.support.model.watch import Watch, same
from twofold.admin import actions as admin
from twofold.base.unit_of_work import UnitOfWork

COUNTED = (facts.WRONG_CODE, facts.CODE_USED, facts.CLOCK_OFF)
RECOVERY_CODES = ("living", "dead", "another's recovery code", "never told")
CODES = ("fresh", "spent", "wrong", "another's code")
DEEDS: dict[str, Callable[[UnitOfWork, str], Awaitable[str | None]]] = {
    "reset-2fa": admin.reset_two_factor,
    "disable": admin.disable,
    "enable": admin.enable,
    "sign-out": admin.sign_out,
    "unlock": admin.unlock,
}
Offer = str | int  # a kind of code, or a time step relative to now


class Both(Watch):
    """Acts on both. Raise Divergence where service and model differ."""

    def __init__(self, inside: App) -> None:
        super().__init__(inside)
        self.links: list[str] = []
        self.passwords = 0

    # ------------------------------------------------------------------ signing in

    def sign_up(self, at: Client, who: ModelPerson) -> None:
        """Make an account."""
        password = self.new_password()
        expected = self.world.sign_up(at, who, password)
        self.agree(self.device(at).sign_up(who.email, password), expected)

    def give_password(self, at: Client, who: ModelPerson, *, right: bool = True) -> None:
        """Begin to sign in."""
        password = self.password(who, right=right)
        expected = self.world.give_password(at, who, password)
        self.agree(self.device(at).give_password(who.email, password), expected)

    def give_code(self, at: Client, offer: Offer, *, trust: bool = False) -> None:
        """Continue a sign-in with any kind of code."""
        attempt = self.world.attempt(at)
        person = attempt.person if attempt else self.world.people[0]
        code, known = self.code(person, offer), len(person.computers)
        expected = self.world.give_code(at, code, trust=trust)
        reply = self.device(at).give_code(person.email, code, trust=trust)
        self.agree(reply, self._shown(at, attempt, expected), look=False)
        if attempt and expected in COUNTED:
            self.agree_on_tries(reply, min(self.world.codes_left(at, person), TRIES - attempt.wrong))
        if len(person.computers) > known:
            self._learn_computer(at, person)
        self.look()

    def give_recovery_code(self, at: Client, offer: str) -> None:
        """Continue a sign-in with any kind of recovery code."""
        attempt = self.world.attempt(at)
        person = attempt.person if attempt else None
        text = self.recovery_code(person, offer)
        expected = self.world.give_recovery_code(at, text)
        self.agree(self.device(at).give_recovery_code(text), self._shown(at, attempt, expected), person)
        self._receive_answer(at)

    def come_in(self, at: Client, who: ModelPerson, *, trust: bool = False) -> None:
        """Sign in with all that is asked."""
        self.give_password(at, who)
        if self.world.attempt(at):
            self.give_code(at, "fresh", trust=trust)

    def cancel(self, at: Client) -> None:
        """Cancel a sign-in, which only the pages can do."""
        if at.is_browser:
            self.agree(self.device(at).form("/sign-in/cancel"), self.world.cancel(at))

    def sign_out(self, at: Client) -> None:
        """Leave."""
        self.agree(self.device(at).sign_out(), self.world.sign_out(at))

    def unlock(self, at: Client, proof: Offer | None, *, right: bool = True) -> None:
        """Unlock settings with all proofs, or with some of them."""
        person = self.owner(at)
        by_recovery_code = proof in RECOVERY_CODES
        recovery_code = self.recovery_code(person, str(proof)) if by_recovery_code else None
        code = None if by_recovery_code or proof is None else self.code(person, proof)
        password = self.password(person, right=right)
        expected = self.world.unlock(at, password, code, recovery_code)
        self.agree(self.device(at).unlock(password, code, recovery_code), expected, person)
        self._receive_answer(at)

    def lock(self, at: Client) -> None:
        """Lock settings before they lock by themselves."""
        self.agree(self.device(at).form("/settings/lock"), self.world.lock(at))

    # ------------------------------------------------------------------ settings

    def settle(self, at: Client, method: str, path: str, body: object, uow: Callable[[Session], str]) -> Reply:
        """Change a setting in both, which must be unlocked in both."""
        session = self.world.settings(at)
        expected, person = (session, None) if isinstance(session, str) else (uow(session), session.person)
        reply = self.device(at).api(method, path, body)
        self.agree(reply, expected, person, look=expected != OK or path != "/factors")
        return reply

    def choose(self, at: Client, policy: str, default: Factor | None = None) -> None:
        """Set how often a code is required, and the default factor."""
        body = {"policy": policy, **({"default_factor_id": default.id} if default else {})}
        self.settle(at, "PUT", "/two-factor", body, lambda by: self.world.set_policy(by, policy, default))

    def enrol(self, at: Client, replaces: Factor | None = None) -> None:
        """Set up an authenticator completely."""
        if factor := self.begin(at, replaces):
            self.verify(at, factor, "fresh")

    def begin(self, at: Client, replaces: Factor | None = None) -> Factor | None:
        """Start to set up an authenticator, and return it unless that is refused."""
        if [each.begun_at for each in self.owner(at).pending].count(self.world.now) == PENDING:
            self.wait(1)  # the newest of several enrolments in one second is not defined
        factor = Factor("", "", self.world.now, replaces)
        body = {"kind": "totp", **({"replaces": replaces.id} if replaces else {})}
        reply = self.settle(at, "POST", "/factors", body, lambda by: self.world.begin(by, factor))
        if reply.status != 201:
            return None
        factor.id, factor.secret = reply.body["id"], reply.body["secret"]
        self.look()
        return factor

    def verify(self, at: Client, factor: Factor, offer: Offer) -> None:
        """Verify an authenticator in any state with any code."""
        if self.world.now in [each.verified_at for each in self.owner(at).factors]:
            self.wait(1)  # the order of several factors in one second is not defined
        path, code = f"/factors/{factor.id}/verify", self.code(self.owner(at), offer, factor)
        reply = self.settle(at, "POST", path, {"code": code}, lambda by: self.world.verify(by, factor, code))
        if reply.code in COUNTED:
            self.agree_on_tries(reply, TRIES - factor.wrong)

    # ------------------------------------------------------------------ from outside

    def administer(self, deed: str, who: ModelPerson) -> None:
        """Act as the administrator."""
        if self.world.administer(deed, who) == OK:
            self.inside.operate(DEEDS[deed], who.email)
        self.look()

    def offer_link(self, who: ModelPerson) -> None:
        """Create a reset link as the administrator."""
        if who.password is not None:
            self.links.append(self.inside.operate(admin.create_password_reset_link, who.email))
            self.world.offer_link(who, self.links[-1])
        self.look()

    def use_link(self, at: Client, token: str) -> None:
        """Set a new password with a valid or expired link."""
        new = self.new_password()
        reply = self.device(at).api("POST", "/password-reset/complete", {"token": token, "new_password": new})
        self.agree(reply, self.world.use_link(token, new))

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.world.now += seconds
        self.inside.now += seconds
        self.look()

    # ------------------------------------------------------------------ what people have at hand

    def owner(self, at: Client) -> ModelPerson:
        """Return the person signed in on a client, or any person."""
        session = self.world.session(at)
        return session.person if session else self.world.people[0]

    def password(self, person: ModelPerson, *, right: bool) -> str:
        """Return the person's password, or another."""
        return person.password if right and person.password else "not-the-password-of-anybody"

    def new_password(self) -> str:
        """Return a password that was never used before."""
        self.passwords += 1
        return f"walnut-harbour-ember-{self.passwords}"

    def code(self, person: ModelPerson, offer: Offer, factor: Factor | None = None) -> str:
        """Return a code of this or the newest authenticator, or any six digits if there is none."""
        others = [each for other in self.world.people if other is not person for each in other.factors]
        factors = [factor] if factor else others if offer == "another's code" else person.factors
        if not factors:
            return "123456"
        chosen, step = factors[-1], self.world.now // 30
        if isinstance(offer, int):
            return totp(chosen.secret, step + offer)
        if offer == "wrong":
            return f"{(int(totp(chosen.secret, step)) + 1) % 10**6:06}"
        if offer == "spent":
            return totp(chosen.secret, max(chosen.last_step, 0))
        return totp(chosen.secret, next((near for near in (step, step + 1) if near > chosen.last_step), step))

    def recovery_code(self, person: ModelPerson | None, offer: str) -> str:
        """Return a valid, used, foreign or never issued recovery code."""
        others = [each.recovery_code for each in self.world.people if each is not person and each.recovery_code]
        dead = [code for code in self.told.get(person, []) if code != person.recovery_code] if person else []
        living = [person.recovery_code] if person and person.recovery_code else []
        chosen = {"living": living, "dead": dead, "another's recovery code": others}.get(offer, [])
        return chosen[-1] if chosen else "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"

    def _shown(self, at: Client, attempt: Attempt | None, expected: str) -> str:
        """Return the expected result as the page shows it: after the last wrong code, that the sign-in has expired."""
        last = attempt is not None and attempt.wrong >= TRIES and expected in COUNTED
        return facts.EXPIRED if last and at.is_browser else expected

    def _receive_answer(self, at: Client) -> None:
        """Use the session of a response, so that it is not repeated; for lost responses, see tests/repeats."""
        self.device(at).api("GET", "/session")

    def _learn_computer(self, at: Client, person: ModelPerson) -> None:
        listed = self.device(at).api("GET", "/trusted-computers").body["items"]
        new = {item["id"] for item in listed} - {computer.id for computer in person.computers}
        same("one more computer is trusted", 1, len(new))
        person.computers[-1].id = new.pop()
