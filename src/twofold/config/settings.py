"""Every setting, once: name, default, parser, meaning. Parsing, `config show` and the reference come from here.

The configuration is one frozen value, read once and passed on, never global.
"""

# ruff: noqa: RUF009 - `setting` declares a field, as dataclasses.field does

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from twofold.config import couriers, places, units
from twofold.config.declare import ConfigError, Known, Setting, setting
from twofold.config.places import Network, SecretKey
from twofold.config.sources import PREFIX, Given, Sources, read
from twofold.config.units import Backoff, HashCost, Rate, Refused

Fault = tuple[str, str]  # name of a setting, and a sentence that goes on from it, without its full stop


def _console_on_loopback(known: Known) -> tuple[str, ...]:
    return ("console:",) if places.is_loopback(places.host_of(known["base_url"])) else ()


def _list(items: tuple[Any, ...]) -> str:
    return ",".join(map(str, items)) or "none"


_COURIERS = "addresses of couriers"  # whose drivers know how they are written
_DURATION: dict[str, Any] = {"form": "duration", "write": units.write_duration}
_RATES: dict[str, Any] = {"form": "rates", "write": units.write_rates}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything an operator can choose. Durations are seconds."""

    data_dir: Path = setting(
        places.data_dir, "./twofold-data", "Keys and the embedded database live here, in mode 0700.", form="directory"
    )
    database_url: str = setting(
        places.database_url,
        "SQLite in the data dir",
        "The database. With SQLite three strokes begin a path from here, four one from the root.",
        form="sqlite:///path | postgresql://user:pass@host1,host2/db?target_session_attrs=read-write",
        write=places.write_database_url,
        derive=lambda known: places.sqlite_url(known["data_dir"] / "twofold.db"),
        secret=True,
    )
    database_connections: int = setting(
        units.count(),
        "four a core, shared by the workers",
        "Connections to PostgreSQL that a process opens at most. All processes together must fit its max_connections.",
        form="whole number",
        derive=lambda _: 4 * (os.cpu_count() or 1),
    )
    base_url: str = setting(
        places.base_url,
        "http://127.0.0.1:PORT",
        "The one public address; every link, cookie and origin check comes from it, never from a request header. "
        "Plain http is refused off loopback.",
        form="https://host[:port][/path]",
        derive=lambda known: f"http://127.0.0.1:{known['port']}".removesuffix(":80"),
    )
    site_name: str = setting(
        places.site_name,
        "host of the base URL",
        "The issuer shown in authenticator apps.",
        form="letters, digits, `.`, `-`, `_`, space",
        derive=lambda known: places.site_name_of(known["base_url"]),
    )
    secret_keys: tuple[SecretKey, ...] = setting(
        places.secret_keys,
        "made once in the data dir, 0600",
        "Keys, newest first; older ones still decrypt. Never made anew over existing data.",
        form="id:base64url of 32 bytes, several separated by spaces",
        write=lambda keys: " ".join(f"{key.id}:***" for key in keys) or "in the data dir",
        derive=lambda _: (),
        secret=True,
    )
    registration: str = setting(
        units.choice("open", "invite", "closed"),
        "open",
        "Who may sign up: everybody, those with an invitation, nobody.",
        form="open | invite | closed",
    )
    password_min: int = setting(
        units.count(8, 128),
        "8",
        "Characters that a password must have at least; NIST advises 15 where it is the only proof.",
        form="8 to 128",
    )
    password_hash: HashCost = setting(
        units.hash_cost,
        "m=47104 t=1 p=1",
        "Cost of argon2id, at least m=47104 with t=1 or m=19456 with t=2. Changed, it re-hashes at the next sign-in.",
        form="m=KiB t=passes p=lanes",
        write=units.write_hash_cost,
    )
    mail_url: str = setting(
        str,
        couriers.CONSOLE,
        "What carries mails; console: shows them on this machine. STARTTLS is required off loopback.",
        form=_COURIERS,
        write=couriers.shown,
        secret=True,
    )
    sms_url: tuple[str, ...] = setting(
        couriers.urls,
        "console: on a loopback base URL, else unset (method not offered)",
        "What carries text messages; several, separated by spaces, are tried in this order.",
        form=_COURIERS,
        write=couriers.all_shown,
        derive=_console_on_loopback,
        secret=True,
    )
    voice_url: tuple[str, ...] = setting(
        couriers.urls,
        "as SMS",
        "What makes voice calls; several, separated by spaces, are tried in this order.",
        form=_COURIERS,
        write=couriers.all_shown,
        derive=_console_on_loopback,
        secret=True,
    )
    phone_countries: tuple[str, ...] = setting(
        places.countries,
        "every country with console:; otherwise must be set",
        "Countries whose phone numbers are served.",
        form="US,CA,GB | *",
        write=_list,
        derive=lambda known: ("*",) if {"console:"}.issuperset(known["sms_url"] + known["voice_url"]) else (),
    )
    send_budget: int = setting(
        units.count(), "500", "Messages a day for the whole service; an alarm at 80 %.", form="whole number"
    )
    trust: int = setting(units.duration, "30d", "Life of a trusted computer, with a fixed end.", **_DURATION)
    session_idle: int = setting(units.duration, "1h", "A session ends when it was not used for this long.", **_DURATION)
    session_max: int = setting(units.duration, "24h", "A session ends this long after signing in.", **_DURATION)
    unlocked: int = setting(units.duration, "10m", "How long settings stay unlocked.", **_DURATION)
    limit_codes: tuple[Rate, ...] = setting(
        units.rates, "5/5m 20/1h 50/1d", "Wrong second factors per account, all methods and doors together.", **_RATES
    )
    limit_codes_in_a_row: int = setting(
        units.count(),
        "100",
        "Wrong second factors without a sign-in between; then only the recovery code or an administrator.",
        form="whole number",
    )
    limit_passwords: Backoff = setting(
        units.backoff,
        "5 30s..1h",
        "After so many wrong passwords a wait that doubles; per account; sign-in, unlock and password change together.",
        form="tries first-wait..longest-wait",
        write=units.write_backoff,
    )
    limit_source: tuple[Rate, ...] = setting(
        units.rates, "10/5m 50/1h", "Wrong attempts per client address (IPv6 by /64).", **_RATES
    )
    limit_sends: tuple[Rate, ...] = setting(units.rates, "3/10m 5/1h", "Messages per number.", **_RATES)
    limit_sends_account: tuple[Rate, ...] = setting(
        units.rates, "10/1d", "Messages per account that carry a code nobody uses.", **_RATES
    )
    limit_sends_source: tuple[Rate, ...] = setting(
        units.rates, "10/1h", "Messages per client address (IPv6 by /64) that carry a code nobody uses.", **_RATES
    )
    limit_mails: tuple[Rate, ...] = setting(
        units.rates, "3/1h 10/1d", "Reset and verification mails per address.", **_RATES
    )
    limit_sign_ups: tuple[Rate, ...] = setting(
        units.rates, "60/1h", "Sign-ups, and password resets asked for, per client address.", **_RATES
    )
    keep_events: int = setting(units.days, "365d", "Events older than this are deleted.", **_DURATION)
    trusted_proxies: tuple[Network, ...] = setting(
        places.networks,
        "none",
        "Networks whose X-Forwarded-For is believed (rightmost untrusted hop). Forwarding headers from anyone else are "
        "ignored, logged, and shown by doctor.",
        form="networks such as 10.0.0.0/8 or fd00::/8",
        write=_list,
        derive=lambda _: (),
    )
    log: Literal["text", "json"] | None = setting(
        units.choice("text", "json"),  # type: ignore[arg-type]
        "text on a terminal, else json",
        "The form of log lines.",
        form="text | json",
        write=lambda form: form or "text on a terminal, else json",
        derive=lambda _: None,
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, *, port: int = 8000) -> "Config":
        """Read the settings; `port` is where this process listens, for the default address. Raises ConfigError."""
        return load(environ, port=port)[0]

    @cached_property
    def sqlite_path(self) -> Path | None:
        """The file of the embedded database, None with PostgreSQL."""
        scheme, _, path = self.database_url.partition(":///")
        return Path(path) if scheme == "sqlite" else None

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of the base URL, as browsers send it in `Origin`."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def base_path(self) -> str:
        """The path that Twofold is mounted under: `/account`, or nothing."""
        return urlsplit(self.base_url).path

    @cached_property
    def host(self) -> str:
        """The host name of the base URL, without port or brackets."""
        return places.host_of(self.base_url)

    @cached_property
    def secure(self) -> bool:
        """Whether browsers come over https."""
        return self.base_url.startswith("https://")

    @cached_property
    def loopback(self) -> bool:
        """Whether the base URL is on this machine alone."""
        return places.is_loopback(self.host)

    @cached_property
    def mails_links(self) -> bool:
        """Whether mail goes to people's mailboxes, so that an address can be proven."""
        return self.mail_url != couriers.CONSOLE


SETTINGS: dict[str, Setting] = {each.name: each.metadata["setting"] for each in fields(Config)}


def load(
    environ: Mapping[str, str], *, port: int = 8000, check: Callable[[Config], Iterable[Fault]] = lambda _: ()
) -> tuple[Config, dict[str, str]]:
    """Read the settings and where each one stood ("default" where nowhere). Raises ConfigError with all faults.

    `check` finds what is wrong with values that a higher floor understands.
    """
    found = read(environ, SETTINGS)
    known: dict[str, Any] = {"port": port}
    for name, each in SETTINGS.items():
        known[name] = _value(name, each, found, known)
    del known["port"]
    config = Config(**known)
    for name, sentence in check(config):
        place = found.given[name].place if name in found.given else f"{PREFIX}{name.upper()}"
        found.faults.append(f"{place} {sentence}.")
        found.broken.add(name)
    found.faults.extend(sentence for names, sentence in _contradictions(config) if not found.broken & names)
    if found.faults:
        raise ConfigError(*found.faults)
    return config, {name: found.given[name].place if name in found.given else "default" for name in SETTINGS}


def _value(name: str, each: Setting, found: Sources, known: Known) -> object:
    """Parse what was given; a fault is noted and the default stands in, so that all other faults are found, too."""
    given: Given | None = found.given.get(name)
    if given is not None:
        try:
            return each.parse(given.text)
        except Refused as fault:
            found.faults.append(f"{given.place} {fault}.")
            found.broken.add(name)
    return each.derive(known) if each.derive else each.parse(each.default)


def _contradictions(config: Config) -> list[tuple[set[str], str]]:
    """Find settings that deny each other: which ones, and the sentence."""
    rest = f"must not be longer than {PREFIX}SESSION_MAX: shorten the one or lengthen the other."
    too_long = [name for name in ("session_idle", "unlocked") if getattr(config, name) > config.session_max]
    found = [({name, "session_max"}, f"{PREFIX}{name.upper()} {rest}") for name in too_long]
    if not config.phone_countries:
        sentence = f"{PREFIX}PHONE_COUNTRIES must name the countries that are served, such as US,CA,GB, or * for all."
        found.append(({"phone_countries", "sms_url", "voice_url", "base_url"}, sentence))
    return found
