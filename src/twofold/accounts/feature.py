"""The accounts feature."""

from twofold.accounts import endings, export, links, store
from twofold.accounts.browsers import actions as browsers
from twofold.accounts.browsers import store as browser_store
from twofold.accounts.consequences import Item
from twofold.base.feature import Export, Feature
from twofold.base.throttle import Limits
from twofold.config import Config


def _limits(config: Config) -> Limits:
    rates = (*config.limit_source, *config.limit_mails, *config.limit_sign_ups)
    return Limits(rates, config.limit_passwords)


FEATURE = Feature(
    endings={Item.UNDER_WAY: endings.renew_stamp, Item.BROWSERS: browsers.end_browsers},
    exports={
        "account": Export(export.account, single=True),
        "former_addresses": Export(export.former_addresses),
        "known_browsers": Export(export.known_browsers),
    },
    expiries=lambda _: (links.EXPIRY, store.EXPIRY, browser_store.EXPIRY),
    limits=_limits,
)
