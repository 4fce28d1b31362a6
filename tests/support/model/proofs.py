"""The reference model's proofs: password, code and recovery code, and the limits on wrong ones."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from tests.support.model.facts import (
    CLOCK_OFF,
    CODE_USED,
    CODES,
    FIRST_WAIT,
    FORGOTTEN,
    FREE_PASSWORDS,
    IN_A_ROW,
    KNOWN,
    LONGEST_WAIT,
    OK,
    SOURCE,
    TO_BE_TOLD,
    TOO_MANY,
    WRONG_CODE,
    WRONG_CREDENTIALS,
    Client,
    Factor,
    ModelPerson,
    Share,
)

EVERYONE = -1  # instead of the time of the last wrong attempt: for limits that do not need it


class Proofs:
    """All people, the time, and their proofs. A proof returns None if it is valid, else the problem code."""

    def __init__(self, now: int, people: Sequence[ModelPerson], clients: Sequence[Client]) -> None:
        self.now = now
        self.people = people
        self.clients = clients

    def prove_password(self, client: Client, person: ModelPerson, password: str) -> str | None:
        """Check the password; known browsers wait for their own wrong ones, others for those of all other clients."""
        known, share = client in person.known, person.share(client)
        counted = [each for each in ([share] if known else person.strangers.values()) if self._is_remembered(each)]
        run, last_at = sum(each.run for each in counted), max((each.last_at for each in counted), default=0)
        wait = min(FIRST_WAIT << max(run - FREE_PASSWORDS, 0), LONGEST_WAIT)
        own = share.last_at if share.run else None
        full = self._is_full(person.wrong_of_known, KNOWN, own) if known else self._is_full(client.wrong, SOURCE)
        if (run >= FREE_PASSWORDS and self.now < last_at + wait) or full:
            return TOO_MANY
        if password != person.password or person.disabled:
            share.run, share.last_at = (share.run if self._is_remembered(share) else 0) + 1, self.now
            client.wrong.append(self.now)
            if known:
                person.wrong_of_known.append(self.now)
            return WRONG_CREDENTIALS
        share.run = 0
        return None

    def prove_code(self, client: Client, person: ModelPerson, code: str) -> Factor | str:
        """Check a code against all of the person's authenticators, and return the matching one, or the problem."""
        if person.wrong_in_a_row(client) >= IN_A_ROW or self._is_blocked(client, person):
            return TOO_MANY
        refusals = []
        for factor in person.factors:
            step, refusal = self.judge(factor, code, explain_ahead=False)
            if step is not None:
                factor.last_step = step
                share = person.share(client)
                share.wrong_codes = person.row[share] = person.row_of_known[share] = 0
                return factor
            refusals.append(refusal)
        self._count(client, person)
        return next((told for told in (CODE_USED, CLOCK_OFF) if told in refusals), WRONG_CODE)

    def judge(self, factor: Factor, code: str, *, explain_ahead: bool) -> tuple[int | None, str]:
        """Return the time step that a code is accepted for, or the problem."""
        current = self.now // 30
        near = [step for step in (current - 1, current, current + 1) if totp(factor.secret, step) == code]
        fresh = [step for step in near if step > factor.last_step]
        if fresh:
            return fresh[0], OK
        if near:
            return None, CODE_USED
        explained = range(current - 10, current + (11 if explain_ahead else 0))
        found = [step for step in explained if totp(factor.secret, step) == code]
        if factor.last_step in found:
            return None, CODE_USED
        return None, CLOCK_OFF if found else WRONG_CODE

    def prove_recovery_code(self, client: Client, person: ModelPerson, text: str) -> str | None:
        """Check and replace the recovery code, which works even after too many wrong codes in a row."""
        if self._is_blocked(client, person):
            return TOO_MANY
        if text != person.recovery_code:
            self._count(client, person)
            return WRONG_CODE
        person.rows_end()
        person.browsers_end(but=client)
        self.new_recovery_code(person)
        credentials_change(person)
        return None

    def codes_left(self, client: Client, person: ModelPerson) -> int:
        """Return how many wrong codes an account may still make from here."""
        marks = person.wrong_codes_of_known if client in person.known else person.wrong_codes
        return min(max(count - self._recent(marks, seconds), 0) for count, seconds in CODES)

    def _count(self, client: Client, person: ModelPerson) -> None:
        share = person.share(client)
        share.wrong_codes, share.last_code_at = share.wrong_codes + 1, self.now
        person.row[share] = person.row.get(share, 0) + 1
        person.wrong_codes.append(self.now)
        if client in person.known:
            person.wrong_codes_of_known.append(self.now)
            person.row_of_known[share] = person.row_of_known.get(share, 0) + 1
        client.wrong.append(self.now)

    def _is_blocked(self, client: Client, person: ModelPerson) -> bool:
        if client in person.known:
            share = person.known[client]
            return self._is_full(person.wrong_codes_of_known, CODES, share.last_code_at if share.wrong_codes else None)
        return self._is_full(person.wrong_codes, CODES) or self._is_full(client.wrong, SOURCE)

    def _is_remembered(self, share: Share) -> bool:
        return self.now - share.last_at < FORGOTTEN

    def _is_full(self, marks: Sequence[int], rates: Sequence[tuple[int, int]], own: int | None = EVERYONE) -> bool:
        """Return whether a rate is used up; for a known browser, only if its own last failure is in the window."""
        return any(
            self._recent(marks, seconds) >= count
            for count, seconds in rates
            if own is not None and (own == EVERYONE or self.now - own < seconds)
        )

    def _recent(self, marks: Sequence[int], seconds: int) -> int:
        return len([mark for mark in marks if self.now - mark < seconds])

    def new_recovery_code(self, person: ModelPerson) -> None:
        """Replace the code with one that the service generates."""
        person.recovery_code, person.recovery_code_at = TO_BE_TOLD, self.now


def credentials_change(person: ModelPerson) -> None:
    """End what depends on the old credentials: trusted computers, half-open sign-ins, enrolments and links."""
    person.computers.clear()
    person.attempts.clear()
    person.pending.clear()
    person.link = None


def totp(secret: str, step: int) -> str:
    """Return the code of a time step, implemented from RFC 6238 and not taken from the product."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"
