"""The gate feature."""

from typing import Any

from twofold.accounts.consequences import Item
from twofold.base.feature import Feature
from twofold.base.keys import Keyring
from twofold.base.web.context import StartPage
from twofold.config import Config
from twofold.gate import actions, check, doctor, launcher, mistakes, pages, reading, sightings, store
from twofold.gate.launcher import Applications
from twofold.gate.loops import RecentArrivals, StaleStates
from twofold.gate.rules import Rules


def _announcements(config: Config) -> list[str]:
    hosts = sorted({str(rule.host) for rule in reading.read_all_rules(config).all})
    return [f"Gate: {', '.join(hosts)}"] if hosts else []


def _parts(config: Config, _keys: Keyring) -> dict[type[Any], Any]:
    apps = Applications(reading.read_apps(config.gate_apps))
    start = {StartPage: StartPage(launcher.show, launcher.LINK), Applications: apps} if apps else {}
    loops = {RecentArrivals: RecentArrivals(), StaleStates: StaleStates()}
    return {Rules: reading.read_all_rules(config), **loops, **start}


FEATURE = Feature(
    routes=pages.ROUTES,
    endpoints=check.ENDPOINTS,
    cookies=(pages.DOOR,),
    remedies=sightings.REMEDIES,
    endings={Item.UNDER_WAY: actions.end_tickets},
    expiries=lambda _: (store.EXPIRY,),
    parts=_parts,
    announcements=_announcements,
    faults=reading.faults,
    warnings=mistakes.warnings,
    checks=(doctor.check_wildcards,),
)
