"""The notices feature."""

from twofold.base.feature import Feature
from twofold.notices.actions import NOTICES, notify

FEATURE = Feature(listeners=(notify,), account_keys=(NOTICES,))
