"""The checks of the couriers."""

import asyncio
from collections.abc import AsyncIterator

from twofold.base import clock as clocks
from twofold.cli.doctor.findings import Finding
from twofold.config import PREFIX, Config
from twofold.config.couriers import shown
from twofold.couriers.contract import DriverContext, Failed
from twofold.couriers.registry import channels, driver
from twofold.features import DRIVERS

_COURIER_TIMEOUT = 5  # seconds


async def check_couriers(config: Config) -> AsyncIterator[Finding]:
    """Check the couriers of each channel."""
    context = DriverContext(config, clocks.now)
    for channel, urls in channels(config).items():
        findings = [await _courier(channel, url, context) for url in urls]
        if findings:
            states = {finding.status for finding in findings}
            overall = states.pop() if len(states) == 1 else "warn"  # one working courier is enough
            yield Finding(overall, channel, " ".join(finding.text for finding in findings))
        else:
            yield Finding("ok", channel, f"Not offered; set {PREFIX}{channel.upper()}_URL to offer it.")


async def _courier(channel: str, url: str, context: DriverContext) -> Finding:
    """Check whether a courier can be reached and accepts our credentials, without sending anything."""
    courier = driver(url, channel, context, DRIVERS)
    try:
        async with asyncio.timeout(_COURIER_TIMEOUT):
            result = await courier.check()
    except (Failed, TimeoutError) as error:
        text = str(error) or f"it did not answer within {_COURIER_TIMEOUT} seconds"
        return Finding("fail", channel, f"{shown(url)} cannot be used: {text}.")
    except Exception as error:  # noqa: BLE001 - its text may contain secrets of the address
        return Finding("fail", channel, f"{shown(url)} cannot be used: {type(error).__name__}.")
    finally:
        await courier.close()
    return Finding("ok" if result.ok else "warn", channel, f"{shown(url)} {result.text}")
