"""The unlock feature."""

from twofold.base.feature import Feature
from twofold.base.texts import N_
from twofold.unlock import api, pages

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    evidence={"level": {"type": "string"}, "missing": {"type": "string"}, "asks_for": {"type": "array"}},
    problem_links={"/authenticate": N_("Authenticate")},
)
