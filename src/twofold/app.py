"""Twofold as one ASGI application."""

import asyncio
import logging
import time
from functools import partial
from typing import Self

from starlette.types import Receive, Scope, Send

from twofold.assembly import build_site
from twofold.base import clock as clocks
from twofold.base.clock import Clock
from twofold.base.problems import Problem, Unavailable
from twofold.base.turns import Turns
from twofold.base.unit_of_work import COMMAND_LINE, Runner
from twofold.base.visitor import Visitor
from twofold.base.web.cookies import SESSION, CookieNames, Cookies
from twofold.base.web.paths import mounted, path_of
from twofold.base.web.refusals import unexpected_error
from twofold.base.web.unrouted import Outgoing, answer_unrouted
from twofold.config import Config
from twofold.running import ROUTES, Running
from twofold.sessions.actions import recognise
from twofold.signup.actions import first_administrator_link

_log = logging.getLogger("twofold")
_OPEN_AGAIN_AFTER = 1  # second, so that not every waiting request tries to open it


class Twofold:
    """An ASGI application. It opens at the first request, and closes with `async with` or lifespan."""

    def __init__(self, config: Config, *, clock: Clock = clocks.now, turns: Turns | None = None) -> None:
        """Create an application; workers of one node share `turns`, and keep serving after others have migrated."""
        self.config = config
        self._joining = turns is not None
        self._build = partial(build_site, config, clock=clock, serving=True, turns=turns)
        self._opening = asyncio.Lock()
        self._open: Running | None = None
        self._not_before = 0.0
        self.stopping = False  # set by a server before it cancels requests, so that they are answered

    async def open(self) -> Self:
        """Open database and keys, migrate, build the routes.

        Raise ConfigError, CannotOpen, KeyFileError, NewerDatabase.
        """
        async with self._opening:
            if self._open is None:
                if time.monotonic() < self._not_before:
                    raise Unavailable
                try:
                    site = await self._build()
                except Unavailable:
                    self._not_before = time.monotonic() + _OPEN_AGAIN_AFTER
                    raise
                self._open = Running(site)
        return self

    async def close(self) -> None:
        """Save what is still only in memory, and close everything."""
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
            await self._answer(mounted(scope, self.config.base_path), receive, Outgoing(send))
        else:
            await send({"type": "websocket.close", "code": 1000})

    @property
    def system(self) -> Runner:
        """Run actions as the operator; the application must be open."""
        assert self._open is not None  # noqa: S101 - only programs that have opened it use this
        return Runner(self._open.site, COMMAND_LINE)

    async def visitor(self, scope: Scope) -> Visitor | None:
        """Return the visitor who sent a request to another application, or None without a session, in one read."""
        await self.open()
        token = Cookies(self.system.site.part(CookieNames), scope["headers"]).get(SESSION)
        return await recognise(self.system, token)

    async def first_administrator_link(self) -> str | None:
        """Create the link for the first administrator, which replaces an older one; return None once there is one.

        Do nothing, and return None, while this clock and the database's differ.
        """
        if self._open is not None and not self._open.clocks_agree():
            return None
        token = await self.system.write(first_administrator_link)
        return f"{self.config.base_url}/setup/{token}" if token else None

    async def _answer(self, scope: Scope, receive: Receive, send: Outgoing) -> None:
        problem: Problem
        try:
            opened = self._open or (await self._opened())
            await opened.answer(scope, receive, send)
            if not send.begun:
                raise RuntimeError("the route sent no answer")  # noqa: TRY301 - answered like any other error
        except asyncio.CancelledError:
            if not self.stopping or send.begun:
                raise  # a host application that cancels a request answers it itself
            problem = Unavailable()
        except Exception as error:
            if send.begun:
                raise
            problem = error if isinstance(error, Unavailable) else unexpected_error(path_of(scope))
        else:
            return
        for_programs = ROUTES.for_programs(scope)
        await answer_unrouted(problem, scope, receive, send, secure=self.config.secure, for_programs=for_programs)

    async def _opened(self) -> Running:
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
                    _log.warning("the database is unavailable: this worker starts when it is back")
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
