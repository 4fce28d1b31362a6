"""The deletion feature."""

from twofold.base.feature import Feature
from twofold.deletion import api, pages

FEATURE = Feature(routes=(*pages.ROUTES, *api.ROUTES), cards=(pages.card,))
