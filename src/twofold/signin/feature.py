"""The sign-in feature."""

from twofold.base.feature import Feature
from twofold.base.texts import N_
from twofold.signin import api, pages, store

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    problem_links={
        "/sign-in": N_("Sign in"),
        "/sign-in/code": N_("Back to the code"),
        "/sign-in/recovery-code": N_("Use your recovery code"),
    },
    cookies=(pages.COOKIE,),
    expiries=lambda _: (store.EXPIRY,),
)
