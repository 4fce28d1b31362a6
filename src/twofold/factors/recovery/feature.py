"""The recovery codes feature."""

from twofold.accounts.consequences import Item
from twofold.base.feature import Feature, Message
from twofold.base.texts import N_
from twofold.factors.actions import end_recovery_code
from twofold.factors.recovery import pages

FEATURE = Feature(
    routes=pages.ROUTES,
    cards=(pages.card,),
    messages={
        "two_factor_on": Message(N_("Two-factor authentication is on.")),
        "recovery_code_saved": Message(N_("Your recovery code is saved.")),
    },
    banners=(pages.banner,),
    endings={Item.RECOVERY_CODE: end_recovery_code},
)
