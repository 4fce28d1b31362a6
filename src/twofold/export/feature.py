"""The export feature."""

from twofold.base.feature import Feature
from twofold.base.throttle import Limits
from twofold.export import api, pages
from twofold.export.actions import EXPORTS, RATES

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    cards=(pages.card,),
    limits=lambda _: Limits(RATES),
    account_keys=(EXPORTS,),
)
