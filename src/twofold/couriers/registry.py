"""Choose the driver for an address, and explain what is wrong with invalid addresses.

No driver is named here: each declares its schemes, channels and form, and parses the rest of its address.
"""

from collections.abc import Iterable, Iterator, Sequence

from twofold.base import clock as clocks
from twofold.config import Config
from twofold.config.couriers import CONSOLE
from twofold.config.values import InvalidSetting
from twofold.couriers.addresses import Address
from twofold.couriers.contract import Driver, DriverContext

Drivers = Sequence[type[Driver]]


def channels(config: Config) -> dict[str, tuple[str, ...]]:
    """Return the addresses of each channel in fallback order, as set by `TWOFOLD_<CHANNEL>_URL`."""
    return {"mail": (config.mail_url,), "sms": config.sms_url, "voice": config.voice_url}


def faults(config: Config, drivers: Drivers) -> Iterator[tuple[str, str]]:
    """Yield the faults of the addresses: the name of the setting, and the rest of the sentence."""
    context = DriverContext(config, clocks.now)
    for channel, urls in channels(config).items():
        try:
            for url in urls:
                driver(url, channel, context, drivers)
        except InvalidSetting as fault:
            yield f"{channel}_url", str(fault)


def driver(url: str, channel: str, context: DriverContext, drivers: Drivers) -> Driver:
    """Return the driver for an address. Raise InvalidSetting if no driver accepts it."""
    scheme, mark, _ = url.partition("://")
    begin = scheme.lower() + mark if mark else url
    driver_class = next((each for each in drivers if begin in each.schemes), None)
    if driver_class is None:
        known = [scheme for each in drivers if channel in each.channels for scheme in each.schemes]
        known = [scheme for scheme in known if not scheme.endswith(("+http://", CONSOLE))]
        begins = f"begin with {_either(known)}, or " if known else ""
        raise InvalidSetting(f"must {begins}be {CONSOLE}")
    if channel not in driver_class.channels or len(url.split()) != 1:
        several = "" if channel == "mail" else ", separated by spaces"
        raise InvalidSetting(f"must be {_either(forms(channel, drivers))}{several}")
    return driver_class(Address.of(url), channel, context)


def forms(channel: str, drivers: Drivers) -> list[str]:
    """Return the forms of address for a channel."""
    return [driver.form for driver in drivers if channel in driver.channels]


def _either(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
