"""The configuration: one frozen value, read once at start and passed on, never global."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twofold.config.couriers import CONSOLE
from twofold.config.declare import ConfigError, Known, Setting
from twofold.config.hosts import host_of, is_loopback
from twofold.config.settings import Settings
from twofold.config.sources import PREFIX, Sources, Value, read
from twofold.config.values import InvalidSetting

Fault = tuple[str, str]  # the name of a setting, and the rest of the sentence without its full stop


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """The values of all settings, and values derived from them."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, *, port: int = 8000) -> "Config":
        """Read the settings; `port` is used in the default base URL. Raise ConfigError with all faults."""
        return load(environ, port=port)[0]

    @cached_property
    def sqlite_path(self) -> Path | None:
        """The file of the embedded database, or None with PostgreSQL."""
        scheme, _, path = self.database_url.partition(":///")
        return Path(path) if scheme == "sqlite" else None

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of the base URL, as browsers send it in `Origin`."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def numeric_origins(self) -> frozenset[str]:
        """The same origin by the addresses of `localhost`; empty unless the base URL is `http://localhost`."""
        if self.secure or self.host != "localhost":
            return frozenset()
        port = self.origin.removeprefix("http://localhost")
        return frozenset({f"http://127.0.0.1{port}", f"http://[::1]{port}"})

    @cached_property
    def instance(self) -> str:
        """Eight hexadecimal digits that keep the cookies of several instances on one host apart."""
        return sha256(self.base_url.encode()).hexdigest()[:8]

    @cached_property
    def base_path(self) -> str:
        """The path that Twofold is mounted under, such as `/account`, or an empty text."""
        return urlsplit(self.base_url).path

    @cached_property
    def host(self) -> str:
        """The host name of the base URL, without port or brackets."""
        return host_of(self.base_url)

    @cached_property
    def secure(self) -> bool:
        """Whether browsers connect over https."""
        return self.base_url.startswith("https://")

    @cached_property
    def loopback(self) -> bool:
        """Whether the base URL is a loopback address."""
        return is_loopback(self.host)

    @cached_property
    def mails_links(self) -> bool:
        """Whether mail is delivered to mailboxes, so that users can verify an address."""
        return self.mail_url != CONSOLE

    @cached_property
    def mail_proves_addresses(self) -> bool:
        """Whether a mailed link proves an address; on a loopback base URL, even mail that is only printed does."""
        return self.mails_links or self.loopback


SETTINGS: dict[str, Setting] = {each.name: each.metadata["setting"] for each in fields(Config)}


def load(
    environ: Mapping[str, str], *, port: int = 8000, check: Callable[[Config], Iterable[Fault]] = lambda _: ()
) -> tuple[Config, dict[str, str]]:
    """Return the settings and where each was set, or "default". Raise ConfigError with all faults.

    `check` finds faults in values that only higher layers can parse.
    """
    sources = read(environ, SETTINGS)
    known: dict[str, Any] = {"port": port}
    for name, each in SETTINGS.items():
        known[name] = _value(name, each, sources, known)
    del known["port"]
    config = Config(**known)
    for name, sentence in check(config):
        source = sources.values[name].source if name in sources.values else f"{PREFIX}{name.upper()}"
        sources.faults.append(f"{source} {sentence}.")
        sources.broken.add(name)
    sources.faults.extend(sentence for names, sentence in _contradictions(config) if not sources.broken & names)
    if sources.faults:
        raise ConfigError(*sources.faults)
    return config, {name: sources.values[name].source if name in sources.values else "default" for name in SETTINGS}


def _value(name: str, each: Setting, sources: Sources, known: Known) -> object:
    """Return the parsed value. After a fault, return the default, so that other faults are found too."""
    value: Value | None = sources.values.get(name)
    if value is not None:
        try:
            return each.parse(value.text)
        except InvalidSetting as fault:
            sources.faults.append(f"{value.source} {fault}.")
            sources.broken.add(name)
    return each.derive(known) if each.derive else each.parse(each.default)


def _contradictions(config: Config) -> list[tuple[set[str], str]]:
    """Return the contradictions between settings: the names, and the sentence."""
    rest = f"must not be longer than {PREFIX}SESSION_MAX: shorten the one or lengthen the other."
    too_long = [name for name in ("session_idle", "unlocked") if getattr(config, name) > config.session_max]
    clashes = [({name, "session_max"}, f"{PREFIX}{name.upper()} {rest}") for name in too_long]
    if not config.phone_countries:
        sentence = f"{PREFIX}PHONE_COUNTRIES must name the countries to accept, such as US,CA,GB, or * for all."
        clashes.append(({"phone_countries", "sms_url", "voice_url", "base_url"}, sentence))
    return clashes
