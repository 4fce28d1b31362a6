"""The reference model's doors: who is in and how far, signing in and out, locking and unlocking."""

from tests.model.facts import (
    ATTEMPT,
    CODE_REQUIRED,
    CONFLICT,
    EXPIRED,
    IDLE,
    INVALID,
    LOCKED,
    MINUTE,
    NOT_SIGNED_IN,
    OK,
    ONCE,
    SESSION,
    TOO_MANY,
    TRIES,
    TRUST,
    UNLOCKED,
    Attempt,
    Client,
    Computer,
    Person,
    Session,
)
from tests.model.proofs import Proofs


class Doors(Proofs):
    """One method an act; each gives OK or the code of the refusal, and moves the world on."""

    # ------------------------------------------------------------------ who is in

    def session(self, client: Client) -> Session | None:
        """The living session of a client; looking is a use of it, which is noted once a minute."""
        session = client.session
        if session is None or session not in session.person.sessions:
            return None
        if self.now >= session.begun_at + SESSION or self.now >= session.used_at + IDLE:
            return None
        if self.now - session.used_at >= MINUTE:
            session.used_at = self.now
        return session

    def attempt(self, client: Client) -> Attempt | None:
        """The sign-in that a client is in the middle of."""
        attempt = client.attempt
        alive = attempt and attempt in attempt.person.attempts and self.now < attempt.until and attempt.wrong < TRIES
        return attempt if alive else None

    def is_unlocked(self, session: Session) -> bool:
        """Whether this session may change settings."""
        return self.now < session.unlocked_until

    def level(self, client: Client) -> str:
        """How far in a client is."""
        session = self.session(client)
        if session:
            return "unlocked" if self.is_unlocked(session) else "locked"
        return "half-open" if self.attempt(client) else "nobody"

    def trusted(self, person: Person) -> list[Computer]:
        """The computers that a person trusts."""
        return [computer for computer in person.computers if self.now < computer.until]

    # ------------------------------------------------------------------ getting in and out

    def sign_up(self, client: Client, person: Person, password: str) -> str:
        """A browser is signed in at once."""
        if person.password is not None:
            return CONFLICT
        person.password = password
        if client.is_browser:
            self._start(client, person, ["password"])
        return OK

    def give_password(self, client: Client, person: Person, password: str) -> str:
        """Sign in: the whole way without 2FA, as far as locked settings on a trusted computer, else half-way."""
        if refusal := self.prove_password(client, person, password):
            return refusal
        client.attempt = None
        if not person.active:
            self._start(client, person, ["password"])
            return OK
        if person.policy == ONCE and client.computers.get(person) in self.trusted(person):
            self._start(client, person, ["password"], on_trust=True)
            return OK
        client.attempt = Attempt(person, self.now + ATTEMPT)
        person.attempts.append(client.attempt)
        return CODE_REQUIRED

    def give_code(self, client: Client, code: str, *, trust: bool) -> str:
        """Finish a sign-in with a code; a computer is trusted only under Once per computer."""
        attempt = self.attempt(client)
        if attempt is None:
            return EXPIRED
        person = attempt.person
        if refusal := self.prove_code(client, person, code):
            return self._wrong_in(attempt, refusal)
        if trust and person.policy == ONCE:
            client.computers[person] = Computer(self.now + TRUST)
            person.computers.append(client.computers[person])
        self._finish(client, attempt, ["password", "totp"])
        return OK

    def give_recovery_code(self, client: Client, text: str) -> str:
        """Finish a sign-in with the recovery code; every other session ends."""
        attempt = self.attempt(client)
        if attempt is None:
            return EXPIRED
        if refusal := self.prove_recovery_code(client, attempt.person, text):
            return self._wrong_in(attempt, refusal)
        attempt.person.sessions.clear()
        self._finish(client, attempt, ["password", "recovery_code"])
        return OK

    def cancel(self, client: Client) -> str:
        """Give a sign-in up."""
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
        """Every proof again, whatever is trusted. The recovery code ends every other session."""
        session = self.session(client)
        if session is None:
            return NOT_SIGNED_IN
        person = session.person
        if refusal := self.prove_password(client, person, password):
            return refusal
        if person.active:
            if code is None and recovery_code is None:
                return INVALID
            if code is not None and (refusal := self.prove_code(client, person, code)):
                return refusal
            if code is None and (refusal := self.prove_recovery_code(client, person, recovery_code or "")):
                return refusal
            if code is None:
                person.sessions[:] = [session]
        session.unlocked_until = self.now + UNLOCKED
        session.used_at = self.now
        return OK

    def lock(self, client: Client) -> str:
        """Lock settings before their time."""
        session = self.session(client)
        if session is None:
            return NOT_SIGNED_IN
        session.unlocked_until = 0
        return OK

    def settings(self, client: Client) -> Session | str:
        """The session of a client that may change settings, or why it may not."""
        session = self.session(client)
        if session is None:
            return NOT_SIGNED_IN
        return session if self.is_unlocked(session) else LOCKED

    # ------------------------------------------------------------------ what follows

    def _wrong_in(self, attempt: Attempt, refusal: str) -> str:
        if refusal != TOO_MANY:
            attempt.wrong += 1
        return refusal

    def _finish(self, client: Client, attempt: Attempt, methods: list[str]) -> None:
        client.attempt = None
        if attempt in attempt.person.attempts:
            attempt.person.attempts.remove(attempt)
        self._start(client, attempt.person, methods)

    def _start(self, client: Client, person: Person, methods: list[str], *, on_trust: bool = False) -> None:
        """A new session; in a browser it takes the place of the old one, whoever that was."""
        if client.is_browser:
            if old := self.session(client):
                old.person.sessions.remove(old)
            person.known_browsers.add(client)
        unlocked_until = 0 if on_trust else self.now + UNLOCKED
        client.session = Session(person, methods, on_trust, self.now, self.now, unlocked_until)
        person.sessions.append(client.session)
