"""A second implementation of the contract, with plain sets and numbers, to compare the service with.

Nothing here is taken from the product. There is one method per act, which updates the state and returns the expected
result: OK or the code of the problem.
"""

from tests.support.model.access import Access
from tests.support.model.facts import (
    CONFLICT,
    DISABLED,
    ENROLMENT,
    EVERY,
    INVALID,
    LINK,
    MOST_FACTORS,
    NOT_FOUND,
    OK,
    PASSWORD,
    PENDING,
    RECOVERY_CODE,
    TRIES,
    Client,
    Factor,
    ModelComputer,
    ModelPerson,
    Session,
)
from tests.support.model.proofs import credentials_change


class World(Access):
    """All people, the time, and every possible action."""

    # ------------------------------------------------------------------ the second factor

    def set_policy(self, session: Session, policy: str, default: Factor | None) -> str:
        """Set how often a code is required, and the default factor."""
        person, before = session.person, _picture(session.person)
        if default is not None and default not in person.factors:
            return INVALID
        person.policy, person.chosen = policy, default or person.chosen
        self._changed(session, before)
        return OK

    def begin(self, session: Session, factor: Factor) -> str:
        """Start an enrolment; only the five newest are kept."""
        if factor.replaces and factor.replaces not in session.person.factors:
            return NOT_FOUND
        if len(session.person.factors) >= MOST_FACTORS and factor.replaces is None:
            return CONFLICT
        session.person.pending.append(factor)
        del session.person.pending[:-PENDING]
        return OK

    def verify(self, session: Session, factor: Factor, code: str) -> str:
        """Verify a factor with its first code, which is used by it; the first factor turns 2FA on."""
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
        """Remove a factor, or cancel its enrolment; without any factor, 2FA is off."""
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
        """Rename a factor, which changes nothing else."""
        return OK if factor in session.person.factors else NOT_FOUND

    def renew_recovery_code(self, session: Session) -> str:
        """Replace the recovery code; the old one becomes invalid."""
        if not session.person.active:
            return CONFLICT
        self.new_recovery_code(session.person)
        return OK

    # ------------------------------------------------------------------ password, sessions, computers

    def change_password(self, client: Client, session: Session, current: str, new: str) -> str:
        """Change the password with the current one; other sessions and trust end."""
        person = session.person
        if refusal := self.prove_password(client, person, current):
            return refusal
        person.password = new
        session.proofs[PASSWORD] = self.now
        credentials_change(person)
        person.browsers_end(but=client)
        person.rows_end()
        person.sessions[:] = [session]
        return OK

    def end_session(self, session: Session, other: Session) -> str:
        """End a session of the same person."""
        if other not in session.person.sessions:
            return NOT_FOUND
        session.person.sessions.remove(other)
        return OK

    def end_others(self, session: Session) -> str:
        """End all other sessions of the same person."""
        session.person.sessions[:] = [session]
        return OK

    def forget_computer(self, session: Session, computer: ModelComputer) -> str:
        """Forget a trusted computer."""
        if computer not in session.person.computers:
            return NOT_FOUND
        session.person.computers.remove(computer)
        return OK

    def forget_computers(self, session: Session) -> str:
        """Forget all trusted computers."""
        session.person.computers.clear()
        return OK

    # ------------------------------------------------------------------ the administrator

    def administer(self, deed: str, person: ModelPerson) -> str:
        """Apply the effect of a command to an account."""
        if person.password is None:
            return NOT_FOUND
        if deed == "unlock":
            self._forget_wrong_passwords(person)
            self._forget_wrong_codes(person)
        elif deed == "enable":
            person.disabled = False
        else:
            person.disabled |= deed == "disable"
            credentials_change(person)
            person.sessions.clear()
            person.browsers_end()
        if deed == "reset-2fa":
            person.policy, person.factors, person.pending, person.recovery_code = DISABLED, [], [], None
            self._forget_wrong_codes(person)
        return OK

    def offer_link(self, person: ModelPerson, token: str) -> None:
        """Create a reset link that replaces the previous one."""
        person.link, person.link_until = token, self.now + LINK

    def use_link(self, token: str, password: str) -> str:
        """Set the password with a link: no one is signed in, and 2FA stays on."""
        person = next((each for each in self.people if each.link == token), None)
        if person is None or person.disabled or self.now >= person.link_until:
            return NOT_FOUND
        person.password = password
        self._forget_wrong_passwords(person)
        person.browsers_end()
        credentials_change(person)
        person.sessions.clear()
        return OK

    def _forget_wrong_passwords(self, person: ModelPerson) -> None:
        person.wrong_of_known = []
        for share in (*person.known.values(), *person.strangers.values()):
            share.run = 0

    def _forget_wrong_codes(self, person: ModelPerson) -> None:
        person.wrong_codes, person.wrong_codes_of_known = [], []
        person.rows_end()

    def _changed(self, session: Session, before: "tuple[bool, str, list[Factor], Factor | None]") -> None:
        """End what ends with a change of the second factor."""
        person = session.person
        was_active, policy, factors, default = before
        on, off = person.active and not was_active, person.policy == DISABLED != policy
        other_default = None not in (default, person.default) and default is not person.default
        if on:
            self.new_recovery_code(person)
        elif off:
            person.recovery_code = None
            session.proofs.pop(RECOVERY_CODE, None)
        for factor in factors:
            if factor not in person.factors:
                session.proofs.pop(factor, None)
        if on or off or factors != person.factors or other_default:
            person.sessions[:] = [session]
            credentials_change(person)
        elif _picture(person) != before:
            person.computers.clear()


def _picture(person: ModelPerson) -> tuple[bool, str, list[Factor], Factor | None]:
    return person.active, person.policy, list(person.factors), person.default
