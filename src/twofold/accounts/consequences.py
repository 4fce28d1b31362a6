"""What ends what: each act on an account, and its effect on everything that depends on the account.

One table, read by the code, the documentation and the tests. A feature ends its own items: its `Feature` subscribes to
a column with `endings`, and nothing else changes.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum

import msgspec


class Change(Enum):
    """An act that changes an account: a row of the table."""

    TWO_FACTOR_ACTIVATED = "2FA becomes active"
    TWO_FACTOR_DISABLED = "2FA disabled"
    FACTORS_CHANGED = "factor added, replaced or removed; default factor changed"
    PHONE_BOUND = "phone number added"
    POLICY_CHANGED = "policy changed between the two frequencies"
    PASSWORD_CHANGED = "password changed"
    PASSWORD_RESET = "password reset"
    ADDRESS_CHANGED = "address changed"
    RECOVERY_CODE_USED = "recovery code used"
    RECOVERY_CODE_RENEWED = "recovery code renewed"
    SESSIONS_ENDED = "one session or all others ended"
    RESET_BY_ADMINISTRATOR = "2FA reset by an administrator"
    DISABLED_BY_ADMINISTRATOR = "account disabled"
    SIGNED_OUT_BY_ADMINISTRATOR = "signed out by an administrator"
    RIGHTS_CHANGED = "role, groups or username changed"
    DELETED = "account deleted"
    ENABLED = "account enabled again"
    RENAMED = "factor or computer renamed"


class Item(StrEnum):
    """A kind of item that depends on an account: a column of the table."""

    COMPUTERS = "Trusted computers"
    SESSIONS = "Sessions"
    RECOVERY_CODE = "Recovery code"
    UNDER_WAY = "Under way"
    ACCESS_TOKENS = "Access tokens"
    GRANTS = "Grants to applications"
    CONSENTS = "Consents to applications"
    BROWSERS = "Known browsers"


class Effect(StrEnum):
    """The effect of an act on a kind of item: a cell of the table."""

    STAY = "stay"
    END = "end"
    OTHERS_END = "others end"  # all but this session or browser, and what depends on it
    THOSE_END = "those end"  # the sessions that the act is about, and what depends on them
    LOCK = "stay, but settings lock"
    REFUSED_END = "end where now refused"  # by an application that asks for a role, group or name
    NEW = "new"


class Act(msgspec.Struct, frozen=True):
    """An act and its effect on one kind of item.

    `kept` is the session whose items stay, and `only` the session whose items alone end; both are empty if there is
    none. All others end, including those of sessions that have ended before.
    """

    change: Change
    effect: Effect
    account_id: str
    kept: str = ""
    only: str = ""


_STAY, _END, _OTHERS, _THOSE, _NEW = Effect.STAY, Effect.END, Effect.OTHERS_END, Effect.THOSE_END, Effect.NEW


def _row(*effects: Effect) -> Mapping[Item, Effect]:
    return dict(zip(Item, effects, strict=True))


# Under way are sign-ins, enrolments, sent codes, mailed links and repeatable steps. They and trusted computers store
# the account's stamp, so raising it ends them for good; trusted computers can also end without that.
CONSEQUENCES: Mapping[Change, Mapping[Item, Effect]] = {
    # columns:                           computers, sessions, recovery, under way, tokens, grants, consents, browsers
    Change.TWO_FACTOR_ACTIVATED: _row(_END, _OTHERS, _NEW, _END, _STAY, _OTHERS, _STAY, _STAY),
    Change.TWO_FACTOR_DISABLED: _row(_END, _OTHERS, _END, _END, _STAY, _OTHERS, _STAY, _STAY),
    Change.FACTORS_CHANGED: _row(_END, _OTHERS, _STAY, _END, _STAY, _OTHERS, _STAY, _STAY),
    Change.PHONE_BOUND: _row(_END, _OTHERS, _NEW, _END, _STAY, _OTHERS, _STAY, _STAY),
    Change.POLICY_CHANGED: _row(_END, _STAY, _STAY, _STAY, _STAY, _STAY, _STAY, _STAY),
    Change.PASSWORD_CHANGED: _row(_END, _OTHERS, _STAY, _END, _STAY, _OTHERS, _STAY, _OTHERS),
    Change.PASSWORD_RESET: _row(_END, _END, _STAY, _END, _END, _END, _STAY, _END),
    Change.ADDRESS_CHANGED: _row(_END, _OTHERS, _STAY, _END, _STAY, _OTHERS, _STAY, _STAY),
    Change.RECOVERY_CODE_USED: _row(_END, _OTHERS, _NEW, _END, _END, _END, _STAY, _OTHERS),
    Change.RECOVERY_CODE_RENEWED: _row(_STAY, _STAY, _NEW, _STAY, _STAY, _STAY, _STAY, _STAY),
    Change.SESSIONS_ENDED: _row(_STAY, _THOSE, _STAY, _STAY, _STAY, _THOSE, _STAY, _STAY),
    Change.RESET_BY_ADMINISTRATOR: _row(_END, _END, _END, _END, _END, _END, _STAY, _END),
    Change.DISABLED_BY_ADMINISTRATOR: _row(_END, _END, _STAY, _END, _END, _END, _END, _END),
    Change.SIGNED_OUT_BY_ADMINISTRATOR: _row(_END, _END, _STAY, _END, _END, _END, _STAY, _END),
    Change.RIGHTS_CHANGED: _row(_STAY, Effect.LOCK, _STAY, _STAY, _STAY, Effect.REFUSED_END, _STAY, _STAY),
    Change.DELETED: _row(_END, _END, _END, _END, _END, _END, _END, _END),
    Change.ENABLED: _row(_STAY, _STAY, _STAY, _STAY, _STAY, _STAY, _STAY, _STAY),
    Change.RENAMED: _row(_STAY, _STAY, _STAY, _STAY, _STAY, _STAY, _STAY, _STAY),
}
