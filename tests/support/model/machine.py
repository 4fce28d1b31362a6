"""Random acts of three people at four clients, in any order, as drawn by Hypothesis."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.support.model.application import App
from tests.support.model.both import DEEDS, RECOVERY_CODES, Both, Offer
from tests.support.model.facts import DAY, DISABLED, HOUR, ONCE, POLICIES, Client, Factor

T = TypeVar("T")

PEOPLE, CLIENTS = st.integers(0, 2), st.integers(0, 3)
RIGHT = st.sampled_from([True, True, True, False])
OFFERS = st.sampled_from(
    ["fresh"] * 6 + ["spent", "spent", "wrong", "wrong", "another's code", -11, -10, -2, -1, 0, 1, 2, 10]
)
RECOVERY_OFFERS = st.sampled_from(["living", *RECOVERY_CODES])
SPANS = st.sampled_from([1, 29, 30, 30, 30, 59, 60, 299, 300, 300, 599, 600, 1800, HOUR - 1, HOUR, DAY - 1, DAY])
MONTHS = st.sampled_from([29 * DAY, 30 * DAY - 1, 30 * DAY])


class Acts(RuleBasedStateMachine):
    """A sequence of acts, each of which is compared with the reference model at once."""

    def __init__(self, inside: App) -> None:
        super().__init__()
        self.both = Both(inside)
        self.people, self.clients = self.both.world.people, self.both.world.clients

    # ------------------------------------------------------------------ signing in

    @initialize(policies=st.tuples(st.sampled_from(POLICIES), st.sampled_from(POLICIES)))
    def two_people_live_here(self, policies: tuple[str, str]) -> None:
        """Sign two people up, since most actions need an account."""
        for client, person, policy in zip(self.clients[1:], self.people, policies, strict=False):
            self.both.sign_up(client, person)
            self.both.come_in(client, person)
            if policy != DISABLED:
                self.both.enrol(client)
            if policy == ONCE:
                self.both.choose(client, policy)

    @rule(client=CLIENTS, person=PEOPLE)
    def sign_up(self, client: int, person: int) -> None:
        """Make an account."""
        self.both.sign_up(self.clients[client], self.people[person])

    @rule(client=CLIENTS, person=PEOPLE, right=RIGHT)
    def give_password(self, client: int, person: int, *, right: bool) -> None:
        """Begin to sign in."""
        self.both.give_password(self.clients[client], self.people[person], right=right)

    @rule(client=CLIENTS, person=PEOPLE, trust=st.booleans())
    def come_in(self, client: int, person: int, *, trust: bool) -> None:
        """Sign in with all that is asked."""
        self.both.come_in(self.clients[client], self.people[person], trust=trust)

    @rule(data=st.data(), offer=OFFERS, trust=st.booleans())
    def give_code(self, data: st.DataObject, offer: Offer, *, trust: bool) -> None:
        """Continue a sign-in with a code."""
        self.both.give_code(self._at(data, "half-open"), offer, trust=trust)

    @rule(data=st.data(), times=st.integers(2, 6))
    def guess(self, data: st.DataObject, times: int) -> None:
        """Continue a sign-in with wrong codes, one after another."""
        at = self._at(data, "half-open")
        for _ in range(times):
            self.both.give_code(at, "wrong")

    @rule(data=st.data(), offer=RECOVERY_OFFERS)
    def give_recovery_code(self, data: st.DataObject, offer: str) -> None:
        """Go on with a recovery code."""
        self.both.give_recovery_code(self._at(data, "half-open"), offer)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Cancel a sign-in."""
        self.both.cancel(self._at(data, "half-open"))

    @rule(client=CLIENTS)
    def sign_out(self, client: int) -> None:
        """Leave."""
        self.both.sign_out(self.clients[client])

    @rule(data=st.data(), right=RIGHT, proof=OFFERS | RECOVERY_OFFERS | st.none())
    def unlock(self, data: st.DataObject, proof: Offer | None, *, right: bool) -> None:
        """Unlock settings with all proofs, or with some of them."""
        self.both.unlock(self._at(data, "locked"), proof, right=right)

    @rule(client=CLIENTS)
    def lock(self, client: int) -> None:
        """Lock settings before they lock by themselves."""
        self.both.lock(self.clients[client])

    # ------------------------------------------------------------------ the second factor

    @rule(data=st.data(), policy=st.sampled_from(POLICIES))
    def set_policy(self, data: st.DataObject, policy: str) -> None:
        """Set how often a code is required."""
        self.both.choose(self._at(data, "unlocked"), policy)

    @rule(data=st.data())
    def make_default(self, data: st.DataObject) -> None:
        """Set the default factor."""
        at = self._at(data, "unlocked")
        self.both.choose(at, self.both.owner(at).policy, self._one_of(data, self._factors(at)))

    @rule(data=st.data(), replaces=st.booleans())
    def enrol(self, data: st.DataObject, *, replaces: bool) -> None:
        """Set up an authenticator completely."""
        at = self._at(data, "unlocked")
        self.both.enrol(at, self._one_of(data, self._factors(at)) if replaces else None)

    @rule(data=st.data(), replaces=st.booleans())
    def begin(self, data: st.DataObject, *, replaces: bool) -> None:
        """Start to set up an authenticator."""
        at = self._at(data, "unlocked")
        self.both.begin(at, self._one_of(data, self._factors(at)) if replaces else None)

    @rule(data=st.data(), offer=OFFERS)
    def verify(self, data: st.DataObject, offer: Offer) -> None:
        """Verify an authenticator."""
        at = self._at(data, "unlocked")
        if factor := self._one_of(data, self.both.owner(at).pending * 3 + self._factors(at)):
            self.both.verify(at, factor, offer)

    @rule(data=st.data())
    def remove_factor(self, data: st.DataObject) -> None:
        """Remove an authenticator, or cancel its enrolment."""
        at = self._at(data, "unlocked")
        if factor := self._one_of(data, self._factors(at)):
            path = f"/factors/{factor.id}"
            self.both.settle(at, "DELETE", path, None, lambda by: self.both.world.remove(by, factor))

    @rule(data=st.data())
    def rename_factor(self, data: st.DataObject) -> None:
        """Rename an authenticator."""
        at = self._at(data, "unlocked")
        if factor := self._one_of(data, self._factors(at)):
            path, body = f"/factors/{factor.id}", {"name": f"Phone {factor.id}"}
            self.both.settle(at, "PATCH", path, body, lambda by: self.both.world.rename(by, factor))

    @rule(data=st.data())
    def renew_recovery_code(self, data: st.DataObject) -> None:
        """Replace the recovery code."""
        at = self._at(data, "unlocked")
        self.both.settle(at, "POST", "/recovery-code", None, self.both.world.renew_recovery_code)

    # ------------------------------------------------------------------ password, sessions, computers

    @rule(data=st.data(), right=RIGHT)
    def change_password(self, data: st.DataObject, *, right: bool) -> None:
        """Change the password with the current one."""
        at = self._at(data, "unlocked")
        current, new = self.both.password(self.both.owner(at), right=right), self.both.new_password()
        body = {"current_password": current, "new_password": new}
        change = self.both.world.change_password
        self.both.settle(at, "PUT", "/account/password", body, lambda by: change(at, by, current, new))

    @rule(data=st.data(), client=CLIENTS)
    def end_session(self, data: st.DataObject, client: int) -> None:
        """End the session of a client of the same or another person."""
        if session := self.both.world.session(self.clients[client]):
            listed = self.both.devices[client].api("GET", "/sessions").body["items"]
            path = f"/sessions/{next(item['id'] for item in listed if item['current'])}"
            at = self._at(data, "unlocked")
            self.both.settle(at, "DELETE", path, None, lambda by: self.both.world.end_session(by, session))

    @rule(data=st.data())
    def end_other_sessions(self, data: st.DataObject) -> None:
        """End all other sessions."""
        self.both.settle(self._at(data, "unlocked"), "DELETE", "/sessions", None, self.both.world.end_others)

    @rule(data=st.data())
    def forget_computer(self, data: st.DataObject) -> None:
        """Forget a trusted computer."""
        at, world = self._at(data, "unlocked"), self.both.world
        computers = [each for person in (self.both.owner(at), *self.people) for each in world.trusted(person)]
        if computer := self._one_of(data, computers):
            path = f"/trusted-computers/{computer.id}"
            self.both.settle(at, "DELETE", path, None, lambda by: world.forget_computer(by, computer))

    @rule(data=st.data())
    def forget_computers(self, data: st.DataObject) -> None:
        """Forget all trusted computers."""
        at = self._at(data, "unlocked")
        self.both.settle(at, "DELETE", "/trusted-computers", None, self.both.world.forget_computers)

    # ------------------------------------------------------------------ from outside

    @rule(person=PEOPLE, deed=st.sampled_from(sorted(DEEDS)))
    def administer(self, person: int, deed: str) -> None:
        """Act as the administrator."""
        self.both.administer(deed, self.people[person])

    @rule(person=PEOPLE)
    def offer_link(self, person: int) -> None:
        """Create a reset link as the administrator."""
        self.both.offer_link(self.people[person])

    @rule(data=st.data(), client=CLIENTS)
    def use_link(self, data: st.DataObject, client: int) -> None:
        """Set a new password with a valid or expired link."""
        if token := self._one_of(data, self.both.links[-1:] * 2 + self.both.links):
            self.both.use_link(self.clients[client], token)

    @rule(seconds=SPANS)
    def some_time_passes(self, seconds: int) -> None:
        """Let up to a day pass."""
        self.both.wait(seconds)

    @rule(seconds=MONTHS)
    def a_month_passes(self, seconds: int) -> None:
        """Advance the clock by about the lifetime of a trusted computer."""
        self.both.wait(seconds)

    @rule()
    def keep_house(self) -> None:
        """Purge what has expired, which must change no response."""
        self.both.inside.keep_house()
        self.both.look()

    # ------------------------------------------------------------------ choosing

    def _at(self, data: st.DataObject, level: str) -> Client:
        """Return a client, mostly one with the level that the act needs."""
        numbers = range(len(self.clients))
        fitting = [number for number in numbers if self.both.world.level(self.clients[number]) == level]
        number: int = data.draw(st.sampled_from([*fitting * 4, *numbers]))
        return self.clients[number]

    def _one_of(self, data: st.DataObject, things: Sequence[T]) -> T | None:
        return things[data.draw(st.integers(0, len(things) - 1))] if things else None

    def _factors(self, at: Client) -> list[Factor]:
        """Return the person's own factors three times, and everyone's once."""
        own = self.both.owner(at)
        everybody = [own, own, *self.people]
        return [factor for person in everybody for factor in (*person.factors, *person.pending)]
