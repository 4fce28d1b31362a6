"""The authenticator app as a kind of factor: seal the secret, show it once for set-up, check codes."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from twofold.base.keys import BrokenSealError
from twofold.base.problems import Unavailable
from twofold.base.proofs import Level, Strength
from twofold.base.texts import N_
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors.contract import (
    Accepted,
    Description,
    Enrolment,
    Factor,
    Kind,
    NewFactor,
    Purpose,
    Refused,
    Request,
    Texts,
    Verdict,
    Weight,
)
from twofold.factors.rules import PhoneClockOff, normal_code
from twofold.factors.totp import qr, rules, store
from twofold.factors.totp.rules import AppCodeUsed, ClockOff, Match, Right, Used, WrongAppCode

_log = logging.getLogger("twofold")
_PURPOSE = "totp"


class Totp(Kind):
    """Codes from an authenticator app."""

    kind = "totp"
    group = "app"
    default_name = N_("Authenticator app")
    strength = Strength(Level.TWO_FACTORS, "otp")
    templates = "totp"
    together = True
    texts = Texts(
        label=N_("TOTP authenticator app"),
        about=N_("An app on your phone or computer generates the codes. It works offline."),
        add=N_("Add authenticator"),
        full=N_("You have reached the limit for authenticator apps. Remove one before you add another."),
        removal=N_("The entry in the app stays until you delete it there."),
        lost=N_("Don't have your authenticator?"),
        found=N_("Have your authenticator after all?"),
        use=N_("Use a code from your app"),
    )

    def enrol(self, new: NewFactor) -> Enrolment:
        """Create a secret of 160 random bits."""
        secret = secrets.token_bytes(rules.SECRET_BYTES)
        sealed = self.keys.seal(_PURPOSE, secret, bound_to=_row(new.id, new.account_id))
        return Enrolment(sealed, self._set_up(secret, new.email, None if new.is_first else new.name))

    def offer(self, factor: Factor, *, email: str, is_first: bool) -> Mapping[str, Any]:
        """Return the set-up data of an unverified factor again, including its secret."""
        return self._set_up(self._secret(factor), email, None if is_first else factor.name)

    def render_offer(self, offer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add the QR code to an offer."""
        return {**offer, "qr_svg": qr.svg(offer["uri"])}

    def read_answer(self, fields: Mapping[str, Any]) -> str:
        """Return the six digits of a code."""
        return normal_code(fields["code"])

    async def check(self, uow: UnitOfWork, factors: Sequence[Factor], answer: str, request: Request) -> Verdict:
        """Compare six digits with the codes that each app shows at about this time."""
        matches = [(factor, match) for factor in factors if (match := self._match(factor, answer, uow.now, request))]
        if not matches:
            raise Unavailable
        factor, match = rules.best(matches)
        if isinstance(match, Right):
            # The account is locked, so the step is as unused as it was when the factor was read.
            uow.require(store.consume(uow.tx, factor.account_id, factor.id, match.step, uow.now))
            return Accepted(factor)
        return refused(match)

    def describe(self, factor: Factor) -> Description:  # noqa: ARG002 - an app is described by its name alone
        """Return an empty description."""
        return Description()

    async def reset_future_state(self, uow: UnitOfWork, account_id: str) -> None:
        """Reset accepted time steps that lie in the future."""
        await store.reset_future_steps(uow.tx, account_id, uow.now // rules.STEP)

    def _match(self, factor: Factor, code: str, now: int, request: Request) -> Match | None:
        """Compare a code with one app; return None if its secret cannot be opened, so that other factors still work.

        A user who is enrolling an app has its secret, so a clock that is ahead can be explained safely.
        """
        explain_ahead = request.purpose is Purpose.ENROLMENT
        try:
            return rules.match(self._secret(factor), code, now, after=factor.last_step, explain_ahead=explain_ahead)
        except Unavailable:
            return None

    def _set_up(self, secret: bytes, email: str, name: str | None) -> Mapping[str, Any]:
        uri = rules.key_uri(secret, issuer=self.config.site_name, account=email, name=name)
        return {"secret": rules.text_key(secret), "uri": uri}

    def _secret(self, factor: Factor) -> bytes:
        try:
            return self.keys.unseal(_PURPOSE, factor.sealed, bound_to=_row(factor.id, factor.account_id))
        except BrokenSealError as error:
            _log.error("the secret of factor %s cannot be opened: its row was altered, or its key is gone", factor.id)
            raise Unavailable from error


def _row(factor_id: str, account_id: str) -> str:
    return f"{factor_id}:{account_id}"


def refused(match: Match) -> Refused:
    """Return the refusal for a code that did not match."""
    match match:
        case Used():
            return Refused(AppCodeUsed, Weight.USED)
        case ClockOff(minutes):
            return Refused(PhoneClockOff, Weight.EXPLAINED, {"clock_off_minutes": minutes})
        case _:
            return Refused(WrongAppCode)
