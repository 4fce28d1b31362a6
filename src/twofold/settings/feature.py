"""The feature of the User Settings page."""

from twofold.base.feature import Feature
from twofold.base.texts import N_
from twofold.settings import pages

FEATURE = Feature(routes=pages.ROUTES, problem_links={"/settings": N_("Go to User Settings")})
