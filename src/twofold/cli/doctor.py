"""`twofold doctor`: looks at everything that must be right around the service, changes nothing, and says what to do.

Each line is ok, warn (it works, and could hurt) or fail (it does not work, or is not safe). One fail: exit status 1.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import time
from typing import Literal, NamedTuple

import click

from twofold.base import clock as clocks
from twofold.base.clock import rfc3339
from twofold.base.database import CannotOpen, Database, open_database
from twofold.base.database.checks import MOST_SKEW, clock_skew, durability
from twofold.base.database.migrate import status
from twofold.base.keys import KeyFileError, Keyring, read_key_file
from twofold.base.keystore import KEY_FILE, known_keys
from twofold.base.problems import Unavailable
from twofold.base.sightings import IGNORED_FORWARDING, last_seen, seen_since
from twofold.cli.output import json_option, print_columns, print_json
from twofold.config import PREFIX, Config, ConfigError
from twofold.config.couriers import shown
from twofold.couriers.contract import Around, Failed
from twofold.couriers.registry import channels
from twofold.couriers.registry import driver as make
from twofold.factors.spending.notices import CLOSED
from twofold.factors.spending.rules import CLOSED as CLOSED_FOR
from twofold.factors.spending.rules import Told, told_of
from twofold.factors.spending.store import sent_today
from twofold.rooms import DRIVERS, read_settings

_NETWORKED = {"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "9p"}
_DAY = 86_400
_COURIER_WITHIN = 5  # seconds
_FEW_BYTES = 8  # 32 random bytes with fewer different ones do not happen


class Finding(NamedTuple):
    """One line: `ok`, `warn` or `fail`, what was looked at, and a sentence."""

    status: Literal["ok", "warn", "fail"]
    name: str
    text: str


@click.command("doctor")
@json_option
def command(*, as_json: bool) -> None:
    """Look at settings, data directory, database, durability, clock, keys, proxies and couriers."""
    findings = asyncio.run(_examine())
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        print_columns(findings)
    if any(finding.status == "fail" for finding in findings):
        raise SystemExit(1)


async def _examine() -> list[Finding]:
    try:
        config, _ = read_settings(os.environ)
    except ConfigError as error:
        return [Finding("fail", "settings", fault) for fault in error.faults]
    findings = [Finding("ok", "settings", f"They are sound; the public address is {config.base_url}.")]
    findings += [*_data_dir(config), *_proxies(config)]
    findings += [finding async for finding in _couriers(config)]
    findings += [finding async for finding in _database(config)]
    return findings


def _data_dir(config: Config) -> Iterator[Finding]:
    folder = config.data_dir
    if not folder.is_dir():
        yield Finding("warn", "data directory", f"There is no {folder} yet: `twofold serve` makes it.")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("fail", "data directory", f"{folder} cannot be written by this user: change its owner.")
    elif mode & 0o077:
        yield Finding("warn", "data directory", f"{folder} is open to others: run `chmod 700 {folder}`.")
    else:
        yield Finding("ok", "data directory", f"{folder} belongs to this user alone.")
    kind = _file_system(config.sqlite_path.parent) if config.sqlite_path else None
    if kind in _NETWORKED:
        yield Finding("fail", "file system", f"SQLite is not safe on a network file system ({kind}): use a local disk.")


def _file_system(folder: Path) -> str | None:
    """Name the kind of file system that holds a folder, where Linux tells it."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    kinds = {mount.split()[4]: mount.partition(" - ")[2].split()[0] for mount in mounts}
    resolved = folder.resolve()
    return next((kinds[str(place)] for place in (resolved, *resolved.parents) if str(place) in kinds), None)


def _proxies(config: Config) -> Iterator[Finding]:
    if config.trusted_proxies:
        trusted = ", ".join(map(str, config.trusted_proxies))
        yield Finding("ok", "proxies", f"X-Forwarded-For is believed from {trusted}, and from nobody else.")
    elif config.secure:
        yield Finding(
            "warn",
            "proxies",
            "The public address is https, so a proxy stands in front; unless TWOFOLD_TRUSTED_PROXIES names it,"
            " all clients share its address and its limits.",
        )
    else:
        yield Finding("ok", "proxies", "None is trusted: forwarding headers are ignored.")


async def _couriers(config: Config) -> AsyncIterator[Finding]:
    around = Around(config, clocks.now)
    for channel, urls in channels(config).items():
        found = [await _courier(channel, url, around) for url in urls]
        if found:
            states = {finding.status for finding in found}
            worst = states.pop() if len(states) == 1 else "warn"  # one that works is enough
            yield Finding(worst, channel, " ".join(finding.text for finding in found))
        else:
            yield Finding("ok", channel, f"Not set up and not offered; {PREFIX}{channel.upper()}_URL sets it up.")


async def _courier(channel: str, url: str, around: Around) -> Finding:
    """Look whether one courier is there and knows us; nothing is sent."""
    driver = make(url, channel, around, DRIVERS)
    try:
        async with asyncio.timeout(_COURIER_WITHIN):
            look = await driver.check()
    except (Failed, TimeoutError) as error:
        said = str(error) or f"it did not answer within {_COURIER_WITHIN} seconds"
        return Finding("fail", channel, f"{shown(url)} cannot be used: {said}.")
    except Exception as error:  # noqa: BLE001 - its text may hold what stands in the address
        return Finding("fail", channel, f"{shown(url)} cannot be used: {type(error).__name__}.")
    finally:
        await driver.close()
    return Finding("ok" if look.well else "warn", channel, f"{shown(url)} {look.text}")


async def _database(config: Config) -> AsyncIterator[Finding]:
    if config.sqlite_path and not config.sqlite_path.exists():
        yield Finding("warn", "database", f"There is none at {config.sqlite_path} yet: `twofold serve` makes it.")
        yield _keys(config, {})
        return
    try:
        async with _opened(config) as db:
            found = await status(db)
            yield _schema(found.current, found.known)
            for check in await durability(db):
                good = "ok" if check.ok else check.weight
                yield Finding(good, f"durability: {check.name}", _durability_text(check.name, check.value, ok=check.ok))
            yield _clock(config, await clock_skew(db))
            yield _keys(config, await db.read(known_keys) if found.current else {})
            if found.current == found.known:
                if seen := await db.read(last_seen, IGNORED_FORWARDING):
                    yield _ignored(*seen)
                if config.sms_url or config.voice_url:
                    yield _sending(await db.read(sent_today, int(time())), config.send_budget)
                    for closed in await db.read(seen_since, CLOSED, int(time()) - CLOSED_FOR):
                        yield _closed(*closed)
    except Unavailable as error:
        sentence = str(error) if isinstance(error, CannotOpen) else "It does not answer: is it running, and not locked?"
        yield Finding("fail", "database", sentence)


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Database]:
    db = await open_database(config.database_url, serving=False, connections=1)
    try:
        yield db
    finally:
        await db.close()


def _ignored(peer: str, at: int) -> Finding:
    return Finding(
        "warn",
        "forwarding",
        f"{peer} sent forwarding headers at {rfc3339(at)}, which were ignored: if it is your proxy, name it in"
        f" {PREFIX}TRUSTED_PROXIES.",
    )


def _sending(sent: int, budget: int) -> Finding:
    told = told_of(sent, budget)
    end = "" if told is Told.NOTHING else f": when all are, sending stops until midnight UTC; see {PREFIX}SEND_BUDGET"
    return Finding("warn" if told else "ok", "sending", f"{sent} of at most {budget} codes were sent today{end}.")


def _closed(detail: str, at: int) -> Finding:
    end = rfc3339(at + CLOSED_FOR)
    return Finding(
        "warn", "sending", f"It looks like fraud, so new numbers like these get no codes until {end}: {detail}."
    )


def _schema(current: int, known: int) -> Finding:
    if current > known:
        return Finding("fail", "database", f"It has version {current}, this Twofold knows {known}: use the newer one.")
    if current < known:
        return Finding(
            "warn", "database", f"It has version {current} of {known}: `serve` or `migrate` brings the rest."
        )
    return Finding("ok", "database", f"It answers and has version {current}.")


def _durability_text(name: str, value: str, *, ok: bool) -> str:
    if ok:
        return f"{value}."
    if name == "sqlite version":
        return f"{value} can damage a database under two writers; Twofold uses one, and 3.51.3 or later is safer."
    return f"{value}: an answered change could be lost in a power cut; switch it on."


def _clock(config: Config, skew: float) -> Finding:
    if abs(skew) > MOST_SKEW:
        way = "behind" if skew > 0 else "ahead of"
        return Finding(
            "fail", "clock", f"This clock is {abs(skew):.0f} seconds {way} the database's: synchronise both."
        )
    last = max(path.stat().st_mtime for path in (Path(__file__), config.sqlite_path or Path(__file__)))
    if time() < last - _DAY:
        return Finding(
            "fail", "clock", "It shows a time before the last change of our files: codes will not fit. Set it."
        )
    return Finding("ok", "clock", "It is plausible; authenticator codes also need it synchronised (NTP).")


def _keys(config: Config, checks: dict[str, str]) -> Finding:
    """Compare the keys in force with what the database remembers of the ones it was written with."""
    try:
        keys = config.secret_keys or read_key_file(config.data_dir / KEY_FILE)
    except KeyFileError as error:
        return Finding("fail", "keys", str(error))
    if not keys:
        if checks:
            return Finding("fail", "keys", "The keys that this database was written with are missing: restore them.")
        return Finding("warn", "keys", "There are none yet: `twofold serve` makes them in the data directory.")
    return _compare(keys, checks)


def _compare(keys: Sequence[tuple[str, bytes]], checks: dict[str, str]) -> Finding:
    ring = Keyring(keys)
    wrong = [key_id for key_id, check in checks.items() if key_id in ring.ids and ring.key_check(key_id) != check]
    if wrong:
        return Finding("fail", "keys", f"Not the ones that this database was written with: {', '.join(wrong)}.")
    if checks and not set(checks) & set(ring.ids):
        return Finding("fail", "keys", f"None of them belongs to this database, which knows {', '.join(checks)}.")
    if missing := sorted(set(checks) - set(ring.ids)):
        return Finding(
            "warn", "keys", f"Older keys are missing, what they sealed cannot be read: {', '.join(missing)}."
        )
    if any(len(set(key)) < _FEW_BYTES for _, key in keys):
        return Finding("warn", "keys", "One of them does not look random: make 32 bytes with a generator.")
    return Finding("ok", "keys", f"In force, newest first: {', '.join(ring.ids)}.")
