"""Granian on the event loop of this process: a server for each address, since one listens on one address only."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterable

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twofold.cli.listening import in_use
from twofold.cli.output import Failed

_log = logging.getLogger("twofold")
DRAIN = 8  # seconds for requests in progress at the stop; container runtimes send SIGKILL after 10
LOGS = {  # no handlers for Granian: its lines go through the root logger
    "formatters": {},
    "handlers": {},
    "loggers": {
        "_granian": {"handlers": [], "propagate": True},
        "granian.access": {"handlers": [], "propagate": False},
    },
}
HTTP1 = HTTP1Settings(header_read_timeout=10_000, max_buffer_size=64 * 1024)


class Servers:
    """The servers of one application, which start and stop together."""

    def __init__(self, app: ASGIApp, addresses: Iterable[str], port: int) -> None:
        self._servers = [embedded(app, address, port) for address in addresses]

    async def serve(self) -> None:
        """Serve until `stop`. Raise TimeoutError if requests took longer than DRAIN, Failed if a port is in use."""
        ended = await asyncio.gather(*map(self._serve, self._servers), return_exceptions=True)
        for error in filter(None, ended):
            raise error

    def stop(self) -> None:
        """Accept no more connections, and finish the requests in progress."""
        for server in self._servers:
            server.stop()  # type: ignore[no-untyped-call]

    async def _serve(self, server: Server) -> None:
        try:
            await server.serve()
        except RuntimeError as error:  # Granian's, if a program took the port since it was checked
            self.stop()
            raise Failed(in_use(server.bind_addr, server.bind_port)) from error


def embedded(app: ASGIApp, host: str, port: int) -> Server:
    """Return a Granian server for an application, in this process and on its event loop."""
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,  # the caller opens and closes the application
        http=HTTPModes.http1,
        http1_settings=HTTP1,
        websockets=False,
        backlog=1024,
        log_level=LogLevels.error,
        log_dictconfig=LOGS,
    )
    server.workers_kill_timeout = DRAIN
    return server


def beside(app: ASGIApp, servers: Servers) -> ASGIApp:
    """Return an application that runs `servers` while another server, whose lifespan it follows, runs it."""
    tasks: list[asyncio.Task[None]] = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_start(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                tasks.append(asyncio.create_task(_serve_or_end(servers)))
            await send(message)

        async def stop_and_receive() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                servers.stop()
                await asyncio.gather(*tasks)
            return message

        if scope["type"] == "lifespan":
            await app(scope, stop_and_receive, send_and_start)
        else:
            await app(scope, receive, send)

    return answer


async def _serve_or_end(servers: Servers) -> None:
    """Serve, or end this process if it cannot: Granian replaces it, or gives up."""
    try:
        await servers.serve()
    except Failed as error:
        _log.error("this worker ends: %s", error)
        os.kill(os.getpid(), signal.SIGINT)
