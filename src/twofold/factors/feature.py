"""The second factors feature."""

from twofold.accounts.consequences import Item
from twofold.base.feature import Export, Feature, Message
from twofold.base.texts import N_
from twofold.base.throttle import Limits
from twofold.config import Config
from twofold.factors import api, enrolment, export, pages, set_up, store
from twofold.factors.store import KEY_PREFIX
from twofold.factors.trust import Trust

_AUTHENTICATORS = "authenticators"


def _limits(config: Config) -> Limits:
    return Limits((*config.limit_codes, *config.limit_source), endless=KEY_PREFIX)


FEATURE = Feature(
    routes=(*pages.ROUTES, *set_up.ROUTES, *api.ROUTES),
    cards=(pages.frequency_card, pages.methods_card, pages.authenticators_card),
    evidence={"attempts_left": {"type": "integer"}, "clock_off_minutes": {"type": "integer"}},
    messages={
        "two_factor_updated": Message(N_("Your 2FA settings were updated."), "two-factor"),
        "two_factor_waits": Message(
            N_("Your 2FA settings were updated. One step is left: set up a method."), "methods"
        ),
        "method_updated": Message(N_("Your 2FA method was updated."), "methods"),
        "factor_added": Message(N_("Your authenticator is set up."), _AUTHENTICATORS),
        "factor_renamed": Message(N_("The authenticator was renamed."), _AUTHENTICATORS),
        "factor_removed": Message(N_("The authenticator was removed."), _AUTHENTICATORS),
        "default_changed": Message(N_("Your default authenticator was changed."), _AUTHENTICATORS),
    },
    parts=lambda *_: {Trust: Trust()},
    limits=_limits,
    account_keys=(KEY_PREFIX,),
    endings={Item.UNDER_WAY: enrolment.end_enrolments},
    exports={"two_factor": Export(export.two_factor, single=True), "factors": Export(export.factors)},
    expiries=lambda _: (store.EXPIRY,),
)
