"""Who may be in: the contract told a second time, as plain sets and numbers, for the service to be held against.

Nothing here comes from the product. One method an act; each gives what the service must answer, OK or the code of the
refusal, and moves the world on.
"""

from tests.model.doors import Doors
from tests.model.facts import (
    CONFLICT,
    DISABLED,
    ENROLMENT,
    EVERY,
    INVALID,
    LINK,
    MOST_FACTORS,
    NOT_FOUND,
    OK,
    PENDING,
    TRIES,
    Client,
    Computer,
    Factor,
    Person,
    Session,
)
from tests.model.proofs import trust_ends


class World(Doors):
    """Everybody, the time, and all that can be done."""

    # ------------------------------------------------------------------ the second factor

    def set_policy(self, session: Session, policy: str, default: Factor | None) -> str:
        """How often a code is asked for, and which factor first."""
        person, before = session.person, _picture(session.person)
        if default is not None and default not in person.factors:
            return INVALID
        person.policy, person.chosen = policy, default or person.chosen
        self._changed(session, before)
        return OK

    def begin(self, session: Session, factor: Factor) -> str:
        """Start an enrolment; the five newest are kept."""
        if factor.replaces and factor.replaces not in session.person.factors:
            return NOT_FOUND
        if len(session.person.factors) >= MOST_FACTORS and factor.replaces is None:
            return CONFLICT
        session.person.pending.append(factor)
        del session.person.pending[:-PENDING]
        return OK

    def verify(self, session: Session, factor: Factor, code: str) -> str:
        """Let a factor count by its first code, which is spent by it; the first of all turns 2FA on."""
        person, before = session.person, _picture(session.person)
        if factor in person.factors:
            return CONFLICT
        if factor not in person.pending or factor.wrong >= TRIES or self.now >= factor.begun_at + ENROLMENT:
            return NOT_FOUND
        step, refusal = self.judge(factor, code, explain_ahead=True)
        if step is None:
            factor.wrong += 1
            return refusal
        replaced = factor.replaces if factor.replaces in person.factors else None
        if len(person.factors) >= MOST_FACTORS and replaced is None:
            return CONFLICT
        if person.default is None or person.default is replaced:
            person.chosen = factor
        person.pending.remove(factor)
        factor.verified_at, factor.last_step = self.now, step
        person.factors = [known for known in person.factors if known is not replaced] + [factor]
        person.factors.sort(key=lambda known: (known.verified_at, known.id))
        if person.policy == DISABLED:
            person.policy = EVERY
        self._changed(session, before)
        return OK

    def remove(self, session: Session, factor: Factor) -> str:
        """Remove a factor, or give up its enrolment; without the last one 2FA is off."""
        person, before = session.person, _picture(session.person)
        if factor in person.pending:
            person.pending.remove(factor)
            return OK if self.now < factor.begun_at + ENROLMENT else NOT_FOUND
        if factor not in person.factors:
            return NOT_FOUND
        person.factors.remove(factor)
        if not person.factors:
            person.policy = DISABLED
        self._changed(session, before)
        return OK

    def rename(self, session: Session, factor: Factor) -> str:
        """A name changes nothing."""
        return OK if factor in session.person.factors else NOT_FOUND

    def renew_recovery_code(self, session: Session) -> str:
        """The old one is dead."""
        if not session.person.active:
            return CONFLICT
        self.new_recovery_code(session.person)
        return OK

    # ------------------------------------------------------------------ password, sessions, computers

    def change_password(self, client: Client, session: Session, current: str, new: str) -> str:
        """By the old password; other sessions and trust end."""
        person = session.person
        if refusal := self.prove_password(client, person, current):
            return refusal
        person.password = new
        trust_ends(person)
        person.sessions[:] = [session]
        return OK

    def end_session(self, session: Session, other: Session) -> str:
        """End one of one's own sessions."""
        if other not in session.person.sessions:
            return NOT_FOUND
        session.person.sessions.remove(other)
        return OK

    def end_others(self, session: Session) -> str:
        """End all of one's own sessions but this."""
        session.person.sessions[:] = [session]
        return OK

    def forget_computer(self, session: Session, computer: Computer) -> str:
        """Trust one computer no longer."""
        if computer not in session.person.computers:
            return NOT_FOUND
        session.person.computers.remove(computer)
        return OK

    def forget_computers(self, session: Session) -> str:
        """Trust no computer any more."""
        session.person.computers.clear()
        return OK

    # ------------------------------------------------------------------ the administrator

    def administer(self, deed: str, person: Person) -> str:
        """What the command line does to an account, by the command's name."""
        if person.password is None:
            return NOT_FOUND
        if deed == "unlock":
            person.buckets.clear()
            person.wrong_codes, person.wrong_in_a_row = [], 0
        elif deed == "enable":
            person.disabled = False
        else:
            person.disabled |= deed == "disable"
            trust_ends(person)
            person.sessions.clear()
        if deed == "reset-2fa":
            person.policy, person.factors, person.pending, person.recovery_code = DISABLED, [], [], None
            person.wrong_codes, person.wrong_in_a_row = [], 0
        return OK

    def offer_link(self, person: Person, token: str) -> None:
        """A link to choose a new password; the one before is dead."""
        person.link, person.link_until = token, self.now + LINK

    def use_link(self, token: str, password: str) -> str:
        """It sets the password and nothing else: nobody is signed in, 2FA stays."""
        person = next((each for each in self.people if each.link == token), None)
        if person is None or person.disabled or self.now >= person.link_until:
            return NOT_FOUND
        person.password = password
        person.buckets.clear()
        trust_ends(person)
        person.sessions.clear()
        return OK

    def _changed(self, session: Session, before: "tuple[bool, str, list[Factor], Factor | None]") -> None:
        """The contract's table of what a change of the second factor ends."""
        person = session.person
        was_active, policy, factors, default = before
        on, off = person.active and not was_active, person.policy == DISABLED != policy
        other_default = None not in (default, person.default) and default is not person.default
        if on:
            self.new_recovery_code(person)
        elif off:
            person.recovery_code = None
        if on or off or factors != person.factors or other_default:
            person.sessions[:] = [session]
        if _picture(person) != before:
            trust_ends(person)


def _picture(person: Person) -> tuple[bool, str, list[Factor], Factor | None]:
    return person.active, person.policy, list(person.factors), person.default
