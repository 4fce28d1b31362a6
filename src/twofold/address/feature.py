"""The address feature."""

from twofold.address import api, pages
from twofold.base.feature import Feature, Message
from twofold.base.texts import N_

_CARD = "email"

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    cards=(pages.card,),
    messages={
        "confirmation_sent": Message(
            N_("We sent a link to your email address. Open it to confirm your address."), _CARD
        ),
        "email_confirmed": Message(N_("Your email address is confirmed."), _CARD),
        "email_link_sent": Message(
            N_("We sent a link to your new email address. Your email address stays the same until you open it."), _CARD
        ),
        "email_changed": Message(
            N_(
                "Your email address was changed. "
                "Your other sessions were ended, and all trusted computers were forgotten."
            ),
            _CARD,
        ),
    },
)
