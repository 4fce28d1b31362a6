"""`twofold healthcheck`: the health probe for container runtimes."""

from urllib.parse import urlsplit

import click

from twofold.cli.http import NoAnswer, request
from twofold.cli.output import Failed, json_option, print_json
from twofold.config import Config

_TIMEOUT = 5  # seconds


@click.command("healthcheck")
@click.option("--url", help="The address of the service or page.  [default: from the settings, on this machine]")
@json_option
def command(url: str | None, *, as_json: bool) -> None:
    """Check whether a running service is ready (exit status 0) or not (1)."""
    page = _page(url or local_url(Config.from_env()))
    try:
        status = request(page, timeout=_TIMEOUT).status
    except NoAnswer as error:
        raise Failed(f"No answer from {page}: start the service, or pass its address with --url.") from error
    ready = status == 200  # noqa: PLR2004 - only 200 means ready
    if as_json:
        print_json({"ready": ready, "status": status})
    if not ready:
        raise Failed(f"The service is not ready (status {status}). Run `twofold doctor` to see why.")
    if not as_json:
        click.echo("The service is ready.")


def local_url(config: Config) -> str:
    """Return the base URL if it is loopback; otherwise the default port, to bypass the proxy in front.

    Browsers know that `*.localhost` is this machine (RFC 6761 6.3), but many systems do not.
    """
    if config.host.endswith(".localhost") and not config.secure:
        return config.base_url.replace(config.host, "localhost", 1)
    return config.base_url if config.loopback else f"http://127.0.0.1:8000{config.base_path}"


def _page(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(sign <= " " for sign in url):
        raise click.BadParameter("must be an address such as http://localhost:8000.", param_hint="'--url'")
    return url if parts.path.endswith(("/readyz", "/healthz")) else f"{url.rstrip('/')}/readyz"
