"""The checks of the database: reachability, schema, durability and clock, and those of the features."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import time

from twofold.base.clock import rfc3339
from twofold.base.database import CannotOpen, Database, open_database
from twofold.base.database.checks import MAX_DATABASE_SKEW, clock_skew, durability
from twofold.base.database.migrate import status
from twofold.base.keystore import known_keys
from twofold.base.problems import Unavailable
from twofold.base.sightings import last_seen
from twofold.cli.doctor.findings import Finding
from twofold.cli.doctor.keys import check_keys
from twofold.config import Config
from twofold.config.postgres import PostgresUrl
from twofold.features import FEATURES

_DAY = 86_400


async def check_database(config: Config) -> AsyncIterator[Finding]:
    """Check the database, and the keys against it."""
    if config.sqlite_path and not config.sqlite_path.exists():
        yield Finding("warn", "database", f"{config.sqlite_path} does not exist yet: `twofold serve` creates it.")
        yield check_keys(config, {})
        return
    if not config.sqlite_path and (tls := _tls(PostgresUrl.of(config.database_url))):
        yield tls
    try:
        async with _opened(config) as db:
            schema = await status(db)
            yield _schema(schema.current, schema.known)
            for check in await durability(db):
                state = "ok" if check.ok else check.severity
                text = _durability_text(check.name, check.value, ok=check.ok)
                yield Finding(state, f"durability: {check.name}", text)
            yield _clock(config, await clock_skew(db))
            yield check_keys(config, await db.read(known_keys) if schema.current else {})
            if schema.current == schema.known:
                for name, remedy in FEATURES.remedies.items():
                    if sighting := await db.read(last_seen, name):
                        yield _sighting(*sighting, remedy)
                for check_feature in FEATURES.checks:
                    for checked in await check_feature(config, db, int(time())):
                        yield Finding(*checked)
    except Unavailable as error:
        sentence = (
            str(error) if isinstance(error, CannotOpen) else "No answer: check that it is running and not locked."
        )
        yield Finding("fail", "database", sentence)


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Database]:
    db = await open_database(config.database_url, serving=False, connections=1)
    try:
        yield db
    finally:
        await db.close()


def _tls(url: PostgresUrl) -> Finding | None:
    """Return a warning if the operator's sslmode does not verify the certificate of another machine."""
    if (
        url.is_local
        or url.sslmode.startswith("verify")
        or (url.sslmode == "require" and url.options.get("sslrootcert"))
    ):
        return None
    weakness = "the certificate is not verified" if url.sslmode == "require" else "TLS is not required"
    return Finding(
        "warn",
        "database TLS",
        f"With sslmode={url.sslmode}, {weakness} for {url.shown}: an attacker on the network can read and change the"
        " database. Use sslmode=verify-full with sslrootcert.",
    )


def _sighting(peer: str, at: int, remedy: str) -> Finding:
    return Finding("warn", "forwarding", f"{peer} {remedy} (last seen {rfc3339(at)}).")


def _schema(current: int, known: int) -> Finding:
    if current > known:
        return Finding(
            "fail", "database", f"Version {current} is newer than this Twofold, which knows {known}: update Twofold."
        )
    if current < known:
        return Finding(
            "warn", "database", f"Version {current} of {known}: run `twofold migrate`, or restart the service."
        )
    return Finding("ok", "database", f"Available, version {current}.")


def _durability_text(name: str, value: str, *, ok: bool) -> str:
    if ok:
        return f"{value}."
    if name == "sqlite version":
        return f"{value} can corrupt a database with two writers. Twofold uses one, but 3.51.3 or later is safer."
    return f"{value}: a power cut could lose confirmed changes. Switch it on."


def _clock(config: Config, skew: float) -> Finding:
    if abs(skew) > MAX_DATABASE_SKEW:
        side = "behind" if skew > 0 else "ahead of"
        return Finding(
            "fail", "clock", f"This clock is {abs(skew):.0f} seconds {side} the database's: synchronise both."
        )
    last = max(path.stat().st_mtime for path in (Path(__file__), config.sqlite_path or Path(__file__)))
    if time() < last - _DAY:
        return Finding(
            "fail",
            "clock",
            "It is earlier than the last change to Twofold's files, so codes will be rejected. Set the clock.",
        )
    return Finding("ok", "clock", "Plausible. Keep it synchronised (NTP), or authenticator codes are rejected.")
