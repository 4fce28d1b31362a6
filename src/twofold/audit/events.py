"""Names of events, `subject:action`, each with the title that the person reads. A retired name stays in the list."""

from enum import StrEnum

from twofold.base.texts import N_


class Event(StrEnum):
    """What can happen to an account."""

    ACCOUNT_CREATED = "account:created"
    ACCOUNT_DISABLED = "account:disabled"
    ACCOUNT_ENABLED = "account:enabled"
    ACCOUNT_INVITED = "account:invited"
    ACCOUNT_UNLOCKED = "account:unlocked"
    ACCOUNT_CLOSED = "account:closed"
    EMAIL_CHANGE_STARTED = "email:change_started"
    EMAIL_CHANGED = "email:changed"
    PASSWORD_CHANGED = "password:changed"
    PASSWORD_RESET = "password:reset"
    PASSWORD_RESET_OFFERED = "password:reset_offered"
    PASSWORD_RESET_ASKED = "password:reset_asked"
    SIGN_IN_PASSWORD = "sign_in:password"
    SIGN_IN_CODE = "sign_in:code"
    SIGN_IN_RECOVERY_CODE = "sign_in:recovery_code"
    SIGN_IN_CANCELLED = "sign_in:cancelled"
    SIGNED_IN = "sign_in:completed"
    SIGNED_OUT = "session:signed_out"
    SESSION_ENDED = "session:ended"
    SESSIONS_ENDED = "session:others_ended"
    ALL_SESSIONS_ENDED = "session:all_ended"
    SETTINGS_UNLOCKED = "settings:unlocked"
    SETTINGS_LOCKED = "settings:locked"
    SETTINGS_CHANGE = "settings:change"
    TWO_FACTOR_ACTIVATED = "two_factor:activated"
    TWO_FACTOR_DISABLED = "two_factor:disabled"
    TWO_FACTOR_POLICY_CHANGED = "two_factor:policy_changed"
    TWO_FACTOR_RESET = "two_factor:reset"
    FACTOR_STARTED = "factor:started"
    FACTOR_ADDED = "factor:added"
    FACTOR_REPLACED = "factor:replaced"
    FACTOR_REMOVED = "factor:removed"
    FACTOR_RENAMED = "factor:renamed"
    FACTOR_DEFAULT_CHANGED = "factor:default_changed"
    CODE_SENT = "code:sent"
    RECOVERY_CODE_USED = "recovery_code:used"
    RECOVERY_CODE_RENEWED = "recovery_code:renewed"
    RECOVERY_CODE_SAVED = "recovery_code:saved"
    COMPUTER_NEW = "computer:new"
    COMPUTER_TRUSTED = "computer:trusted"
    COMPUTER_RENAMED = "computer:renamed"
    COMPUTER_FORGOTTEN = "computer:forgotten"
    COMPUTERS_FORGOTTEN = "computer:all_forgotten"
    SENDING_CLOSED = "sending:closed"
    SENDING_BUDGET_ALARM = "sending:budget_alarm"
    SENDING_BUDGET_SPENT = "sending:budget_spent"


TITLES: dict[str, str] = {  # by the event's name
    Event.ACCOUNT_CREATED: N_("Account created"),
    Event.ACCOUNT_DISABLED: N_("Account disabled by an administrator"),
    Event.ACCOUNT_ENABLED: N_("Account enabled by an administrator"),
    Event.ACCOUNT_INVITED: N_("Invited"),
    Event.ACCOUNT_UNLOCKED: N_("Limits lifted by an administrator"),
    Event.ACCOUNT_CLOSED: N_("Account closed"),
    Event.EMAIL_CHANGE_STARTED: N_("Change of email started"),
    Event.EMAIL_CHANGED: N_("Email changed"),
    Event.PASSWORD_CHANGED: N_("Password changed"),
    Event.PASSWORD_RESET: N_("Password reset"),
    Event.PASSWORD_RESET_OFFERED: N_("Password reset link made by an administrator"),
    Event.PASSWORD_RESET_ASKED: N_("Link to choose a new password asked for"),
    Event.SIGN_IN_PASSWORD: N_("Password entered"),
    Event.SIGN_IN_CODE: N_("Verification code entered"),
    Event.SIGN_IN_RECOVERY_CODE: N_("Recovery code entered"),
    Event.SIGN_IN_CANCELLED: N_("Sign-in cancelled"),
    Event.SIGNED_IN: N_("Signed in"),
    Event.SIGNED_OUT: N_("Signed out"),
    Event.SESSION_ENDED: N_("Session ended"),
    Event.SESSIONS_ENDED: N_("Sessions ended"),
    Event.ALL_SESSIONS_ENDED: N_("All sessions ended by an administrator"),
    Event.SETTINGS_UNLOCKED: N_("Authenticated to change settings"),
    Event.SETTINGS_LOCKED: N_("Settings locked"),
    Event.SETTINGS_CHANGE: N_("Change of settings"),
    Event.TWO_FACTOR_ACTIVATED: N_("Two-factor authentication turned on"),
    Event.TWO_FACTOR_DISABLED: N_("Two-factor authentication turned off"),
    Event.TWO_FACTOR_POLICY_CHANGED: N_("How often a code is asked for changed"),
    Event.TWO_FACTOR_RESET: N_("Two-factor authentication reset by an administrator"),
    Event.FACTOR_STARTED: N_("Set-up of a two-factor method started"),
    Event.FACTOR_ADDED: N_("Two-factor method added"),
    Event.FACTOR_REPLACED: N_("Two-factor method replaced"),
    Event.FACTOR_REMOVED: N_("Two-factor method removed"),
    Event.FACTOR_RENAMED: N_("Two-factor method renamed"),
    Event.FACTOR_DEFAULT_CHANGED: N_("Default two-factor method changed"),
    Event.CODE_SENT: N_("Code sent to your phone"),
    Event.RECOVERY_CODE_USED: N_("Recovery code used up, a new one made"),
    Event.RECOVERY_CODE_RENEWED: N_("New recovery code made"),
    Event.RECOVERY_CODE_SAVED: N_("Recovery code confirmed as saved"),
    Event.COMPUTER_NEW: N_("New computer used to sign in"),
    Event.COMPUTER_TRUSTED: N_("Computer trusted"),
    Event.COMPUTER_RENAMED: N_("Trusted computer renamed"),
    Event.COMPUTER_FORGOTTEN: N_("Trusted computer forgotten"),
    Event.COMPUTERS_FORGOTTEN: N_("All trusted computers forgotten"),
    Event.SENDING_CLOSED: N_("Codes to some phone numbers stopped"),
    Event.SENDING_BUDGET_ALARM: N_("Most of the day's codes are sent"),
    Event.SENDING_BUDGET_SPENT: N_("All of the day's codes are sent"),
}
