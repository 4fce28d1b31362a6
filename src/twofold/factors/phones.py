"""What all phones have in common: a number that is sealed with its factor's row, and told by its last two digits."""

import logging

from twofold.base.keys import BrokenSealError, Keyring
from twofold.base.problems import Unavailable
from twofold.base.texts import N_
from twofold.factors.contract import Factor

_log = logging.getLogger("twofold")
_PURPOSE = "phone"  # the same for all kinds: while a number is being proven, its owner may change to another kind
_TOLD = 2  # digits


class Phone:
    """A phone number as a factor."""

    default_name = N_("Phone")

    def __init__(self, keys: Keyring, *, site_name: str, host: str) -> None:
        self._keys = keys
        self._site_name = site_name
        self._host = host

    def seal(self, number: str, *, factor_id: str, account_id: str) -> bytes:
        """Seal a number (E.164) for the row of its factor."""
        return self._keys.seal(_PURPOSE, number.encode("ascii"), bound_to=f"{factor_id}:{account_id}")

    def number(self, factor: Factor) -> str:
        """Give the number (E.164). Raises Unavailable when the row is not this account's own."""
        try:
            plain = self._keys.unseal(_PURPOSE, factor.sealed, bound_to=f"{factor.id}:{factor.account_id}")
        except BrokenSealError as error:
            _log.error("the number of factor %s cannot be opened: its row was altered, or its key is gone", factor.id)
            raise Unavailable from error
        return plain.decode("ascii")

    def hint(self, factor: Factor) -> str:
        """Give the last two digits of the number, or nothing when it cannot be opened: a hint keeps nobody out."""
        try:
            return self.number(factor)[-_TOLD:]
        except Unavailable:
            return ""
