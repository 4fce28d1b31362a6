"""Parse PostgreSQL addresses, so that the driver reads nothing from the environment or HOME.

An error never repeats the address: it contains a password.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import parse_qsl, unquote

from twofold.config.hosts import is_loopback
from twofold.config.values import InvalidSetting

_PORTS = range(1, 65_536)
_CHOICES = {
    "statement_cache_size": {"0"},  # behind PgBouncer
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "target_session_attrs": {"any", "primary", "standby", "read-write", "read-only", "prefer-standby"},
}
_FILES = ("sslrootcert", "sslcert", "sslkey")
_TEXTS = ("host", "port", "user", "password", "dbname", "application_name", "options", "search_path")
_KNOWN = sorted((*_CHOICES, *_FILES, *_TEXTS))
_FORM = "postgresql://user:password@host1:5432,host2:5432/database"


class Server(NamedTuple):
    """One server; a host that begins with a slash is the directory of its socket."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return self.host.startswith("/") or is_loopback(self.host)

    def __str__(self) -> str:
        """Return the server for display."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return self.host if self.host.startswith("/") else f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """A parsed address. `user` is None if it names none."""

    servers: tuple[Server, ...]
    user: str | None
    password: str = field(repr=False)
    database: str
    options: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Parse `postgresql://…`. Raise InvalidSetting if it is invalid."""
        location, _, query = url.partition("://")[2].partition("?")
        servers, _, name = location.partition("/")
        account, _, hosts = servers.rpartition("@")
        options = dict(parse_qsl(query, keep_blank_values=True))
        _check_characters(url, account, name or options.get("dbname", ""))
        _check_options(options)
        user, _, password = account.partition(":")
        return cls(
            servers=_servers(hosts or options.get("host", ""), options.get("port", "5432")),
            user=unquote(user) or options.get("user"),
            password=unquote(password) or options.get("password", ""),
            database=unquote(name) or options["dbname"],
            options=options,
        )

    @property
    def sslmode(self) -> str:
        """The TLS mode: `verify-full` by default, unless all servers are on this machine."""
        return self.options.get("sslmode") or ("disable" if self.is_local else "verify-full")

    @property
    def is_local(self) -> bool:
        """Whether all servers are on this machine."""
        return all(place.is_local for place in self.servers)

    @property
    def shown(self) -> str:
        """The servers, for display."""
        return ",".join(map(str, self.servers))


def _check_characters(url: str, account: str, database: str) -> None:
    if "[" in account or "]" in account:
        raise InvalidSetting("has a bracket in its user name or password: write %5B for [ and %5D for ]")
    if "#" in url or not database or "/" in database:
        raise InvalidSetting(
            "must name a database, such as postgresql://user:password@host/database; "
            "in a password, write %23 for #, %2F for / and %5B for ["
        )


def _check_options(options: dict[str, str]) -> None:
    for name, value in options.items():
        if name not in _KNOWN:
            written = name if re.fullmatch(r"[a-z_]{1,40}", name) else "after its ?"
            raise InvalidSetting(f"has an unknown option, {written}: use only {', '.join(_KNOWN)}")
        if value not in _CHOICES.get(name, {value}):
            raise InvalidSetting(f"has an unknown {name}: use one of {', '.join(sorted(_CHOICES[name]))}")
        if name in _FILES and not (name == "sslrootcert" and value == "system") and not _is_readable(name, value):
            raise InvalidSetting(f"names an {name} that is not a readable PEM file: use its full path")


def _is_readable(name: str, path: str) -> bool:
    import ssl  # noqa: PLC0415 - takes 10 ms, needed only if the address names a file

    try:
        if name == "sslrootcert":
            ssl.create_default_context(cafile=path)
        return b"-----BEGIN" in Path(path).read_bytes()
    except (OSError, ValueError):
        return False


def _servers(hosts: str, port: str) -> tuple[Server, ...]:
    ports = port.split(",")
    servers = [
        re.fullmatch(r"(\[[^]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?", unquote(host).strip()) for host in hosts.split(",")
    ]
    valid = [
        Server(place[1].strip("[]").lower() if place[1][:1] != "/" else place[1], int(place[2] or own))
        for place, own in zip(servers, ports * len(servers) if len(ports) == 1 else ports, strict=False)
        if place and place[1] and re.fullmatch(r"[0-9]{1,5}", place[2] or own)
    ]
    if len(valid) < len(servers) or any(place.port not in _PORTS for place in valid):
        raise InvalidSetting(f"must name hosts, such as {_FORM}")
    return tuple(valid)
