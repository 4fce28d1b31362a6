"""The phone factors feature."""

from collections.abc import Iterator

from twofold.accounts.consequences import Item
from twofold.base.feature import Feature
from twofold.base.housekeeping import Expiry
from twofold.config import Config, Fault
from twofold.factors.phone import pages
from twofold.factors.phone.codes import actions as codes
from twofold.factors.phone.codes import store as live_codes
from twofold.factors.phone.numbers import country_faults
from twofold.factors.phone.sendlimits import actions as sendlimits
from twofold.factors.phone.sendlimits import store as sends
from twofold.factors.phone.sendlimits.checks import check_sending


def _expiries(config: Config) -> tuple[Expiry, ...]:
    return (live_codes.EXPIRY, *sends.expiry(sendlimits.limits_of(config)))


def _faults(config: Config) -> Iterator[Fault]:
    return (("phone_countries", sentence) for sentence in country_faults(config.phone_countries))


FEATURE = Feature(
    routes=pages.ROUTES,
    endings={Item.UNDER_WAY: codes.end_codes},
    expiries=_expiries,
    faults=_faults,
    checks=(check_sending,),
)
