"""The sign-in part of the reference model: sessions and their levels, sign-in, sign-out, lock and unlock."""

from tests.support.model.facts import (
    CODE_REQUIRED,
    COMPLETED,
    CONFLICT,
    DAY,
    EXPIRED,
    IDLE,
    INVALID,
    LOCKED,
    MINUTE,
    NOT_SIGNED_IN,
    OK,
    ONCE,
    PASSWORD,
    RECOVERY_CODE,
    SESSION,
    TOO_MANY,
    TRIES,
    TRUST,
    UNLOCKED,
    Attempt,
    Client,
    Factor,
    ModelComputer,
    ModelPerson,
    Session,
    Share,
)
from tests.support.model.proofs import Proofs


class Access(Proofs):
    """One method per action; each returns OK or the code of the problem, and updates the world."""

    # ------------------------------------------------------------------ sessions

    def session(self, client: Client) -> Session | None:
        """Return the valid session of a client; reading it counts as a use, stored once a minute."""
        session = client.session
        if session is None or session not in session.person.sessions:
            return None
        if self.now >= session.begun_at + SESSION or self.now >= session.used_at + IDLE:
            return None
        if self.now - session.used_at >= MINUTE:
            session.used_at = self.now
        return session

    def attempt(self, client: Client) -> Attempt | None:
        """Return the unfinished sign-in of a client."""
        attempt = client.attempt
        alive = attempt and attempt in attempt.person.attempts and self.now < attempt.until and attempt.wrong < TRIES
        return attempt if alive else None

    def is_unlocked(self, session: Session) -> bool:
        """Return whether this session may change settings."""
        return self.now < session.unlocked_until

    def level(self, client: Client) -> str:
        """Return how far a client has signed in."""
        session = self.session(client)
        if session:
            return "unlocked" if self.is_unlocked(session) else "locked"
        return "half-open" if self.attempt(client) else "nobody"

    def trusted(self, person: ModelPerson) -> list[ModelComputer]:
        """Return the computers that a person trusts."""
        return [computer for computer in person.computers if self.now < computer.until]

    # ------------------------------------------------------------------ getting in and out

    def sign_up(self, client: Client, person: ModelPerson, password: str) -> str:
        """Sign up, which signs a browser in."""
        if person.password is not None:
            return CONFLICT
        person.password = password
        if client.is_browser:
            self._start(client, person, {PASSWORD: self.now})
        return OK

    def give_password(self, client: Client, person: ModelPerson, password: str) -> str:
        """Sign in: completely without 2FA, with locked settings on a trusted computer, and otherwise half-open."""
        if refusal := self.prove_password(client, person, password):
            return refusal
        client.attempt, client.completed_until = None, 0
        if not person.active:
            self._start(client, person, {PASSWORD: self.now})
            return OK
        if person.policy == ONCE and client.computers.get(person) in self.trusted(person):
            self._start(client, person, {PASSWORD: self.now}, on_trust=True)
            return OK
        client.attempt = Attempt(person, self.now)
        person.attempts.append(client.attempt)
        return CODE_REQUIRED

    def give_code(self, client: Client, code: str, *, trust: bool) -> str:
        """Finish a sign-in with a code; a computer is trusted only under Once per computer."""
        attempt = self.attempt(client)
        if attempt is None:
            return self._after_end(client)
        person = attempt.person
        factor = self.prove_code(client, person, code)
        if isinstance(factor, str):
            return self._wrong_in(attempt, factor)
        if trust and person.policy == ONCE:
            client.computers[person] = ModelComputer(self.now + TRUST)
            person.computers.append(client.computers[person])
        self._finish(client, attempt, factor)
        return OK

    def give_recovery_code(self, client: Client, text: str) -> str:
        """Finish a sign-in with the recovery code; every other session ends."""
        attempt = self.attempt(client)
        if attempt is None:
            return self._after_end(client)
        if refusal := self.prove_recovery_code(client, attempt.person, text):
            return self._wrong_in(attempt, refusal)
        own = self.session(client) if client.is_browser else None
        attempt.person.sessions[:] = [own] if own and own.person is attempt.person else []
        self._finish(client, attempt, RECOVERY_CODE)
        return OK

    def cancel(self, client: Client) -> str:
        """Cancel a sign-in."""
        if client.attempt and client.attempt in client.attempt.person.attempts:
            client.attempt.person.attempts.remove(client.attempt)
        client.attempt = None
        return OK

    def sign_out(self, client: Client) -> str:
        """End the client's own session."""
        session = self.session(client)
        if session is None:
            return NOT_SIGNED_IN
        session.person.sessions.remove(session)
        return OK

    # ------------------------------------------------------------------ locking and unlocking

    def unlock(self, client: Client, password: str, code: str | None, recovery_code: str | None) -> str:
        """Check every proof again, even on a trusted computer. The recovery code ends every other session."""
        session = self.session(client)
        if session is None:
            return NOT_SIGNED_IN
        person = session.person
        if refusal := self.prove_password(client, person, password):
            return refusal
        if person.active or (code is not None and person.factors):
            if code is None and recovery_code is None:
                return INVALID
            second: Factor | str = RECOVERY_CODE
            if code is not None:
                second = self.prove_code(client, person, code)
                if isinstance(second, str):
                    return second
            elif refusal := self.prove_recovery_code(client, person, recovery_code or ""):
                return refusal
            else:
                person.sessions[:] = [session]
            session.proofs[second] = self.now
        session.proofs[PASSWORD] = self.now
        session.unlocked_until = self.now + UNLOCKED
        session.used_at = self.now
        return OK

    def lock(self, client: Client) -> str:
        """Lock settings before they lock by themselves."""
        session = self.session(client)
        if session is None:
            return NOT_SIGNED_IN
        session.unlocked_until = 0
        return OK

    def settings(self, client: Client) -> Session | str:
        """Return the session of a client that may change settings, or why it may not."""
        session = self.session(client)
        if session is None:
            return NOT_SIGNED_IN
        return session if self.is_unlocked(session) else LOCKED

    # ------------------------------------------------------------------ what follows

    def _wrong_in(self, attempt: Attempt, refusal: str) -> str:
        if refusal != TOO_MANY:
            attempt.wrong += 1
        return refusal

    def _after_end(self, client: Client) -> str:
        return COMPLETED if self.now < client.completed_until else EXPIRED

    def _finish(self, client: Client, attempt: Attempt, second: Factor | str) -> None:
        client.attempt, client.completed_until = None, self.now + DAY
        if attempt in attempt.person.attempts:
            attempt.person.attempts.remove(attempt)
        self._start(client, attempt.person, {PASSWORD: attempt.begun_at, second: self.now})

    def _start(
        self, client: Client, person: ModelPerson, proofs: dict[Factor | str, int], *, on_trust: bool = False
    ) -> None:
        """Start a session; in a browser, one of the same person goes on, and one of another person ends."""
        unlocked_until = 0 if on_trust else self.now + UNLOCKED
        if client.is_browser:
            person.known.setdefault(client, Share())
            old = self.session(client)
            if old and old.person is person:
                proofs = {**old.proofs, **proofs}
                unlocked_until = max(old.unlocked_until, unlocked_until)
            if old:
                old.person.sessions.remove(old)
        client.session = Session(person, proofs, on_trust, self.now, self.now, unlocked_until)
        person.sessions.append(client.session)
