"""Rules for addresses and passwords."""

import re
from unicodedata import normalize

import idna
import msgspec

from twofold.accounts.guessable import is_guessable
from twofold.base.problems import FieldError, InvalidRequest, Problem
from twofold.base.texts import ENGLISH, N_, is_longer, is_visible, trimmed
from twofold.base.visitor import Role

PASSWORD_MAX = 256  # code points
_MAX_DOMAIN_LENGTH = 253  # characters (RFC 1035); the ASCII form is never shorter
_MAX_ADDRESS_LENGTH = 512  # characters: a local part of 64 may be several times as long before normalisation
# Excludes the special characters of mail headers (RFC 5322 3.2.3): `a,b@example.org` would be mail to two addresses.
# `=?` begins an encoded word (RFC 2047), which mail programs would decode to another address.
_LOCAL_PART = re.compile(r"(?=.{1,64}$)(?!.*=\?)[^\s@()<>\[\]:;,\\\".]+(\.[^\s@()<>\[\]:;,\\\".]+)*")
_ASCII_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class Account(msgspec.Struct, frozen=True):
    """An account. `stamp` is incremented whenever credentials change; times are epoch seconds."""

    id: str
    email: str
    username: str
    name: str | None  # what the person is called
    groups: tuple[str, ...]
    password_hash: str
    stamp: int
    role: Role
    created_at: int
    disabled_at: int | None
    locale: str = ENGLISH  # the language of its messages
    email_proven_at: int | None = None  # when its address was proven

    @property
    def email_for_applications(self) -> str:
        """Return the address as applications may see it: empty unless it is proven."""
        return self.email if self.email_proven_at is not None else ""

    @property
    def shown_name(self) -> str:
        """Return what others see: the name, or the username if no name is set."""
        return self.name or self.username


class WrongCredentials(Problem):
    """The address or the password is wrong; the answer does not say which."""

    code, status = "wrong_credentials", 401
    title = N_("The email or password is not correct")
    text = N_("The email or password is not correct. Check both and try again.")


class WrongPassword(WrongCredentials):
    """The password of a signed-in user is wrong."""

    title = N_("The password is not correct")
    text = N_("The password is not correct. Check it and try again.")


class PasswordReplaced(WrongPassword):
    """The password was correct when it was compared, and was changed before it could count."""


def normal_email(text: str) -> str:
    """Return an address as it is stored. Raise InvalidRequest if it is not an address.

    Trimmed, lower case, NFC (RFC 6532 3.1), domain in IDNA. Lengths are checked before expensive steps.
    """
    local, domain = _parts_of_address(text)
    local = normalize("NFC", normalize("NFC", local).lower())  # lower case may decompose characters, so normalise again
    if not _LOCAL_PART.fullmatch(local) or not is_visible(local):
        raise _not_an_address()
    return f"{local}@{_normal_domain(domain)}"


def former_email(text: str) -> str | None:
    """Return an address as versions before schema 7 stored it, without NFC, or None if that is the same.

    If two addresses became equal, the later account still has that form. Raise InvalidRequest if it is not an address.
    """
    local, domain = _parts_of_address(text)
    email = normal_email(text)
    former = f"{local.lower()}@{_normal_domain(domain)}"
    return former if former != email else None


def _parts_of_address(text: str) -> tuple[str, str]:
    if len(text) > _MAX_ADDRESS_LENGTH:
        raise _not_an_address()
    local, _, domain = trimmed(text).rpartition("@")
    return local, domain.lower()


def _normal_domain(domain: str) -> str:
    if len(domain) > _MAX_DOMAIN_LENGTH:
        raise _not_an_address()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise _not_an_address() from error
    if not _ASCII_DOMAIN.fullmatch(domain):
        raise _not_an_address()
    return domain


def check_new_password(password: str, *, field: str, least: int, email: str, site_name: str) -> None:
    """Raise InvalidRequest for a new password that is short, common or easily guessed.

    NIST SP 800-63B 3.1.1.2: length and a block list, no composition rules. The form that is hashed counts.
    """
    if is_longer(password, PASSWORD_MAX):
        raise InvalidRequest(FieldError(field, N_("Use a password of at most 256 characters.")))
    password = normalize("NFKC", password)
    if len(password) < least:
        raise InvalidRequest(
            FieldError(
                field, N_("This password is too short. Use at least {characters} characters."), {"characters": least}
            )
        )
    if is_guessable(password, (email, site_name, "twofold")):
        raise InvalidRequest(
            FieldError(field, N_("This password is easy to guess. Use a longer one, for example four unrelated words."))
        )


def _not_an_address() -> InvalidRequest:
    return InvalidRequest(FieldError("email", N_("Enter an email address, for example name@example.com.")))
