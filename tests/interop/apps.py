"""How authenticator apps read a key URI, each after its own documented behaviour, written anew.

They disagree on purpose here as they do on phones: which issuer wins, how often the link is decoded, where a label is
split. What they all read alike is safe to emit.
"""

from base64 import b32decode
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus


@dataclass(frozen=True, slots=True)
class Entry:
    """What an app keeps. Some keep no issuer apart from the label."""

    issuer: str | None
    account: str
    secret: bytes


class Link:
    """A link as Android's own parser sees it: the first mark wins, values decode `+` as a space, paths do not."""

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
    """A secret as strict apps take it: whole bytes of upper-case base32, no padding, at least 128 bits."""
    assert "=" not in text
    assert len(text) * 5 >= 128
    return b32decode(text)


def google_authenticator_android(uri: str) -> Entry:
    """The whole path is the name, trimmed; the issuer comes from the parameter alone."""
    link = Link(uri)
    name = link.path.strip()
    assert name
    issuer = link.values["issuer"]
    return Entry(issuer, name.removeprefix(f"{issuer}:"), key(link.values["secret"]))


def microsoft_authenticator(uri: str) -> Entry:
    """Only the label tells entries apart."""
    link = Link(uri)
    issuer, _, account = link.path.partition(":")
    return Entry(issuer, account, key(link.values["secret"]))


def aegis(uri: str) -> Entry:
    """One colon in the label makes its prefix the issuer; with more the whole label is the account, without issuer."""
    link = Link(uri)
    parts = link.path.split(":")
    if len(parts) == 2:
        return Entry(parts[0], parts[1], key(link.values["secret"]))
    issuer = link.values.get("issuer") if len(parts) == 1 else None
    return Entry(issuer, link.path, key(link.values["secret"]))


def two_fas(uri: str) -> Entry:
    """The whole link is decoded once and every `#` becomes a dash before it is parsed as a link."""
    return microsoft_authenticator(unquote(uri).replace("#", "-"))


def two_fas_by_parameter(uri: str) -> Entry:
    """As above; the issuer shown is the parameter's."""
    link = Link(unquote(uri).replace("#", "-"))
    return Entry(link.values["issuer"], link.path.partition(":")[2], key(link.values["secret"]))


def free_otp_plus(uri: str) -> Entry:
    """The label is split at its first colon; the parameter wins over the prefix; strokes in front are dropped."""
    link = Link(uri)
    prefix, _, account = link.path.lstrip("/").partition(":")
    return Entry(link.values.get("issuer") or prefix, account, key(link.values["secret"]))


APPS = (google_authenticator_android, microsoft_authenticator, aegis, two_fas, two_fas_by_parameter, free_otp_plus)
