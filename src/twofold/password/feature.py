"""The password feature."""

from twofold.base.feature import Feature, Message
from twofold.base.texts import N_
from twofold.password import api, pages

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    cards=(pages.card,),
    messages={
        "password_changed": Message(
            N_("Your password was changed. Your other sessions were ended, and all trusted computers were forgotten."),
            "password",
        ),
    },
)
