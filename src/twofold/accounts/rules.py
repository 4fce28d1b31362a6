"""What an address and a password must be, and what each change of credentials ends (contract, section 3)."""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

import idna
import msgspec

from twofold.accounts.common_passwords import COMMON_PASSWORDS
from twofold.base.problems import FieldError, InvalidRequest, Problem
from twofold.base.texts import ENGLISH, N_, is_visible

PASSWORD_MOST = 256  # code points
_ESTIMATED = 128  # the estimate looks no further; its work grows with the square
_STRONG_ENOUGH = 3  # of 4
# Without what a mail header gives a meaning to (RFC 5322 3.2.3): `a,b@example.org` would be mail to two people.
# `=?` begins an encoded word (RFC 2047), which mail programs would turn into another address.
_LOCAL_PART = re.compile(r"(?=.{1,64}$)(?!.*=\?)[^\s@()<>\[\]:;,\\\".]+(\.[^\s@()<>\[\]:;,\\\".]+)*")
_ASCII_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class Account(msgspec.Struct, frozen=True):
    """One person. `stamp` is raised whenever credentials change; times are epoch seconds."""

    id: str
    email: str
    password_hash: str
    stamp: int
    administrator: int
    created_at: int
    disabled_at: int | None
    locale: str = ENGLISH  # in which it is written and spoken to


class WrongCredentials(Problem):
    """Address or password is wrong; which of them is not told."""

    code, status = "wrong_credentials", 401
    title = N_("The email or password is not correct")
    text = N_("The email or password is not correct. Check both and try again.")


class WrongPassword(WrongCredentials):
    """The password is wrong, of somebody who is signed in."""

    title = N_("The password is not correct")
    text = N_("The password is not correct. Check it and try again.")


class Change(Enum):
    """A change of credentials."""

    TWO_FACTOR_ACTIVATED = "2FA becomes active"
    TWO_FACTOR_DISABLED = "disabled"
    FACTORS_CHANGED = "factor added, replaced, removed; default factor changed"
    PHONE_BOUND = "phone number bound"
    POLICY_CHANGED = "policy changed between the two frequencies"
    PASSWORD_CHANGED = "password changed"
    PASSWORD_RESET = "password reset"
    ADDRESS_CHANGED = "address changed"
    RECOVERY_CODE_USED = "recovery code used"
    RECOVERY_CODE_RENEWED = "recovery code renewed"
    RESET_BY_ADMINISTRATOR = "administrator's or command-line reset"
    ENDED_BY_ADMINISTRATOR = "administrator's or command-line disable, sign-out"
    RENAMED = "a factor, session or computer renamed"


class Sessions(Enum):
    """Which sessions a change ends."""

    STAY = "stay"
    OTHERS_END = "others end"
    ALL_END = "all end"


class RecoveryCode(Enum):
    """What a change does to the recovery code."""

    STAYS = "stays"
    NEW = "new"
    DIES = "dies"


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a change ends."""

    computers_end: bool
    sessions: Sessions
    recovery_code: RecoveryCode


CONSEQUENCES = {
    Change.TWO_FACTOR_ACTIVATED: Consequences(True, Sessions.OTHERS_END, RecoveryCode.NEW),
    Change.TWO_FACTOR_DISABLED: Consequences(True, Sessions.OTHERS_END, RecoveryCode.DIES),
    Change.FACTORS_CHANGED: Consequences(True, Sessions.OTHERS_END, RecoveryCode.STAYS),
    Change.PHONE_BOUND: Consequences(True, Sessions.OTHERS_END, RecoveryCode.NEW),
    Change.POLICY_CHANGED: Consequences(True, Sessions.STAY, RecoveryCode.STAYS),
    Change.PASSWORD_CHANGED: Consequences(True, Sessions.OTHERS_END, RecoveryCode.STAYS),
    Change.PASSWORD_RESET: Consequences(True, Sessions.ALL_END, RecoveryCode.STAYS),
    Change.ADDRESS_CHANGED: Consequences(True, Sessions.OTHERS_END, RecoveryCode.STAYS),
    Change.RECOVERY_CODE_USED: Consequences(True, Sessions.OTHERS_END, RecoveryCode.NEW),
    Change.RECOVERY_CODE_RENEWED: Consequences(False, Sessions.STAY, RecoveryCode.NEW),
    Change.RESET_BY_ADMINISTRATOR: Consequences(True, Sessions.ALL_END, RecoveryCode.DIES),
    Change.ENDED_BY_ADMINISTRATOR: Consequences(True, Sessions.ALL_END, RecoveryCode.STAYS),
    Change.RENAMED: Consequences(False, Sessions.STAY, RecoveryCode.STAYS),
}


def normal_email(text: str) -> str:
    """Write an address as it is stored: trimmed, lower case, domain in IDNA. Raises InvalidRequest."""
    local, at, domain = text.strip().lower().rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or not is_visible(local):
        raise _not_an_address()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise _not_an_address() from error
    if not _ASCII_DOMAIN.fullmatch(domain):
        raise _not_an_address()
    return f"{local}@{domain}"


def check_new_password(password: str, *, field: str, least: int, email: str, site_name: str) -> None:
    """Refuse a new password that is short, common or easily guessed. Raises InvalidRequest.

    NIST SP 800-63B 3.1.1.2: length and a block list, no rules of composition. What counts is the form that is hashed.
    """
    password = unicodedata.normalize("NFKC", password)
    if len(password) < least:
        raise InvalidRequest(FieldError(field, N_("This password is too short. Use more characters.")))
    if len(password) > PASSWORD_MOST:
        raise InvalidRequest(FieldError(field, N_("Use a password of at most 256 characters.")))
    from zxcvbn_rs_py import zxcvbn  # noqa: PLC0415 - a megabyte that idle processes and sign-ins do without

    known = [*_words(email), *_words(site_name.lower()), "twofold", *COMMON_PASSWORDS]
    if int(zxcvbn(password[:_ESTIMATED], known).score) < _STRONG_ENOUGH:
        raise InvalidRequest(
            FieldError(field, N_("This password is easy to guess. Use a longer one, for example four unrelated words."))
        )


def _words(name: str) -> list[str]:
    """Give what a guesser makes of a name: whole, its words, and the words run together."""
    words = re.findall(r"\w+", name)
    return [name, *words, "".join(words)]


def _not_an_address() -> InvalidRequest:
    return InvalidRequest(FieldError("email", N_("Enter an email address, for example name@example.com.")))
