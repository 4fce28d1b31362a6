"""The sign-up feature."""

from twofold.base.feature import Feature
from twofold.base.throttle import Limits
from twofold.signup import api, pages

FEATURE = Feature(routes=(*pages.ROUTES, *api.ROUTES), limits=lambda config: Limits(config.limit_sign_ups))
