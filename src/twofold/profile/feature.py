"""The profile feature."""

from twofold.base.feature import Feature, Message
from twofold.base.texts import N_
from twofold.profile import api, pages

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    cards=(pages.profile_card,),
    messages={"profile_saved": Message(N_("Your name was saved."), "profile")},
)
