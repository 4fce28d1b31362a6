"""Each act done twice: in the reference model, and at the real service, which must answer what the model says."""

from collections.abc import Awaitable, Callable

from tests.model import facts
from tests.model.facts import OK, PENDING, TRIES, Attempt, Client, Factor, Person, Session
from tests.model.inside import Inside, Reply
from tests.model.proofs import totp
from tests.model.watch import Watch, same
from twofold.admin import actions as admin
from twofold.base.acts import Act

COUNTED = (facts.WRONG_CODE, facts.CODE_USED, facts.CLOCK_OFF)
RECOVERY_CODES = ("living", "dead", "another's recovery code", "never told")
CODES = ("fresh", "spent", "wrong", "another's code")
DEEDS: dict[str, Callable[[Act, str], Awaitable[None]]] = {
    "reset-2fa": admin.reset_two_factor,
    "disable": admin.disable,
    "enable": admin.enable,
    "sign-out": admin.sign_out,
    "unlock": admin.unlock,
}
Offer = str | int  # a kind of code, or a time step so many from now


class Both(Watch):
    """The acts. A Divergence is raised where service and model do not agree."""

    def __init__(self, inside: Inside) -> None:
        super().__init__(inside)
        self.links: list[str] = []
        self.passwords = 0

    # ------------------------------------------------------------------ at the door

    def sign_up(self, at: Client, who: Person) -> None:
        """Make an account."""
        password = self.new_password()
        expected = self.world.sign_up(at, who, password)
        self.agree(self.device(at).sign_up(who.email, password), expected)

    def give_password(self, at: Client, who: Person, *, right: bool = True) -> None:
        """Begin to sign in."""
        password = self.password(who, right=right)
        expected = self.world.give_password(at, who, password)
        self.agree(self.device(at).give_password(who.email, password), expected)

    def give_code(self, at: Client, offer: Offer, *, trust: bool = False) -> None:
        """Go on with a code, of whatever kind."""
        attempt = self.world.attempt(at)
        person = attempt.person if attempt else self.world.people[0]
        code, known = self.code(person, offer), len(person.computers)
        expected = self.world.give_code(at, code, trust=trust)
        reply = self.device(at).give_code(person.email, code, trust=trust)
        self.agree(reply, self._shown(at, attempt, expected), look=False)
        if attempt and expected in COUNTED:
            self.agree_on_tries(reply, min(self.world.codes_left(person), TRIES - attempt.wrong))
        if len(person.computers) > known:
            self._learn_computer(at, person)
        self.look()

    def give_recovery_code(self, at: Client, offer: str) -> None:
        """Go on with a recovery code, of whatever kind."""
        attempt = self.world.attempt(at)
        person = attempt.person if attempt else None
        text = self.recovery_code(person, offer)
        expected = self.world.give_recovery_code(at, text)
        self.agree(self.device(at).give_recovery_code(text), self._shown(at, attempt, expected), person)

    def come_in(self, at: Client, who: Person, *, trust: bool = False) -> None:
        """Sign in with all that is asked."""
        self.give_password(at, who)
        if self.world.attempt(at):
            self.give_code(at, "fresh", trust=trust)

    def cancel(self, at: Client) -> None:
        """Give a sign-in up, which only the pages can."""
        if at.is_browser:
            self.agree(self.device(at).form("/sign-in/cancel"), self.world.cancel(at))

    def sign_out(self, at: Client) -> None:
        """Leave."""
        self.agree(self.device(at).sign_out(), self.world.sign_out(at))

    def unlock(self, at: Client, proof: Offer | None, *, right: bool = True) -> None:
        """Prove everything again, or part of it."""
        person = self.owner(at)
        by_recovery_code = proof in RECOVERY_CODES
        recovery_code = self.recovery_code(person, str(proof)) if by_recovery_code else None
        code = None if by_recovery_code or proof is None else self.code(person, proof)
        password = self.password(person, right=right)
        expected = self.world.unlock(at, password, code, recovery_code)
        self.agree(self.device(at).unlock(password, code, recovery_code), expected, person)

    def lock(self, at: Client) -> None:
        """Lock settings before their time."""
        self.agree(self.device(at).form("/settings/lock"), self.world.lock(at))

    # ------------------------------------------------------------------ settings

    def settle(self, at: Client, method: str, path: str, body: object, act: Callable[[Session], str]) -> Reply:
        """Change a setting in both worlds, for which both must have unlocked it."""
        session = self.world.settings(at)
        expected, person = (session, None) if isinstance(session, str) else (act(session), session.person)
        reply = self.device(at).api(method, path, body)
        self.agree(reply, expected, person, look=expected != OK or path != "/factors")
        return reply

    def choose(self, at: Client, policy: str, default: Factor | None = None) -> None:
        """Say how often a code is asked for, and which factor first."""
        body = {"policy": policy, **({"default_factor_id": default.id} if default else {})}
        self.settle(at, "PUT", "/two-factor", body, lambda by: self.world.set_policy(by, policy, default))

    def enrol(self, at: Client, replaces: Factor | None = None) -> None:
        """Set an authenticator up, from beginning to end."""
        if factor := self.begin(at, replaces):
            self.verify(at, factor, "fresh")

    def begin(self, at: Client, replaces: Factor | None = None) -> Factor | None:
        """Begin to set an authenticator up; gives it, unless that is refused."""
        if [each.begun_at for each in self.owner(at).pending].count(self.world.now) == PENDING:
            self.wait(1)  # of one second's enrolments nobody can tell which is the newest
        factor = Factor("", "", self.world.now, replaces)
        body = {"kind": "totp", **({"replaces": replaces.id} if replaces else {})}
        reply = self.settle(at, "POST", "/factors", body, lambda by: self.world.begin(by, factor))
        if reply.status != 201:
            return None
        factor.id, factor.secret = reply.body["id"], reply.body["secret"]
        self.look()
        return factor

    def verify(self, at: Client, factor: Factor, offer: Offer) -> None:
        """Verify an authenticator, of whatever state, with whatever code."""
        if self.world.now in [each.verified_at for each in self.owner(at).factors]:
            self.wait(1)  # of one second's factors nobody can tell which comes first
        path, code = f"/factors/{factor.id}/verify", self.code(self.owner(at), offer, factor)
        reply = self.settle(at, "POST", path, {"code": code}, lambda by: self.world.verify(by, factor, code))
        if reply.code in COUNTED:
            self.agree_on_tries(reply, TRIES - factor.wrong)

    # ------------------------------------------------------------------ from outside

    def administer(self, deed: str, who: Person) -> None:
        """The administrator helps or hinders."""
        if self.world.administer(deed, who) == OK:
            self.inside.operate(DEEDS[deed], who.email)
        self.look()

    def offer_link(self, who: Person) -> None:
        """The administrator prints a link for somebody who forgot the password."""
        if who.password is not None:
            self.links.append(self.inside.operate(admin.offer_password_reset, who.email))
            self.world.offer_link(who, self.links[-1])
        self.look()

    def use_link(self, at: Client, token: str) -> None:
        """Somebody uses a link, living or dead, for a new password."""
        new = self.new_password()
        reply = self.device(at).api("POST", "/password-reset/complete", {"token": token, "new_password": new})
        self.agree(reply, self.world.use_link(token, new))

    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.world.now += seconds
        self.inside.now += seconds
        self.look()

    # ------------------------------------------------------------------ what people have at hand

    def owner(self, at: Client) -> Person:
        """Whoever is signed in at a client, or somebody."""
        session = self.world.session(at)
        return session.person if session else self.world.people[0]

    def password(self, person: Person, *, right: bool) -> str:
        """The person's password, or another."""
        return person.password if right and person.password else "not-the-password-of-anybody"

    def new_password(self) -> str:
        """A password that nobody had before."""
        self.passwords += 1
        return f"walnut-harbour-ember-{self.passwords}"

    def code(self, person: Person, offer: Offer, factor: Factor | None = None) -> str:
        """A code of the newest authenticator, or of this one; six digits even where there is none."""
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

    def recovery_code(self, person: Person | None, offer: str) -> str:
        """The living recovery code, or a dead one, another person's, one that nobody was told."""
        others = [each.recovery_code for each in self.world.people if each is not person and each.recovery_code]
        dead = [code for code in self.told.get(person, []) if code != person.recovery_code] if person else []
        living = [person.recovery_code] if person and person.recovery_code else []
        chosen = {"living": living, "dead": dead, "another's recovery code": others}.get(offer, [])
        return chosen[-1] if chosen else "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"

    def _shown(self, at: Client, attempt: Attempt | None, expected: str) -> str:
        """A page cannot ask again after the last wrong code: it says that the sign-in is over."""
        last = attempt is not None and attempt.wrong >= TRIES and expected in COUNTED
        return facts.EXPIRED if last and at.is_browser else expected

    def _learn_computer(self, at: Client, person: Person) -> None:
        listed = self.device(at).api("GET", "/trusted-computers").body["items"]
        new = {item["id"] for item in listed} - {computer.id for computer in person.computers}
        same("one more computer is trusted", 1, len(new))
        person.computers[-1].id = new.pop()
