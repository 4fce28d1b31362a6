"""The authenticator app as a kind of factor: seals the secret, offers it once for set-up, checks codes."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from twofold.base.keys import BrokenSealError, Keyring
from twofold.base.problems import Unavailable
from twofold.base.texts import N_
from twofold.factors.contract import Enrolment, Factor, Verdict
from twofold.factors.totp import qr, rules

_log = logging.getLogger("twofold")
_PURPOSE = "totp"


class Totp:
    """Codes from an authenticator app."""

    kind = "totp"
    default_name = N_("Authenticator app")
    templates = "totp"

    def __init__(self, keys: Keyring, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    def enrol(self, *, factor_id: str, account_id: str, email: str, name: str, is_first: bool) -> Enrolment:
        """Make a secret of 160 random bits."""
        secret = secrets.token_bytes(rules.SECRET_BYTES)
        sealed = self._keys.seal(_PURPOSE, secret, bound_to=_row(factor_id, account_id))
        return Enrolment(sealed, self._describe(secret, email, None if is_first else name))

    def offer(self, factor: Factor, *, email: str, is_first: bool) -> Mapping[str, Any]:
        """Show the set-up of an unverified factor again."""
        return self._describe(self._secret(factor), email, None if is_first else factor.name)

    def show(self, offer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add the picture."""
        return {**offer, "qr_svg": qr.svg(offer["uri"])}

    def check(self, factor: Factor, code: str, now: int, *, explain_ahead: bool) -> Verdict:
        """Judge six digits. Raises Unavailable when the row is not this account's own."""
        return rules.match(self._secret(factor), code, now, after=factor.last_step, explain_ahead=explain_ahead)

    def hint(self, factor: Factor) -> str:  # noqa: ARG002 - an app has nothing to tell beside its name
        """Nothing to tell beside the name."""
        return ""

    def _describe(self, secret: bytes, email: str, name: str | None) -> Mapping[str, Any]:
        uri = rules.key_uri(secret, issuer=self._issuer, account=email, name=name)
        return {"secret": rules.text_key(secret), "uri": uri}

    def _secret(self, factor: Factor) -> bytes:
        try:
            return self._keys.unseal(_PURPOSE, factor.sealed, bound_to=_row(factor.id, factor.account_id))
        except BrokenSealError as error:
            _log.error("the secret of factor %s cannot be opened: its row was altered, or its key is gone", factor.id)
            raise Unavailable from error


def _row(factor_id: str, account_id: str) -> str:
    return f"{factor_id}:{account_id}"
