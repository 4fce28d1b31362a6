"""`twofold healthcheck`: what a container runtime asks again and again."""

from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector

import click

from twofold.cli.output import Failed, json_option, print_json
from twofold.config import Config

_PATIENCE = 5  # seconds


@click.command("healthcheck")
@click.option("--url", help="The service, or the page to ask for.  [default: as the settings have it, on this machine]")
@json_option
def command(url: str | None, *, as_json: bool) -> None:
    """Ask a running service whether it is ready (exit status 0) or not (1)."""
    status = _ask(_page(url or on_this_machine(Config.from_env())))
    ready = status == 200  # noqa: PLR2004 - 200 is the one answer that says ready
    if as_json:
        print_json({"ready": ready, "status": status})
    if not ready:
        raise Failed(f"The service answers {status}: it is not ready. Run `twofold doctor` to see why.")
    if not as_json:
        click.echo("The service is ready.")


def on_this_machine(config: Config) -> str:
    """Give the base URL when it is this machine; where a proxy stands in front, the service itself at its own port."""
    return config.base_url if config.loopback else f"http://127.0.0.1:8000{config.base_path}"


def _page(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(sign <= " " for sign in url):
        raise click.BadParameter("must be an address such as http://127.0.0.1:8000.", param_hint="'--url'")
    return url if parts.path.endswith(("/readyz", "/healthz")) else f"{url.rstrip('/')}/readyz"


def _ask(page: str) -> int:
    """Give the status of the answer; follows no redirect and asks no proxy."""
    opener = OpenerDirector()
    opener.add_handler(HTTPHandler())
    opener.add_handler(HTTPSHandler())
    try:
        with opener.open(page, timeout=_PATIENCE) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (OSError, HTTPException, UnicodeError) as error:
        raise Failed(f"Nothing answers at {page}: start the service, or name its address with --url.") from error
