"""The repeated steps feature."""

from twofold.base.feature import Feature
from twofold.repeats import store

FEATURE = Feature(expiries=lambda _: (store.EXPIRY,))
