"""All settings, each declared once with its default, parser and description.

Parsing, `config show` and the reference use these declarations.
"""

# ruff: noqa: RUF009 - `setting` declares a field, as dataclasses.field does

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twofold.config import addresses, couriers, hosts, values
from twofold.config.addresses import Network
from twofold.config.declare import Known, setting
from twofold.config.values import Backoff, HashCost, Rate, SecretKey


def _on_loopback(known: Known) -> bool:
    return hosts.is_loopback(hosts.host_of(known["base_url"]))


def _console_on_loopback(known: Known) -> tuple[str, ...]:
    return ("console:",) if _on_loopback(known) else ()


def _list(items: tuple[Any, ...]) -> str:
    return ",".join(map(str, items)) or "none"


_COURIERS = "addresses of couriers"  # `config reference` lists the forms of the drivers
_DURATION: dict[str, Any] = {"form": "duration", "write": values.write_duration}
_RATES: dict[str, Any] = {"form": "rates", "write": values.write_rates}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values of all settings. Durations are in seconds."""

    data_dir: Path = setting(
        values.data_dir,
        "./twofold-data",
        "Where keys and the embedded database are stored, mode 0700.",
        form="directory",
    )
    database_url: str = setting(
        addresses.database_url,
        "SQLite in the data directory",
        "The database. With SQLite, three slashes begin a relative path and four an absolute one.",
        form="sqlite:///path | postgresql://user:pass@host1,host2/db?target_session_attrs=read-write",
        write=addresses.write_database_url,
        derive=lambda known: addresses.sqlite_url(known["data_dir"] / "twofold.db"),
        secret=True,
    )
    database_connections: int = setting(
        values.count(),
        "four per core, shared by the workers",
        "Maximum number of PostgreSQL connections per process. All processes together must stay below the "
        "server's max_connections.",
        form="whole number",
        derive=lambda _: 4 * (os.cpu_count() or 1),
    )
    base_url: str = setting(
        addresses.base_url,
        "http://localhost:PORT",
        "The public address. Links, cookies and origin checks use it, never a request header. "
        "Must be https unless the host is this machine.",
        form="https://host[:port][/path]",
        derive=lambda known: f"http://localhost:{known['port']}".removesuffix(":80"),
    )
    site_name: str = setting(
        values.site_name,
        "host of the base URL",
        "The issuer shown in authenticator apps.",
        form="letters, digits, `.`, `-`, `_`, space",
        derive=lambda known: hosts.site_name_of(known["base_url"]),
    )
    secret_keys: tuple[SecretKey, ...] = setting(
        values.secret_keys,
        "generated once in the data directory, mode 0600",
        "Encryption keys, newest first; older ones still decrypt. Never generated again for existing data.",
        form="id:base64url of 32 bytes, several separated by spaces",
        write=lambda keys: " ".join(f"{key.id}:***" for key in keys) or "in the data directory",
        derive=lambda _: (),
        secret=True,
    )
    registration: str = setting(
        values.choice("open", "invite", "closed"),
        "open if the base URL is loopback, otherwise invite",
        "Who may sign up: anyone, only people with an invitation, or no one.",
        form="open | invite | closed",
        derive=lambda known: "open" if _on_loopback(known) else "invite",
    )
    password_min: int = setting(
        values.count(8, 128),
        "8",
        "The minimum length of a password. NIST recommends 15 where the password is the only factor.",
        form="8 to 128",
    )
    password_hash: HashCost = setting(
        values.hash_cost,
        "m=47104 t=1 p=1",
        "The argon2id cost: at least m=47104 t=1 or m=19456 t=2. After a change, passwords are rehashed at sign-in.",
        form="m=KiB t=passes p=lanes",
        write=values.write_hash_cost,
    )
    mail_url: str = setting(
        str,
        couriers.CONSOLE,
        "The courier for email. console: shows messages on this machine. SMTP servers on other hosts must support TLS.",
        form=_COURIERS,
        write=couriers.shown,
        secret=True,
    )
    sms_url: tuple[str, ...] = setting(
        couriers.urls,
        "console: if the base URL is loopback, otherwise unset (method not offered)",
        "The couriers for text messages, separated by spaces and tried in this order.",
        form=_COURIERS,
        write=couriers.all_shown,
        derive=_console_on_loopback,
        secret=True,
    )
    voice_url: tuple[str, ...] = setting(
        couriers.urls,
        "as SMS",
        "The couriers for voice calls, separated by spaces and tried in this order.",
        form=_COURIERS,
        write=couriers.all_shown,
        derive=_console_on_loopback,
        secret=True,
    )
    phone_countries: tuple[str, ...] = setting(
        values.countries,
        "every country with console:; otherwise must be set",
        "The countries whose phone numbers are accepted.",
        form="US,CA,GB | *",
        write=_list,
        derive=lambda known: ("*",) if {"console:"}.issuperset(known["sms_url"] + known["voice_url"]) else (),
    )
    send_budget: int = setting(
        values.count(),
        "500",
        "Text messages and calls per day for the whole service. Administrators are alerted at 80%.",
        form="whole number",
    )
    trust: int = setting(
        values.duration, "30d", "How long a computer stays trusted. Using it does not extend this time.", **_DURATION
    )
    session_idle: int = setting(values.duration, "1h", "A session ends after being unused for this long.", **_DURATION)
    session_max: int = setting(values.duration, "24h", "A session ends this long after sign-in.", **_DURATION)
    unlocked: int = setting(values.duration, "10m", "How long settings stay unlocked.", **_DURATION)
    limit_codes: tuple[Rate, ...] = setting(
        values.rates,
        "5/5m 20/1h 50/1d",
        "Wrong codes per account, counted across all methods, the pages and the API.",
        **_RATES,
    )
    limit_codes_in_a_row: int = setting(
        values.count(),
        "100",
        "Wrong codes in a row without a sign-in. After that, only the recovery code or an administrator helps.",
        form="whole number",
    )
    limit_passwords: Backoff = setting(
        values.backoff,
        "5 30s..1h",
        "Wrong passwords per account before a wait that doubles, counted across sign-in, unlocking and "
        "password changes.",
        form="tries first-wait..longest-wait",
        write=values.write_backoff,
    )
    limit_source: tuple[Rate, ...] = setting(
        values.rates, "10/5m 50/1h", "Wrong attempts per client address (IPv6 by /64).", **_RATES
    )
    limit_sends: tuple[Rate, ...] = setting(
        values.rates, "3/10m 5/1h", "Text messages and calls per phone number.", **_RATES
    )
    limit_sends_account: tuple[Rate, ...] = setting(values.rates, "10/1d", "Unused codes sent per account.", **_RATES)
    limit_sends_source: tuple[Rate, ...] = setting(
        values.rates, "10/1h", "Unused codes sent per client address (IPv6 by /64).", **_RATES
    )
    limit_mails: tuple[Rate, ...] = setting(
        values.rates, "3/1h 10/1d", "Password reset and verification emails per address.", **_RATES
    )
    limit_sign_ups: tuple[Rate, ...] = setting(
        values.rates, "60/1h", "Sign-ups and password reset requests per client address.", **_RATES
    )
    keep_events: int = setting(values.days, "365d", "Events older than this are deleted.", **_DURATION)
    trusted_proxies: tuple[Network, ...] = setting(
        addresses.networks,
        "none",
        "Networks whose X-Forwarded-For is trusted (rightmost untrusted hop). Forwarding headers from other "
        "addresses are ignored, logged and reported by `twofold doctor`.",
        form="networks such as 10.0.0.0/8 or fd00::/8",
        write=_list,
        derive=lambda _: (),
    )
    gate_hosts: str = setting(
        str,
        "none",
        "Hosts of applications behind the gate whose every path needs a sign-in; * stands for one label.",
        form="app.example.org *.apps.example.org",
        write=lambda text: text or "none",
        derive=lambda _: "",
    )
    gate_rules: str = setting(
        str,
        "none",
        "Rules of the gate, as [[rules]] tables; the first that matches decides. In the configuration file, "
        "[[gate.rules]].",
        form="TOML",
        write=lambda text: "set" if text else "none",
        derive=lambda _: "",
    )
    gate_apps: str = setting(
        str,
        "none",
        "Applications on the start page, as [[apps]] tables. In the configuration file, [[gate.apps]].",
        form="TOML",
        write=lambda text: "set" if text else "none",
        derive=lambda _: "",
    )
    log: Literal["text", "json"] | None = setting(
        values.choice("text", "json"),  # type: ignore[arg-type]
        "text on a terminal, else json",
        "The format of log lines.",
        form="text | json",
        write=lambda form: form or "text on a terminal, else json",
        derive=lambda _: None,
    )
