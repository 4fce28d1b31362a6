"""The list of features. To remove a feature, factor kind or courier driver, delete its package and its line."""

from collections.abc import Iterator, Mapping
from typing import Any

from twofold.accounts.feature import FEATURE as ACCOUNTS
from twofold.address.feature import FEATURE as ADDRESS
from twofold.audit.feature import FEATURE as AUDIT
from twofold.base.feature import Feature, Features
from twofold.base.keys import Keyring
from twofold.base.proofs import Strengths
from twofold.base.web.endpoints import ENDPOINTS
from twofold.base.web.paths import is_taken
from twofold.computers.feature import FEATURE as COMPUTERS
from twofold.config import Config, Fault
from twofold.couriers.contract import Driver
from twofold.couriers.drivers.console import Console
from twofold.couriers.drivers.kannel import Kannel
from twofold.couriers.drivers.smtp import Smtp
from twofold.couriers.drivers.twilio import Twilio
from twofold.couriers.drivers.webhook import Webhook
from twofold.couriers.hooks import TWILIO_HOOK
from twofold.couriers.registry import faults as courier_faults
from twofold.deletion.feature import FEATURE as DELETION
from twofold.dev.feature import FEATURE as DEV
from twofold.export.feature import FEATURE as EXPORT
from twofold.factors.contract import Kind, Kinds
from twofold.factors.feature import FEATURE as FACTORS
from twofold.factors.phone.feature import FEATURE as PHONE
from twofold.factors.phone.sms import Sms
from twofold.factors.phone.voice import Voice
from twofold.factors.recovery.codes import Recovery
from twofold.factors.recovery.feature import FEATURE as RECOVERY
from twofold.factors.totp.kind import Totp
from twofold.gate.feature import FEATURE as GATE
from twofold.notices.feature import FEATURE as NOTICES
from twofold.password.feature import FEATURE as PASSWORD
from twofold.profile.feature import FEATURE as PROFILE
from twofold.repeats.feature import FEATURE as REPEATS
from twofold.sessions.feature import FEATURE as SESSIONS
from twofold.settings.feature import FEATURE as SETTINGS
from twofold.signin.feature import FEATURE as SIGNIN
from twofold.signup.feature import FEATURE as SIGNUP
from twofold.unlock.feature import FEATURE as UNLOCK

KINDS: tuple[type[Kind], ...] = (  # in menu order
    Sms,
    Voice,
    Totp,
)

DRIVERS: tuple[type[Driver], ...] = (
    Smtp,
    Twilio,
    Webhook,
    Kannel,
    Console,
)


def _kinds(config: Config, keys: Keyring) -> Mapping[type[Any], Any]:
    known = Kinds(tuple(kind(config, keys) for kind in KINDS), Recovery(keys))
    return {Kinds: known, Strengths: known.strengths}


def _base_path_faults(config: Config) -> Iterator[Fault]:
    """Yield a fault if the path of the base URL is also the beginning of one of our own addresses."""
    if is_taken(config.base_path, (route.path for route in (*FEATURES.routes, *FEATURES.endpoints, *ENDPOINTS))):
        yield "base_url", "must not have a path that addresses of Twofold begin with: choose another, such as /account"


FEATURES = Features(
    ACCOUNTS,
    SIGNIN,
    SIGNUP,
    UNLOCK,
    SETTINGS,
    FACTORS,
    PHONE,
    RECOVERY,
    COMPUTERS,
    SESSIONS,
    AUDIT,
    PASSWORD,
    PROFILE,
    ADDRESS,
    EXPORT,
    DELETION,
    NOTICES,
    REPEATS,
    GATE,
    DEV,
    Feature(parts=_kinds),
    Feature(faults=lambda config: courier_faults(config, DRIVERS)),
    Feature(endpoints=(TWILIO_HOOK,)),
    Feature(faults=_base_path_faults),
)
