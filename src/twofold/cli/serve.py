"""`twofold serve`: makes what is missing, migrates, says where the pages are, and serves until it is told to stop.

One process by default, with Granian inside it. Several only with PostgreSQL: SQLite has one writing process.
"""

import asyncio
import logging
import os
import signal
import socket
from functools import partial

import click
import uvloop
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from twofold.app import Twofold
from twofold.base.logs import set_up_logging
from twofold.cli import door
from twofold.cli.output import Failed
from twofold.config import PREFIX, Config, ConfigError
from twofold.dev import rules as dev
from twofold.rooms import read_settings

_log = logging.getLogger("twofold")
_DRAIN = 8  # seconds for requests under way when told to stop; container runtimes kill after 10
_LOGS = {  # no handlers of Granian's own: its lines go through ours
    "formatters": {},
    "handlers": {},
    "loggers": {
        "_granian": {"handlers": [], "propagate": True},
        "granian.access": {"handlers": [], "propagate": False},
    },
}
_HTTP1 = HTTP1Settings(header_read_timeout=10_000, max_buffer_size=64 * 1024)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="With PostgreSQL only.")
def command(host: str, port: int, workers: int) -> None:
    """Make what is missing, migrate, and serve until Ctrl-C or SIGTERM."""
    config, places = read_settings(os.environ, port=port)
    if workers > 1 and config.database_url.startswith("sqlite:"):
        raise Failed(
            "SQLite has one writing process: serve with --workers 1, or set TWOFOLD_DATABASE_URL to PostgreSQL."
        )
    _refuse_taken(host, port)
    set_up_logging(config.log)
    if workers == 1:
        uvloop.run(_serve(config, host, port))
    else:
        uvloop.run(_prepare(config, host, port))
        if places["base_url"] == "default":  # the workers read the settings anew and do not know the port
            os.environ[f"{PREFIX}BASE_URL"] = config.base_url
        if places["database_connections"] == "default":
            os.environ[f"{PREFIX}DATABASE_CONNECTIONS"] = str(max(2, config.database_connections // workers))
        _serve_with(workers, host, port)


def worker() -> ASGIApp:
    """Make the application of one worker process; it opens at lifespan start."""
    config = Config.from_env()
    set_up_logging(config.log)
    app = Twofold(config, joining=True)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":  # by now Granian has set its own handlers: SIGINT still stops it
            stop = partial(os.kill, os.getpid(), signal.SIGINT)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, door.close_then, stop)
        await app(scope, receive, send)

    return answer


async def _serve(config: Config, host: str, port: int) -> None:
    app = Twofold(config)
    server = embedded(app, host, port)
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def stop() -> None:
        told.set()
        door.close_then(server.stop)

    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        ends.append(signal.SIGHUP)  # one process cannot reload without a gap
    for number in ends:
        loop.add_signal_handler(number, stop)
    async with app:
        if told.is_set():  # while it was opening
            return
        link = await app.first_administrator_link()
        announcing = asyncio.create_task(_announce_once_open(config, host, port, link))
        try:
            await server.serve()
        except TimeoutError:
            loop.set_exception_handler(lambda *_: None)  # Granian still reports to what was cut off
            click.echo(f"Some requests took longer than {_DRAIN} seconds and were cut off.", err=True)
        finally:
            announcing.cancel()


def embedded(app: ASGIApp, host: str, port: int) -> Server:
    """Put Granian around an application, in this process and on its event loop."""
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,  # opened and closed here: a failure at start is told in a sentence
        http=HTTPModes.http1,
        http1_settings=_HTTP1,
        websockets=False,
        backlog=1024,
        log_level=LogLevels.error,
        log_dictconfig=_LOGS,
    )
    server.workers_kill_timeout = _DRAIN
    return server


async def _prepare(config: Config, host: str, port: int) -> None:
    """Do once what every worker needs: keys, database, migrations."""
    async with Twofold(config) as app:
        _announce(config, host, port, await app.first_administrator_link())


class _Workers(Granian):  # type: ignore[misc,valid-type]  # chosen at import by what the platform can do
    """Granian, that goes on with what it has when the settings to be read anew cannot be taken."""

    def signal_handler_reload(self, *args: object, **kwargs: object) -> None:
        """Replace the workers."""
        try:
            read_settings(os.environ, port=self.bind_port)
        except ConfigError as error:
            _log.error("nothing is read anew: %s", error)
        else:
            super().signal_handler_reload(*args, **kwargs)


def _serve_with(workers: int, host: str, port: int) -> None:
    server = _Workers(
        "twofold.cli.serve:worker",
        factory=True,
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,  # `auto` takes rloop where it is installed, and asyncpg does not run on that
        http=HTTPModes.http1,
        http1_settings=_HTTP1,
        websockets=False,
        workers_kill_timeout=_DRAIN,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
        log_dictconfig=_LOGS,
    )
    server.serve()


async def _announce_once_open(config: Config, host: str, port: int, link: str | None) -> None:
    """Say where the pages are when they can be opened; Granian does not tell, so it is tried."""
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return _announce(config, host, port, link)


def _announce(config: Config, host: str, port: int, link: str | None) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Twofold listens on http://{shown}:{port}")
    click.echo(f"Pages:          {config.base_url}/")
    click.echo(f"Data directory: {config.data_dir}")
    if link:
        click.echo(f"Create the first administrator (one hour, one use): {link}")
    if dev.exist(config):
        click.echo(f"Mails, texts and calls are shown at {config.base_url}/dev/outbox")
        click.echo(f"An authenticator without a phone is at {config.base_url}/dev/authenticator")


def _refuse_taken(host: str, port: int) -> None:
    """Refuse a port where somebody listens: Granian would share it with another process of the same user."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such host"
        raise Failed(
            f"Cannot listen on {host}, port {port}: {reason}. Choose others with --host and --port."
        ) from error
