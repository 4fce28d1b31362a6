"""`twofold doctor`: check everything that the service depends on, and say how to fix it. Nothing is changed.

Each line is ok, warn (it works, with a risk) or fail (broken or unsafe). Any fail makes the exit status 1.
"""

import asyncio
import os

import click

from twofold.cli.doctor.couriers import check_couriers
from twofold.cli.doctor.database import check_database
from twofold.cli.doctor.environment import check_data_dir, check_proxies
from twofold.cli.doctor.findings import Finding
from twofold.cli.doctor.public_address import check_public_address
from twofold.cli.output import json_option, print_columns, print_json
from twofold.config import ConfigError
from twofold.features import FEATURES


@click.command("doctor")
@json_option
def command(*, as_json: bool) -> None:
    """Check settings, data directory, database, durability, clock, keys, proxies, public address and couriers."""
    findings = asyncio.run(_run_checks())
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        print_columns(findings)
    if any(finding.status == "fail" for finding in findings):
        raise SystemExit(1)


async def _run_checks() -> list[Finding]:
    try:
        config, _ = FEATURES.read_settings(os.environ)
    except ConfigError as error:
        return [Finding("fail", "settings", fault) for fault in error.faults]
    findings = [Finding("ok", "settings", f"All valid; the public address is {config.base_url}.")]
    findings += [Finding("warn", "settings", warning) for warning in FEATURES.warnings(config)]
    findings += [*check_data_dir(config), *check_proxies(config)]
    findings += await asyncio.to_thread(check_public_address, config)
    findings += [finding async for finding in check_couriers(config)]
    findings += [finding async for finding in check_database(config)]
    return findings
