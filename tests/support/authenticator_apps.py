"""How authenticator apps parse a key URI, each reimplemented from its documented behaviour.

They differ in which issuer takes precedence, how often the link is decoded, and where a label is split. A URI that all
of them parse alike is safe to emit.
"""

from base64 import b32decode
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus


@dataclass(frozen=True, slots=True)
class Entry:
    """What an app stores. Some apps store no issuer apart from the label."""

    issuer: str | None
    account: str
    secret: bytes


class Link:
    """A link as Android's Uri class parses it: `+` is a space in values, but not in paths."""

    def __init__(self, text: str) -> None:
        scheme, _, rest = text.partition(":")
        rest, _, query = rest.partition("#")[0].partition("?")
        authority, _, path = rest.removeprefix("//").partition("/")
        assert (scheme.lower(), authority) == ("otpauth", "totp"), text
        self.path = unquote(path, errors="strict")
        pairs = [part.partition("=") for part in query.split("&")]
        self.values: dict[str, str] = {}
        for name, _, value in pairs:
            self.values.setdefault(unquote_plus(name), unquote_plus(value, errors="strict"))


def key(text: str) -> bytes:
    """Decode a secret as strict apps do: upper-case base32 without padding, in whole bytes, of at least 128 bits."""
    assert "=" not in text
    assert len(text) * 5 >= 128
    return b32decode(text)


def google_authenticator_android(uri: str) -> Entry:
    """Read the whole path, trimmed, as the name; the issuer comes from the parameter only."""
    link = Link(uri)
    name = link.path.strip()
    assert name
    issuer = link.values["issuer"]
    return Entry(issuer, name.removeprefix(f"{issuer}:"), key(link.values["secret"]))


def microsoft_authenticator(uri: str) -> Entry:
    """Read only the label, which identifies the entry."""
    link = Link(uri)
    issuer, _, account = link.path.partition(":")
    return Entry(issuer, account, key(link.values["secret"]))


def aegis(uri: str) -> Entry:
    """Read a single colon in the label as the end of the issuer.

    With more than one, the whole label is the account, without an issuer.
    """
    link = Link(uri)
    parts = link.path.split(":")
    if len(parts) == 2:
        return Entry(parts[0], parts[1], key(link.values["secret"]))
    issuer = link.values.get("issuer") if len(parts) == 1 else None
    return Entry(issuer, link.path, key(link.values["secret"]))


def two_fas(uri: str) -> Entry:
    """Decode the whole link once, and replace every `#` with a dash, before parsing it."""
    return microsoft_authenticator(unquote(uri).replace("#", "-"))


def two_fas_by_parameter(uri: str) -> Entry:
    """Do the same, but take the issuer from the parameter."""
    link = Link(unquote(uri).replace("#", "-"))
    return Entry(link.values["issuer"], link.path.partition(":")[2], key(link.values["secret"]))


def free_otp_plus(uri: str) -> Entry:
    """Split the label at its first colon; the parameter overrides the prefix, and leading slashes are dropped."""
    link = Link(uri)
    prefix, _, account = link.path.lstrip("/").partition(":")
    return Entry(link.values.get("issuer") or prefix, account, key(link.values["secret"]))


APPS = (google_authenticator_android, microsoft_authenticator, aegis, two_fas, two_fas_by_parameter, free_otp_plus)
