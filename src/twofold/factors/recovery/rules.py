"""The format of a recovery code: 25 letters and digits that are not easily confused."""

from collections.abc import Sequence

from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_, pasted

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 characters of 5 bits each, without I, O, 0 and 1
LENGTH = 25
_GROUP = 5


def written(numbers: Sequence[int]) -> str:
    """Return 25 numbers below 32 as a code in groups of five."""
    signs = "".join(ALPHABET[number] for number in numbers)
    return "-".join(signs[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))


def normal_form(text: str) -> str | None:
    """Return a code in the form that is hashed, whatever its case and separators; None if it is malformed."""
    code = pasted(text).upper()
    return code if len(code) == LENGTH and all(sign in ALPHABET for sign in code) else None


def check_form(text: str, field: str = "recovery_code") -> None:
    """Raise InvalidRequest, with the reason, if the text is not in the format of a code."""
    if not pasted(text):
        raise InvalidRequest(FieldError(field, N_("Enter your recovery code.")))
    if normal_form(text) is None:
        raise InvalidRequest(
            FieldError(
                field, N_("A recovery code has 25 letters and digits, and never I, O, 0 or 1. Check what you entered.")
            )
        )
