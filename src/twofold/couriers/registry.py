"""Which driver carries for an address, and what is wrong with addresses that none takes.

No driver is named here: each tells its schemes, channels and form, and reads the rest of its address by itself.
"""

from collections.abc import Iterable, Iterator, Sequence

from twofold.base import clock as clocks
from twofold.config import Config
from twofold.config.couriers import CONSOLE
from twofold.config.units import Refused
from twofold.couriers.addresses import Address
from twofold.couriers.contract import Around, Driver

Drivers = Sequence[type[Driver]]


def channels(config: Config) -> dict[str, tuple[str, ...]]:
    """Give the couriers' addresses by channel, in fall-back order; `TWOFOLD_<CHANNEL>_URL` sets them."""
    return {"mail": (config.mail_url,), "sms": config.sms_url, "voice": config.voice_url}


def faults(config: Config, drivers: Drivers) -> Iterator[tuple[str, str]]:
    """Tell what is wrong with the addresses: name of the setting, and the rest of the sentence."""
    around = Around(config, clocks.now)
    for channel, urls in channels(config).items():
        try:
            for url in urls:
                driver(url, channel, around, drivers)
        except Refused as fault:
            yield f"{channel}_url", str(fault)


def driver(url: str, channel: str, around: Around, drivers: Drivers) -> Driver:
    """Make the driver for one address. Raises Refused."""
    scheme, mark, _ = url.partition("://")
    begin = scheme.lower() + mark if mark else url
    found = next((each for each in drivers if begin in each.schemes), None)
    if found is None:
        known = [scheme for each in drivers if channel in each.channels for scheme in each.schemes]
        known = [scheme for scheme in known if not scheme.endswith(("+http://", CONSOLE))]
        begins = f"begin with {_either(known)}, or " if known else ""
        raise Refused(f"must {begins}be {CONSOLE}")
    if channel not in found.channels or len(url.split()) != 1:
        several = "" if channel == "mail" else ", separated by spaces"
        raise Refused(f"must be {_either(forms(channel, drivers))}{several}")
    return found(Address.of(url), channel, around)


def forms(channel: str, drivers: Drivers) -> list[str]:
    """Give the forms of address that carry a channel."""
    return [driver.form for driver in drivers if channel in driver.channels]


def _either(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
