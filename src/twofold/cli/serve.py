"""`twofold serve`: create what is missing, migrate, print the addresses, and serve until stopped.

One process by default, with Granian embedded. Several are possible only with PostgreSQL, since SQLite allows one
serving process.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Mapping, Sequence

import click
import uvloop
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from starlette.types import ASGIApp, Receive, Scope, Send

from twofold.app import Twofold
from twofold.base.logs import set_up_logging
from twofold.base.turn_broker import SharedTurns, TurnBroker
from twofold.base.turn_queue import TurnQueue
from twofold.base.turns import cores
from twofold.cli import drain
from twofold.cli.collection import collect_less
from twofold.cli.embedded import DRAIN, HTTP1, LOGS, Servers, beside
from twofold.cli.listening import LOCALHOST, addresses_of, is_reached_by_name, refuse_taken, url_of
from twofold.cli.output import Failed
from twofold.config import PREFIX, Config, ConfigError
from twofold.features import FEATURES

_log = logging.getLogger("twofold")
_TURNS = "_TWOFOLD_TURNS"  # the path of the broker's socket, for the workers
_FURTHER, _PORT = "_TWOFOLD_FURTHER_ADDRESSES", "_TWOFOLD_PORT"  # where each worker listens beside the first address


@click.command("serve")
@click.option(
    "--host",
    default=LOCALHOST,
    show_default=True,
    help="The address to listen on. localhost is 127.0.0.1 and, if available, ::1.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="With PostgreSQL only.")
def command(host: str, port: int, workers: int) -> None:
    """Set up what is missing, migrate, and serve until Ctrl-C or SIGTERM."""
    config, sources = FEATURES.read_settings(os.environ, port=port)
    if workers > 1 and config.database_url.startswith("sqlite:"):
        raise Failed(
            "SQLite allows one process: use --workers 1, or set TWOFOLD_DATABASE_URL to a PostgreSQL database."
        )
    addresses = addresses_of(host)
    by_name = addresses_of(LOCALHOST) if sources["base_url"] == "default" else ()
    refuse_taken(dict.fromkeys((*addresses, *by_name)), port)
    set_up_logging(config.log)
    _warn_of_address(config, sources, host)
    _warn_of_shared_limits(config)
    if workers == 1:
        uvloop.run(_serve(config, addresses, port))
    else:
        uvloop.run(_prepare(config, addresses, port))
        if sources["base_url"] == "default":  # the workers read the settings again and do not know the port
            os.environ[f"{PREFIX}BASE_URL"] = config.base_url
        if sources["database_connections"] == "default":
            os.environ[f"{PREFIX}DATABASE_CONNECTIONS"] = str(max(2, config.database_connections // workers))
        # All workers together compute at most one hash per core at once.
        with TurnBroker(TurnQueue(cores()), config.data_dir) as broker:
            os.environ[_TURNS] = broker.path
            _serve_with(workers, addresses, port)


def _warn_of_address(config: Config, sources: Mapping[str, str], host: str) -> None:
    if sources["base_url"] == "default" and not is_reached_by_name(host):
        _log.warning(
            "Links lead to %s, but Twofold listens on %s only. Set TWOFOLD_BASE_URL to the address that people use.",
            config.base_url,
            host,
        )


def _warn_of_shared_limits(config: Config) -> None:
    if config.secure and not config.loopback and not config.trusted_proxies:
        _log.warning(
            "TWOFOLD_TRUSTED_PROXIES is not set. Behind a proxy, all clients then share one address and its limits, so"
            " one client guessing passwords blocks all but known browsers. Set it to the network of your proxy."
        )


def worker() -> ASGIApp:
    """Return the application of one worker process, which opens at lifespan startup."""
    config = Config.from_env()
    set_up_logging(config.log)
    app = Twofold(config, turns=SharedTurns(os.environ[_TURNS]))
    further = Servers(app, os.environ[_FURTHER].split(), int(os.environ[_PORT]))

    def stop() -> None:
        app.stopping = True
        drain.stop_gracefully(end)

    def end() -> None:
        further.stop()
        os.kill(os.getpid(), signal.SIGINT)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":  # Granian has set its own handlers by now: SIGINT still stops it
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, stop)
            collect_less(loop)
        await app(scope, receive, send)

    return beside(answer, further)


async def _serve(config: Config, addresses: Sequence[str], port: int) -> None:
    app = Twofold(config)
    servers = Servers(app, addresses, port)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        app.stopping = True
        drain.stop_gracefully(servers.stop)

    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # it is ignored under nohup
        ends.append(signal.SIGHUP)  # one process cannot reload without a gap
    for number in ends:
        loop.add_signal_handler(number, stop)
    collect_less(loop)
    async with app:
        if app.stopping:  # stopped while it was opening
            return
        link = await app.first_administrator_link()
        announcing = asyncio.create_task(_announce_once_open(config, addresses, port, link))
        try:
            await servers.serve()
        except TimeoutError:
            loop.set_exception_handler(lambda *_: None)  # Granian still reports to the connections that were cut off
            click.echo(f"Some requests took longer than {DRAIN} seconds and were cut off.", err=True)
        finally:
            announcing.cancel()


async def _prepare(config: Config, addresses: Sequence[str], port: int) -> None:
    """Create keys and database and migrate once, before the workers start."""
    async with Twofold(config) as app:
        _announce(config, addresses, port, await app.first_administrator_link())


class _Workers(Granian):  # type: ignore[misc,valid-type]  # Granian chooses its base class by platform
    """A Granian server that keeps its workers if the settings are invalid at a reload."""

    def signal_handler_reload(self, *args: object, **kwargs: object) -> None:
        """Replace the workers, unless the settings have become invalid."""
        try:
            FEATURES.read_settings(os.environ, port=self.bind_port)
        except ConfigError as error:
            _log.error("settings not reloaded: %s", error)
        else:
            super().signal_handler_reload(*args, **kwargs)


def _serve_with(workers: int, addresses: Sequence[str], port: int) -> None:
    first, *further = addresses
    os.environ |= {_FURTHER: " ".join(further), _PORT: str(port)}
    server = _Workers(
        "twofold.cli.serve:worker",
        factory=True,
        address=first,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,  # `auto` prefers rloop, on which asyncpg does not run
        http=HTTPModes.http1,
        http1_settings=HTTP1,
        websockets=False,
        workers_kill_timeout=DRAIN,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
        log_dictconfig=LOGS,
    )
    server.serve()


async def _announce_once_open(config: Config, addresses: Sequence[str], port: int, link: str | None) -> None:
    """Print the addresses once all accept connections; Granian does not report it, so try to connect."""
    for address in addresses:
        await _until_it_accepts(address, port)
    _announce(config, addresses, port, link)


async def _until_it_accepts(address: str, port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return


def _announce(config: Config, addresses: Sequence[str], port: int, link: str | None) -> None:
    click.echo(f"Twofold listens on {' and '.join(url_of(address, port) for address in addresses)}")
    click.echo(f"Pages:          {config.base_url}/")
    click.echo(f"Data directory: {config.data_dir}")
    if link:
        click.echo(f"Create the first administrator (this link works once, within one hour): {link}")
    for line in FEATURES.announcements(config):
        click.echo(line)
