"""Parse the addresses of couriers for their drivers. An error never repeats the address."""

import re
import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from twofold.config.hosts import is_host, is_loopback
from twofold.config.values import InvalidSetting

_SENDER = re.compile(r"\+[0-9]{6,15}|MG[0-9A-Za-z]{32}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address that is not validated yet; its repr hides the secret parts."""

    scheme: str  # in lower case, up to `://`
    authority: str  # host and port as written, without user and password
    host: str  # in lower case, without brackets
    port: int | None
    user: str = field(repr=False)
    password: str = field(repr=False)
    path: str = field(repr=False)
    query: str = field(repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Parse an address. Raise InvalidSetting if it is malformed."""
        try:
            parts = urlsplit(url)
            port = parts.port  # raises ValueError if it is not a port number
        except ValueError:
            raise InvalidSetting(
                "has an invalid host or port; in a password, write %40 for @, %2F for / and %23 for #"
            ) from None
        if "#" in url:
            raise InvalidSetting("must not contain `#`: in a password or secret, write %23 instead")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        authority = unquote(parts.netloc.rpartition("@")[2])
        return cls(parts.scheme, authority, parts.hostname or "", port, user, password, parts.path, parts.query)

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine."""
        return is_loopback(self.host)

    def check_host(self) -> None:
        """Raise InvalidSetting if the host is invalid."""
        if not is_host(self.host):
            raise InvalidSetting("must name a host, such as mail.example.org")

    def http(self, path: str, *, port: int | None = None) -> str:
        """Return the URL if the scheme ends in `+https`, or `+http` on this machine. Raise InvalidSetting otherwise."""
        self.check_host()
        kind, _, protocol = self.scheme.partition("+")
        if protocol != "https" and not self.loopback:
            raise InvalidSetting(
                f"must begin with {kind}+https:// unless the host is this machine (127.0.0.1, ::1 or localhost)"
            )
        host = f"[{self.host}]" if ":" in self.host else self.host
        shown_port = f":{self.port or port}" if self.port or port else ""
        return f"{protocol}://{host}{shown_port}{path}"

    def options(self, *known: str) -> dict[str, str]:
        """Return the options after `?`. Raise InvalidSetting if any is not in `known`."""
        options = dict(self.pairs())
        if not options.keys() <= set(known):
            raise InvalidSetting(f"has an unknown option: after `?`, use only {' and '.join(known)}")
        return options

    def pairs(self) -> list[tuple[str, str]]:
        """Return the names and values after `?`. Raise InvalidSetting for a `ca` that cannot be read."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        if any(name == "ca" and not _is_ca(value) for name, value in pairs):
            raise InvalidSetting(
                "names a ca that is not a readable file: use the full path of a PEM file of certificates"
            )
        return pairs


def _is_ca(path: str) -> bool:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError):
        return False
    return True


def is_sender(text: str) -> bool:
    """Return whether a text is a valid sender: a number, a Twilio messaging service, or a name."""
    return _SENDER.fullmatch(text) is not None
