"""The checks of `twofold doctor`: whether names under a wildcard that no application has are answered."""

import asyncio
import secrets
from collections.abc import Iterable

from twofold.base.database import Database
from twofold.base.feature import Checked
from twofold.config import Config
from twofold.config.hosts import is_loopback
from twofold.gate.origins import Origin
from twofold.gate.probe.bypasses import is_application
from twofold.gate.probe.client import Client, NoAnswer
from twofold.gate.probe.findings import ok, warn
from twofold.gate.probe.prober import NAVIGATION
from twofold.gate.reading import read_all_rules
from twofold.gate.rules import HostPattern

_NAME = "gate wildcard"


async def check_wildcards(config: Config, _db: Database, _now: int) -> Iterable[Checked]:
    """Check each wildcard of the rules."""
    hosts = dict.fromkeys(rule.host for rule in read_all_rules(config).all if rule.host.wildcard)
    public = [each for each in hosts if not is_loopback(each.host)]
    return await asyncio.gather(*(asyncio.to_thread(check_wildcard, config, each, Client()) for each in public))


def check_wildcard(config: Config, pattern: HostPattern, client: Client) -> Checked:
    """Request a random name under a wildcard, which is meant to cover names that are behind the gate only."""
    stranger = Origin("https", f"twofold-{secrets.token_hex(4)}.{pattern.host}", pattern.port)
    if not client.has_address(stranger.host):
        return ok(_NAME, f"Names under {pattern} that do not exist have no address.")
    try:
        reply = client.send(stranger, "/", headers=NAVIGATION)
    except NoAnswer:
        return ok(_NAME, f"Names under {pattern} that do not exist are not answered.")
    if is_application(config, reply):
        return warn(
            _NAME,
            f"{stranger.host} does not exist, but something outside the gate answers it ({reply.status}). Let the proxy"
            f" refuse names that it does not know, or list the applications instead of {pattern}.",
        )
    return ok(_NAME, f"No application answers names under {pattern} that do not exist.")
