"""The composition root: open the database and keys, and build the parts that features use."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from twofold.accounts import composed, earlier_addresses
from twofold.accounts.usernames.actions import open_usernames
from twofold.accounts.usernames.rules import UsernameKey
from twofold.base import clock as clocks
from twofold.base.clock import Clock
from twofold.base.database import Database, open_database
from twofold.base.database.checks import durability
from twofold.base.database.clock_guard import ClockGuard
from twofold.base.database.migrate import NewerDatabase, migrate
from twofold.base.feature import Features
from twofold.base.keystore import open_keyring
from twofold.base.languages import Languages
from twofold.base.outbox import DeliveryPort
from twofold.base.passwords import PasswordPool
from twofold.base.sightings import Sightings
from twofold.base.site import Site
from twofold.base.turns import Turns
from twofold.base.web.context import Banners, Leaving
from twofold.base.web.cookies import CookieNames
from twofold.base.web.routes import Page, Pages
from twofold.base.web.static import StaticFiles
from twofold.base.web.templates import Templates
from twofold.config import PREFIX, Config, ConfigError
from twofold.couriers.channel import build_channels
from twofold.couriers.contract import DriverContext, Mailbox
from twofold.couriers.sender import Sender
from twofold.features import DRIVERS, FEATURES
from twofold.sessions.last_use import LastUse

_log = logging.getLogger("twofold")


async def build_site(
    config: Config, *, clock: Clock = clocks.now, serving: bool = False, create: bool = True, turns: Turns | None = None
) -> Site:
    """Open database and keys, migrate, and put the parts together.

    `serving` claims a SQLite file for this process. A missing data directory is created only with `create`.

    Raise ConfigError, CannotOpen, AlreadyServed, KeyFileError, NewerDatabase.
    """
    if found := [f"{PREFIX}{name.upper()} {sentence}." for name, sentence in FEATURES.faults(config)]:
        raise ConfigError(*found)
    if create:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = await open_database(config.database_url, serving=serving, connections=config.database_connections)
    try:
        await _migrate(db, joining=turns is not None)
        await earlier_addresses.decide(db, mail_is_delivered=config.mails_links)
        keys = await open_keyring(config, db, clock())
        username_key = await open_usernames(db, keys)
        if serving:
            await _warn_of_losses(db)
    except BaseException:
        await db.close()
        raise
    if serving and db.dialect == "postgres":
        db = ClockGuard(db)
        await db.check()
    cost = config.password_hash
    passwords = PasswordPool(memory_kib=cost.memory_cost, passes=cost.time_cost, lanes=cost.parallelism, turns=turns)
    static = StaticFiles(config.base_path)
    parts: dict[type[Any], Any] = {
        StaticFiles: static,
        Templates: Templates(config, static, FEATURES.problem_links),
        CookieNames: CookieNames(config, FEATURES.cookies),
        Languages: Languages(),
        Banners: Banners(FEATURES.banners),
        Pages: Pages.of(FEATURES.routes),
        Leaving: Leaving(each.path for each in FEATURES.routes if isinstance(each, Page) and each.leaves),
        Features: FEATURES,
        Sightings: Sightings(FEATURES.remedies),
        Mailbox: Mailbox(),
        UsernameKey: username_key,
        **FEATURES.parts(config, keys),
    }
    site = Site(config, db, keys, passwords, clock, parts)
    sender = Sender(site, build_channels(DriverContext(config, clock, parts[Mailbox]), DRIVERS))
    parts |= {Sender: sender, DeliveryPort: DeliveryPort(sender.wake, sender.outcome, sender.health)}
    return site


async def _migrate(db: Database, *, joining: bool) -> None:
    try:
        if await migrate(db, finish=composed.compose):
            for sentence in await db.read_long(composed.clashes):
                _log.warning("%s", sentence)
    except NewerDatabase:
        if not joining:
            raise
        _log.warning(
            "a newer version of Twofold has migrated the database: this process keeps running, but this version "
            "cannot start again"
        )


async def _warn_of_losses(db: Database) -> None:
    for found in await durability(db):
        if not found.ok and found.severity == "fail":
            _log.error("the database may lose confirmed changes: %s is %s; turn it on", found.name, found.value)


async def close_site(site: Site) -> None:
    """Save what is still only in memory, and close everything."""
    await site.part(Sender).close()
    await save_recorded(site)
    site.passwords.close()
    await site.db.close()


async def save_recorded(site: Site) -> None:
    """Save what is recorded only in memory."""
    await site.part(LastUse).write(site.db)
    await site.part(Sightings).write(site.db)


@asynccontextmanager
async def open_site(config: Config, *, serving: bool = False, create: bool = True) -> AsyncIterator[Site]:
    """Build a site and close it afterwards; by default next to a running service, as for the command line."""
    site = await build_site(config, serving=serving, create=create)
    try:
        yield site
    finally:
        await close_site(site)
