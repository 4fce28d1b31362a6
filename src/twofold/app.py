"""The composition root: settings become a database, keys, rooms and one ASGI application."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

from starlette.types import ASGIApp, Receive, Scope, Send

from twofold.audit.actions import Listeners
from twofold.base import clock as clocks
from twofold.base.acts import COMMAND_LINE, Acts
from twofold.base.clock import Clock
from twofold.base.database import Database, open_database
from twofold.base.database.checks import durability
from twofold.base.database.migrate import NewerDatabase, migrate
from twofold.base.database.same_time import SameTime
from twofold.base.housekeeping import BEGIN_AFTER, clear_out, every
from twofold.base.keystore import open_keyring
from twofold.base.languages import Languages
from twofold.base.outbox import Carrier
from twofold.base.passwords import PasswordPool
from twofold.base.problems import Unavailable
from twofold.base.sightings import Sightings
from twofold.base.site import Site
from twofold.base.visitor import Visitor
from twofold.base.web.ask import Doors
from twofold.base.web.away import answer_unavailable
from twofold.base.web.cookies import SESSION, Cookies
from twofold.base.web.documents import documents
from twofold.base.web.headers import SecurityHeaders
from twofold.base.web.health import Health
from twofold.base.web.paths import mounted, path_of
from twofold.base.web.router import make_router
from twofold.base.web.routes import Pages
from twofold.base.web.static import StaticFiles
from twofold.base.web.templates import Templates
from twofold.config import PREFIX, Config, ConfigError
from twofold.couriers.contract import Around, Mailbox
from twofold.couriers.line import lines
from twofold.couriers.sender import Sender
from twofold.factors.actions import has_unsaved_code
from twofold.factors.contract import Kinds
from twofold.rooms import CARDS, DRIVERS, HOOKS, LISTENERS, NEEDS, ROUTES, faults, kinds, over
from twofold.sessions import check
from twofold.sessions.actions import admit, identify, note_refusal, require
from twofold.sessions.last_use import LastUse
from twofold.settings.pages import Cards
from twofold.signup.actions import first_administrator_link

_log = logging.getLogger("twofold")
_WRITE_EVERY = 20  # seconds between two batches of last uses
_CLEAR_OUT_EVERY = 600
_LOOK_EVERY = 5  # seconds between two looks at the clocks
_OPEN_AGAIN_AFTER = 1  # second: those who wait while it cannot be opened do not each try


class Twofold:
    """An ASGI application; it opens at the first request, and closes with `async with` or lifespan."""

    def __init__(self, config: Config, *, clock: Clock = clocks.now, joining: bool = False) -> None:
        """`joining`: this process is one of several of a node that runs; it serves on though others have migrated."""
        self.config = config
        self._clock = clock
        self._joining = joining
        self._opening = asyncio.Lock()
        self._open: _Open | None = None
        self._not_before = 0.0

    async def open(self) -> Self:
        """Open database and keys, migrate, build the routes.

        Raises ConfigError, CannotOpen, KeyFileError, NewerDatabase.
        """
        async with self._opening:
            if self._open is None:
                if time.monotonic() < self._not_before:
                    raise Unavailable
                try:
                    site = await build_site(self.config, clock=self._clock, serving=True, joining=self._joining)
                except Unavailable:
                    self._not_before = time.monotonic() + _OPEN_AGAIN_AFTER
                    raise
                self._open = _Open(site)
        return self

    async def close(self) -> None:
        """Write what is still noted in memory and let go of everything."""
        if self._open is not None:
            opened, self._open = self._open, None
            await opened.close()

    async def __aenter__(self) -> Self:
        """Open."""
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or follow the server's lifespan."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            try:
                opened = self._open or (await self._opened())
            except Unavailable:
                await answer_unavailable(scope, receive, send)
                return
            await opened.answer(mounted(scope, self.config.base_path), receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    @property
    def acts(self) -> Acts:
        """Run actions as the operator; the application must be open."""
        assert self._open is not None  # noqa: S101 - only programs that opened it ask for this
        return Acts(self._open.site, COMMAND_LINE)

    async def visitor(self, scope: Scope) -> Visitor | None:
        """Tell who asks in another application's request: who, how proven, how fresh; None if nobody. One read."""
        await self.open()
        token = Cookies(self.config, scope["headers"]).get(SESSION)
        return await self.acts.read(identify, token)

    async def first_administrator_link(self) -> str | None:
        """Make the link that creates the first administrator; None once there is one. The older link dies.

        None, too, while this clock and the database's disagree: then nothing is done at all.
        """
        if self._open is not None and not self._open.clocks_agree():
            return None
        token = await self.acts.write(first_administrator_link)
        return f"{self.config.base_url}/setup/{token}" if token else None

    async def _opened(self) -> "_Open":
        await self.open()
        assert self._open is not None  # noqa: S101 - open() just set it
        return self._open

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.open()
                except Exception as error:  # noqa: BLE001 - the server prints the sentence and stops
                    if not (self._joining and isinstance(error, Unavailable)):
                        await send({"type": "lifespan.startup.failed", "message": str(error)})
                        return
                    _log.warning("the database is away: this worker opens when it is back")
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def build_site(
    config: Config, *, clock: Clock = clocks.now, serving: bool = False, joining: bool = False
) -> Site:
    """Open database and keys, and put the parts together; `serving` claims a SQLite file for this process.

    Raises ConfigError, CannotOpen, AlreadyServed, KeyFileError, NewerDatabase.
    """
    if found := [f"{PREFIX}{name.upper()} {sentence}." for name, sentence in faults(config)]:
        raise ConfigError(*found)
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = await open_database(config.database_url, serving=serving, connections=config.database_connections)
    try:
        await _migrate(db, joining=joining)
        keys = await open_keyring(config, db, clock())
        if serving:
            await _warn_of_losses(db)
    except BaseException:
        await db.close()
        raise
    if serving and db.dialect == "postgres":
        db = SameTime(db)
        await db.look()
    cost = config.password_hash
    passwords = PasswordPool(memory_kib=cost.memory_cost, passes=cost.time_cost, lanes=cost.parallelism)
    static = StaticFiles(config.base_path)
    parts: dict[type[Any], Any] = {
        StaticFiles: static,
        Templates: Templates(config, static),
        Languages: Languages(),
        Doors: Doors(identify, require, admit, note_refusal, has_unsaved_code),
        Pages: Pages.of(ROUTES),
        Cards: Cards(CARDS),
        Listeners: Listeners(LISTENERS),
        Kinds: kinds(config, keys),
        LastUse: LastUse(),
        Sightings: Sightings(),
        Mailbox: Mailbox(),
    }
    site = Site(config, db, keys, passwords, clock, parts)
    sender = Sender(site, lines(Around(config, clock, parts[Mailbox]), DRIVERS))
    parts |= {Sender: sender, Carrier: Carrier(sender.wake, sender.outcome, sender.health)}
    return site


async def _migrate(db: Database, *, joining: bool) -> None:
    try:
        await migrate(db)
    except NewerDatabase:
        if not joining:
            raise
        _log.warning("a newer Twofold has migrated the database: this one goes on, and cannot be started again")


async def _warn_of_losses(db: Database) -> None:
    for found in await durability(db):
        if not found.ok and found.weight == "fail":
            _log.error("the database may lose what it acknowledged: %s is %s; switch it on", found.name, found.value)


async def close_site(site: Site) -> None:
    """Write what is still noted in memory and let go of everything."""
    await site.part(Sender).close()
    await _write_notes(site)
    site.passwords.close()
    await site.db.close()


async def _write_notes(site: Site) -> None:
    await site.part(LastUse).write(site.db)
    await site.part(Sightings).write(site.db)


@asynccontextmanager
async def open_site(config: Config, *, serving: bool = False) -> AsyncIterator[Site]:
    """Work for a while, by default beside a running service, as the command line does."""
    site = await build_site(config, serving=serving)
    try:
        yield site
    finally:
        await close_site(site)


class _Open:
    """What is open while Twofold runs."""

    def __init__(self, site: Site) -> None:
        self.site = site
        health = Health(site, self._look_at_clocks)
        plain = {"/healthz": health.alive, "/readyz": health.ready, **documents(site, ROUTES, NEEDS)}
        hooks = {path: make(site) for path, make in HOOKS.items()}
        router = make_router(ROUTES, plain, hooks, site)
        self._routes: ASGIApp = SecurityHeaders(router, secure=site.config.secure)
        self._session_check = check.SessionCheck(site)
        tasks = [
            self._warm_up(),
            every(_WRITE_EVERY, partial(_write_notes, site)),
            every(_CLEAR_OUT_EVERY, partial(clear_out, site, over(site.config))),
        ]
        if isinstance(site.db, SameTime):
            tasks.append(every(_LOOK_EVERY, site.db.look))
        self._tasks = [asyncio.create_task(task) for task in tasks]
        site.part(Sender).start()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if path_of(scope) == check.PATH and scope["method"] in ("GET", "HEAD"):
            await self._session_check(scope, receive, send)
        else:
            await self._routes(scope, receive, send)

    def clocks_agree(self) -> bool:
        return not isinstance(self.site.db, SameTime) or self.site.db.agrees

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close_site(self.site)

    async def _warm_up(self) -> None:
        await asyncio.sleep(BEGIN_AFTER)
        try:
            await asyncio.to_thread(self.site.part(Templates).warm_up)
        except Exception:  # noqa: BLE001 - whoever asks for the page is told, too
            _log.exception("a template is broken")

    async def _look_at_clocks(self) -> bool:
        return await self.site.db.look() if isinstance(self.site.db, SameTime) else True
