"""Signed challenges as answers. A challenge depends on the factor's state, which every right answer changes."""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from twofold.base.database import Transaction
from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.proofs import Level, Strength
from twofold.base.texts import N_
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors.contract import (
    Accepted,
    Challenge,
    Description,
    Enrolment,
    Factor,
    Kind,
    NewFactor,
    Refused,
    Request,
    Texts,
    Verdict,
    Weight,
)
from twofold.factors.rules import WrongCode

_LIFETIME = 300  # seconds


class WrongSignature(WrongCode):
    """The signature is wrong."""

    at = "signature"


class Signed(Kind):
    """Signatures with a key that was shown to the owner once."""

    kind = "signed"
    group = "signed"
    default_name = N_("Signing key")
    templates = "signed"
    answer_fields = ("signature",)
    strength = Strength(Level.TWO_FACTORS, "pop")
    texts = Texts(
        label=N_("Signing key"),
        about=N_("You sign a challenge."),
        add=N_("Add signing key"),
        full=N_("You have as many signing keys as an account can have."),
        removal=N_("The key signs nothing any more."),
        lost=N_("You do not have your key?"),
        found=N_("You found your key?"),
        use=N_("Sign a challenge"),
    )

    def enrol(self, new: NewFactor) -> Enrolment:
        """Create a key."""
        key = secrets.token_hex(16)
        return Enrolment(self._seal(key, new.id), {"options": {"key": key}})

    def offer(self, factor: Factor, *, email: str, is_first: bool) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the key again."""
        return {"options": {"key": self._key(factor)}}

    async def challenge(self, uow: UnitOfWork, factor: Factor, request: Request) -> Challenge:
        """Return the challenge of this request."""
        return Challenge(
            kind=self.kind,
            account_id=factor.account_id,
            factor_id=factor.id,
            resend_at=uow.now,
            expires_at=uow.now + _LIFETIME,
            options={"challenge": self._challenge(factor, request)},
        )

    async def last_challenge(self, uow: UnitOfWork, factors: Sequence[Factor], request: Request) -> Challenge:
        """Return the challenge of this request, which need not be sent."""
        return await self.challenge(uow, factors[0], request)

    def read_answer(self, fields: Mapping[str, Any]) -> str:
        """Return a signature."""
        signature = fields["signature"]
        if not isinstance(signature, str) or len(signature) != 64:
            raise InvalidRequest(FieldError("signature", N_("Enter a signature of 64 hexadecimal digits.")))
        return signature

    async def check(self, uow: UnitOfWork, factors: Sequence[Factor], answer: str, request: Request) -> Verdict:
        """Compare the signature with that of each key, and change the state of the key that made it."""
        for factor in factors:
            right = sign(self._key(factor), self._challenge(factor, request))
            if hmac.compare_digest(right.encode(), answer.encode()):
                used = await _change(uow.tx, factor, self._seal(self._key(factor), factor.id), uow.now)
                return Accepted(factor) if used else Refused(WrongSignature, Weight.USED)
        return Refused(WrongSignature)

    def describe(self, factor: Factor) -> Description:
        """Describe a key by the end of its name."""
        return Description(hint=factor.id[-2:])

    def _seal(self, key: str, factor_id: str) -> bytes:
        return self.keys.seal("signed", key.encode(), bound_to=factor_id)

    def _key(self, factor: Factor) -> str:
        return self.keys.unseal("signed", factor.sealed, bound_to=factor.id).decode()

    def _challenge(self, factor: Factor, request: Request) -> str:
        return self.keys.mac("signed", f"{request.purpose}:{request.id}:{factor.id}:{factor.sealed.hex()}")


def sign(key: str, challenge: str) -> str:
    """Sign a challenge."""
    return hmac.digest(key.encode(), challenge.encode(), "sha256").hex()


async def _change(tx: Transaction, factor: Factor, sealed: bytes, now: int) -> bool:
    changed = await tx.run(
        "UPDATE factor SET sealed = :new, last_used_at = :now WHERE id = :id AND sealed = :old",
        new=sealed,
        now=now,
        id=factor.id,
        old=factor.sealed,
    )
    return changed == 1
