"""The reference model's proofs: what a password, a code and a recovery code are worth, and how many may be tried."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from tests.model.facts import (
    CLOCK_OFF,
    CODE_USED,
    CODES,
    FIRST_WAIT,
    FREE_PASSWORDS,
    IN_A_ROW,
    LONGEST_WAIT,
    OK,
    SOURCE,
    TO_BE_TOLD,
    TOO_MANY,
    WRONG_CODE,
    WRONG_CREDENTIALS,
    Bucket,
    Client,
    Factor,
    Person,
)


class Proofs:
    """Everybody, the time, and what they prove. A proof gives None when it is good, else the code of the refusal."""

    def __init__(self, now: int, people: Sequence[Person], clients: Sequence[Client]) -> None:
        self.now = now
        self.people = people
        self.clients = clients

    def prove_password(self, client: Client, person: Person, password: str) -> str | None:
        """The password; wrong ones in a row make everybody wait who uses the same kind of client."""
        known = client if client in person.known_browsers else None
        bucket = person.buckets.setdefault(known, Bucket())
        wait = min(FIRST_WAIT << max(bucket.run - FREE_PASSWORDS, 0), LONGEST_WAIT)
        if (bucket.run >= FREE_PASSWORDS and self.now < bucket.last_at + wait) or self._is_full(client.wrong, SOURCE):
            return TOO_MANY
        bucket.run, bucket.last_at = bucket.run + 1, self.now
        if password != person.password or person.disabled:
            client.wrong.append(self.now)
            return WRONG_CREDENTIALS
        bucket.run = 0
        return None

    def prove_code(self, client: Client, person: Person, code: str) -> str | None:
        """A code of any of the person's authenticators, each once."""
        if person.wrong_in_a_row >= IN_A_ROW or self._is_blocked(client, person):
            return TOO_MANY
        refusals = []
        for factor in person.factors:
            step, refusal = self.judge(factor, code, explain_ahead=False)
            if step is not None:
                factor.last_step = step
                person.wrong_in_a_row = 0
                return None
            refusals.append(refusal)
        self._count(client, person)
        return next((told for told in (CODE_USED, CLOCK_OFF) if told in refusals), WRONG_CODE)

    def judge(self, factor: Factor, code: str, *, explain_ahead: bool) -> tuple[int | None, str]:
        """The time step that a code is accepted for, or what is told of it."""
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

    def prove_recovery_code(self, client: Client, person: Person, text: str) -> str | None:
        """The recovery code, which is replaced; it opens also what too many wrong codes in a row have closed."""
        if self._is_blocked(client, person):
            return TOO_MANY
        if text != person.recovery_code:
            self._count(client, person)
            return WRONG_CODE
        person.wrong_in_a_row = 0
        self.new_recovery_code(person)
        trust_ends(person)
        return None

    def codes_left(self, person: Person) -> int:
        """How many wrong codes an account may still make."""
        return min(max(count - self._recent(person.wrong_codes, seconds), 0) for count, seconds in CODES)

    def _count(self, client: Client, person: Person) -> None:
        person.wrong_codes.append(self.now)
        person.wrong_in_a_row += 1
        client.wrong.append(self.now)

    def _is_blocked(self, client: Client, person: Person) -> bool:
        return self._is_full(person.wrong_codes, CODES) or self._is_full(client.wrong, SOURCE)

    def _is_full(self, marks: Sequence[int], rates: Sequence[tuple[int, int]]) -> bool:
        return any(self._recent(marks, seconds) >= count for count, seconds in rates)

    def _recent(self, marks: Sequence[int], seconds: int) -> int:
        return len([mark for mark in marks if self.now - mark < seconds])

    def new_recovery_code(self, person: Person) -> None:
        """Put a new code, which the service chooses, in the place of the old one."""
        person.recovery_code, person.recovery_code_at = TO_BE_TOLD, self.now


def trust_ends(person: Person) -> None:
    """With the credentials changes all that rests on them: trusted computers, sign-ins under way, links."""
    person.computers.clear()
    person.attempts.clear()
    person.link = None


def totp(secret: str, step: int) -> str:
    """The six digits of a time step (RFC 6238), from the published text and not from the product."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"
