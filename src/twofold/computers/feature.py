"""The trusted computers feature."""

from twofold.accounts.consequences import Item
from twofold.base.feature import Export, Feature, Message
from twofold.base.texts import N_
from twofold.computers import actions, api, export, pages, store
from twofold.computers.cookies import COOKIES
from twofold.computers.trust import TrustedComputers
from twofold.factors.trust import Trust

_CARD = "computers"

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    cards=(pages.card,),
    messages={
        "computer_renamed": Message(N_("The computer was renamed."), _CARD),
        "computer_forgotten": Message(
            N_("The computer is no longer trusted. You will be asked for a code when you sign in on it."), _CARD
        ),
        "computers_forgotten": Message(
            N_("All trusted computers were forgotten. You will be asked for a code when you sign in on them."), _CARD
        ),
    },
    cookies=(COOKIES,),
    parts=lambda *_: {Trust: TrustedComputers()},
    endings={Item.COMPUTERS: actions.end_computers},
    exports={"trusted_computers": Export(export.trusted_computers)},
    expiries=lambda _: (store.EXPIRY,),
)
