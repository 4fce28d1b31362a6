"""How a recovery code is written and read: 25 letters and digits of which none looks like another."""

from collections.abc import Sequence

from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_
from twofold.factors.rules import unseparated

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 signs, 5 bits each; no I, O, 0, 1
LENGTH = 25
_GROUP = 5


def written(numbers: Sequence[int]) -> str:
    """Write 25 numbers below 32 as a code in groups of five."""
    signs = "".join(ALPHABET[number] for number in numbers)
    return "-".join(signs[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))


def normal_form(text: str) -> str | None:
    """Read a code whatever its case, spaces and dashes; None when it cannot be one."""
    code = unseparated(text).upper()
    return code if len(code) == LENGTH and all(sign in ALPHABET for sign in code) else None


def check_form(text: str, field: str = "recovery_code") -> None:
    """Raise InvalidRequest for what cannot be a code, with what is wrong."""
    if not unseparated(text):
        raise InvalidRequest(FieldError(field, N_("Enter your recovery code.")))
    if normal_form(text) is None:
        raise InvalidRequest(
            FieldError(field, N_("A recovery code has 25 letters and digits, none of them I, O, 0 or 1. Check yours."))
        )
