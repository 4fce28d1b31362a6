"""`bin/demo`: serve Twofold, Caddy and a small application on this machine until Ctrl-C."""

import sys
import tempfile
from contextlib import chdir
from pathlib import Path

import click

from demo.application import Application
from demo.processes import Ended, Processes, Stopped
from demo.texts import INTRODUCTION
from twofold.cli.listening import addresses_of, refuse_taken
from twofold.cli.output import Failed

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent
SOCKET = "application"  # in the folder of the demo, whose whole path may be too long for a Unix socket
APPS = '[[apps]]\nname = "Notice board"\nurl = "http://app.localhost:{}/"\n'
PORT = click.IntRange(1, 65_535)


@click.command()
@click.option("--port", default=8000, show_default=True, type=PORT, help="The port of Twofold.")
@click.option("--app-port", default=3000, show_default=True, type=PORT, help="The port of the application.")
def main(port: int, app_port: int) -> None:
    """Try Twofold in front of a small application, until Ctrl-C. All data is deleted at the end."""
    _check_ports(port, app_port)
    with (
        tempfile.TemporaryDirectory(prefix="twofold-demo-") as folder,
        chdir(folder),
        Processes(Path(folder)) as processes,
    ):
        try:
            with Application(SOCKET):
                _start(processes, Path(folder), port, app_port)
                processes.wait()
        except Stopped:
            click.echo("\nThe demo has ended.")
        except Ended as ended:
            raise Failed(str(ended)) from None


def _check_ports(port: int, app_port: int) -> None:
    """Raise Failed if another program listens at one of the ports."""
    if port == app_port:
        raise Failed("Choose two different ports.")
    for option, number in (("--port", port), ("--app-port", app_port)):
        try:
            refuse_taken(addresses_of("localhost"), number)
        except Failed:
            raise Failed(f"Port {number} is in use or reserved. Choose another with {option}.") from None


def _start(processes: Processes, folder: Path, port: int, app_port: int) -> None:
    settings = {
        "TWOFOLD_DATA_DIR": str(folder / "data"),
        "TWOFOLD_GATE_RULES_FILE": str(HERE / "rules.toml"),
        "TWOFOLD_GATE_APPS": APPS.format(app_port),
        "TWOFOLD_LOG": "text",
    }
    twofold = processes.start("Twofold", [str(PROGRAMS / "twofold"), "serve", "--port", str(port)], settings)
    first_administrator = twofold.wait_for(r"https?://\S+/setup/\S+")
    development = twofold.wait_for(r"https?://\S+/dev\?key=\S+")
    addresses = {
        "DEMO_PORT": str(port),
        "DEMO_APP_PORT": str(app_port),
        "DEMO_ADDRESSES": " ".join(addresses_of("localhost")),
        "DEMO_SOCKET": SOCKET,
    }
    caddyfile = ["--adapter", "caddyfile", "--config", str(HERE / "Caddyfile")]
    caddy = processes.start("Caddy", [str(PROGRAMS / "caddy"), "run", *caddyfile], addresses)
    caddy.wait_until_it_listens(app_port)
    click.echo(INTRODUCTION.format(port=port, app_port=app_port, setup=first_administrator, development=development))


if __name__ == "__main__":
    main(prog_name="bin/demo")
