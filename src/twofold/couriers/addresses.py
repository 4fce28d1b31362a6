"""A courier's address in its parts, for its driver to read. A refusal never repeats what was given."""

import re
import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from twofold.config.places import is_host, is_loopback
from twofold.config.units import Refused

_SENDER = re.compile(r"\+[0-9]{6,15}|MG[0-9A-Za-z]{32}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


@dataclass(frozen=True, slots=True)
class Address:
    """An address taken apart and not judged yet; its repr keeps the secret parts to itself."""

    scheme: str  # in small letters, as far as `://`
    place: str  # what stands where a host does, as it was written
    host: str  # the same in small letters, without brackets
    port: int | None
    user: str = field(repr=False)
    password: str = field(repr=False)
    path: str = field(repr=False)
    query: str = field(repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Take an address apart. Raises Refused."""
        try:
            parts = urlsplit(url)
            port = parts.port  # raises when it is no number, or too large
        except ValueError:
            raise Refused(
                "has a host or port that cannot be read; in a password write %40 for @, %2F for / and %23 for #"
            ) from None
        if "#" in url:
            raise Refused("must not have a `#`: in a password or secret write %23 for it")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        place = unquote(parts.netloc.rpartition("@")[2])
        return cls(parts.scheme, place, parts.hostname or "", port, user, password, parts.path, parts.query)

    @property
    def loopback(self) -> bool:
        """Whether the other side is this machine."""
        return is_loopback(self.host)

    def check_host(self) -> None:
        """Raise Refused for what cannot be a host."""
        if not is_host(self.host):
            raise Refused("must name a host, such as mail.example.org")

    def http(self, path: str, *, port: int | None = None) -> str:
        """Give the address to call for a scheme that ends in `+https` or, on this machine, `+http`. Raises Refused."""
        self.check_host()
        kind, _, spoken = self.scheme.partition("+")
        if spoken != "https" and not self.loopback:
            raise Refused(
                f"must begin with {kind}+https:// unless the host is this machine (127.0.0.1, ::1 or localhost)"
            )
        host = f"[{self.host}]" if ":" in self.host else self.host
        found = self.port or port
        return f"{spoken}://{host}" + (f":{found}" if found else "") + path

    def options(self, *known: str) -> dict[str, str]:
        """Give the options behind `?`, of which there are no others than these. Raises Refused."""
        found = dict(self.pairs())
        if not found.keys() <= set(known):
            raise Refused(f"has an option that is not known: after `?` write {' and '.join(known)} only")
        return found

    def pairs(self) -> list[tuple[str, str]]:
        """Give what stands behind `?`, name by name. Raises Refused for a `ca` that cannot be read."""
        found = parse_qsl(self.query, keep_blank_values=True)
        if any(name == "ca" and not _is_ca(value) for name, value in found):
            raise Refused("names a ca that is no readable file: give the whole path of a file of certificates (PEM)")
        return found


def _is_ca(path: str) -> bool:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError):
        return False
    return True


def is_sender(text: str) -> bool:
    """Tell whether a message can come from this: a number, a service of Twilio's, or a name."""
    return _SENDER.fullmatch(text) is not None
