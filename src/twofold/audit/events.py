"""All events, each with its name, its label on pages and its notice, if any."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Self

from twofold.base.texts import N_, _
from twofold.base.visitor import ROLE_LABELS


class Remedy(Enum):
    """What the reader of a notice can do about an event that they did not cause."""

    NEW_PASSWORD = auto()
    ADMINISTRATOR = auto()


@dataclass(frozen=True, slots=True)
class Notice:
    """The mail about an event: headline, first sentence, what to do, how many an hour, and a line about its detail."""

    subject: str
    text: str
    remedy: Remedy = Remedy.NEW_PASSWORD
    an_hour: int = 10
    detail: str = N_("Method: {name}")


class Event(StrEnum):
    """An event, named `subject:action`. Retired names stay in the list."""

    _value_: str
    label: str
    notice: Notice | None

    def __new__(cls, name: str, label: str, notice: Notice | None = None) -> Self:
        """Create a member; pages show `label`."""
        event = str.__new__(cls, name)
        event._value_, event.label, event.notice = name, label, notice
        return event

    ACCOUNT_CREATED = ("account:created", N_("Account created"))
    ACCOUNT_DISABLED = (
        "account:disabled",
        N_("Account disabled by an administrator"),
        Notice(N_("Your account was disabled"), N_("Your account was disabled. You can no longer sign in to it.")),
    )
    ACCOUNT_ENABLED = (
        "account:enabled",
        N_("Account enabled by an administrator"),
        Notice(N_("Your account was enabled"), N_("Your account was enabled. You can sign in to it again.")),
    )
    DATA_EXPORTED = (
        "account:exported",
        N_("Data downloaded"),
        Notice(
            N_("Your data was downloaded"),
            N_("Someone who is signed in to your account downloaded a copy of the data in it."),
        ),
    )
    ACCOUNT_INVITED = ("account:invited", N_("Invited"))
    ACCOUNT_UNLOCKED = ("account:unlocked", N_("Limits lifted by an administrator"))
    ACCOUNT_CLOSED = ("account:closed", N_("Account deleted"))  # retired
    ACCOUNT_DELETED = (
        "account:deleted",
        N_("Account deleted"),
        Notice(
            N_("Your account was deleted"),
            N_("Your account was deleted, with everything in it. This cannot be undone."),
            Remedy.ADMINISTRATOR,
        ),
    )
    EMAIL_CONFIRMATION_SENT = ("email:confirmation_sent", N_("Email confirmation requested"))
    EMAIL_CONFIRMED = (
        "email:confirmed",
        N_("Email confirmed"),
        Notice(
            N_("Your email address was confirmed"),
            N_("The email address of your account was confirmed. Applications that you sign in to can now see it."),
        ),
    )
    EMAIL_CHANGE_STARTED = (
        "email:change_started",
        N_("Email change requested"),
        Notice(
            N_("A change of your email address was requested"),
            N_("Someone who is signed in to your account asked to change its email address. Nothing has changed yet."),
        ),
    )
    EMAIL_CHANGED = (
        "email:changed",
        N_("Email changed"),
        Notice(N_("Your email address was changed"), N_("The email address of your account was changed.")),
    )
    NAME_CHANGED = ("name:changed", N_("Name changed"))
    USERNAME_CHANGED = (
        "username:changed",
        N_("Username changed"),
        Notice(
            N_("Your username was changed"),
            N_("The username of your account was changed. You still sign in with your email address."),
            detail=N_("Username: {name}"),
        ),
    )
    ROLE_CHANGED = (
        "role:changed",
        N_("Role changed"),
        Notice(N_("Your role was changed"), N_("The role of your account was changed."), detail=N_("Role: {name}")),
    )
    GROUP_ADDED = ("group:added", N_("Group added"))
    GROUP_REMOVED = ("group:removed", N_("Group removed"))
    GROUP_JOINED = (
        "group:joined",
        N_("Added to a group"),
        Notice(N_("You were added to a group"), N_("Your account was added to a group."), detail=N_("Group: {name}")),
    )
    GROUP_LEFT = (
        "group:left",
        N_("Removed from a group"),
        Notice(
            N_("You were removed from a group"),
            N_("Your account was removed from a group."),
            detail=N_("Group: {name}"),
        ),
    )
    PASSWORD_CHANGED = (
        "password:changed",
        N_("Password changed"),
        Notice(N_("Your password was changed"), N_("The password of your account was changed.")),
    )
    PASSWORD_RESET = (
        "password:reset",
        N_("Password reset"),
        Notice(N_("Your password was changed"), N_("A new password was chosen for your account with a reset link.")),
    )
    PASSWORD_RESET_OFFERED = ("password:reset_offered", N_("Password reset link created by an administrator"))
    PASSWORD_RESET_ASKED = ("password:reset_asked", N_("Password reset requested"))
    SIGN_IN_PASSWORD = ("sign_in:password", N_("Password entered"))
    SIGN_IN_CODE = ("sign_in:code", N_("Verification code entered"))
    SIGN_IN_RECOVERY_CODE = ("sign_in:recovery_code", N_("Recovery code entered"))
    SIGN_IN_CANCELLED = ("sign_in:cancelled", N_("Sign-in cancelled"))
    SIGNED_IN = ("sign_in:completed", N_("Signed in"))
    SIGNED_OUT = ("session:signed_out", N_("Signed out"))
    SESSION_ENDED = ("session:ended", N_("Session ended"))
    SESSIONS_ENDED = ("session:others_ended", N_("Sessions ended"))
    ALL_SESSIONS_ENDED = (
        "session:all_ended",
        N_("All sessions ended by an administrator"),
        Notice(
            N_("All your sessions were ended"),
            N_("All sessions of your account were ended, and all its trusted computers were forgotten."),
        ),
    )
    SETTINGS_UNLOCKED = ("settings:unlocked", N_("Authenticated to change settings"))
    SETTINGS_LOCKED = ("settings:locked", N_("Settings locked"))
    SETTINGS_CHANGE = ("settings:change", N_("Settings change"))
    TWO_FACTOR_ACTIVATED = (
        "two_factor:activated",
        N_("Two-factor authentication turned on"),
        Notice(
            N_("Two-factor authentication was turned on"),
            N_("Two-factor authentication was turned on for your account."),
        ),
    )
    TWO_FACTOR_DISABLED = (
        "two_factor:disabled",
        N_("Two-factor authentication turned off"),
        Notice(
            N_("Two-factor authentication was turned off"),
            N_("Two-factor authentication was turned off for your account. You now sign in with your password alone."),
        ),
    )
    TWO_FACTOR_POLICY_CHANGED = (
        "two_factor:policy_changed",
        N_("2FA frequency changed"),
        Notice(
            N_("Your 2FA frequency was changed"),
            N_("How often your account asks for a verification code was changed."),
        ),
    )
    TWO_FACTOR_RESET = (
        "two_factor:reset",
        N_("Two-factor authentication reset by an administrator"),
        Notice(
            N_("Two-factor authentication was reset"),
            N_("All two-factor methods of your account were removed. You now sign in with your password alone."),
        ),
    )
    FACTOR_STARTED = ("factor:started", N_("Setup of a two-factor method started"))
    FACTOR_ADDED = (
        "factor:added",
        N_("Two-factor method added"),
        Notice(N_("A two-factor method was added"), N_("A two-factor method was added to your account.")),
    )
    FACTOR_REPLACED = (
        "factor:replaced",
        N_("Two-factor method replaced"),
        Notice(N_("A two-factor method was replaced"), N_("A two-factor method on your account was replaced.")),
    )
    FACTOR_REMOVED = (
        "factor:removed",
        N_("Two-factor method removed"),
        Notice(N_("A two-factor method was removed"), N_("A two-factor method was removed from your account.")),
    )
    FACTOR_RENAMED = ("factor:renamed", N_("Two-factor method renamed"))
    FACTOR_DEFAULT_CHANGED = (
        "factor:default_changed",
        N_("Default two-factor method changed"),
        Notice(
            N_("Your default two-factor method was changed"),
            N_("The two-factor method that your account asks for first was changed."),
        ),
    )
    CODE_SENT = ("code:sent", N_("Code sent to your phone"))
    RECOVERY_CODE_USED = (
        "recovery_code:used",
        N_("Recovery code used and replaced"),
        Notice(
            N_("Your recovery code was used"),
            N_("The recovery code of your account was used. It no longer works, and a new one was shown."),
        ),
    )
    RECOVERY_CODE_REPEATED = (
        "recovery_code_repeated",
        N_("Recovery code entered again after a lost response, and replaced"),
    )
    RECOVERY_CODE_RENEWED = (
        "recovery_code:renewed",
        N_("New recovery code created"),
        Notice(
            N_("A new recovery code was created"),
            N_("A new recovery code was created for your account. The old one no longer works."),
        ),
    )
    RECOVERY_CODE_SAVED = ("recovery_code:saved", N_("Recovery code confirmed as saved"))
    COMPUTER_NEW = (
        "computer:new",
        N_("Signed in on a new computer"),
        Notice(
            N_("Your account was used on a new computer"),
            N_("Someone signed in to your account with a browser or program that had not been used with it before."),
        ),
    )
    COMPUTER_TRUSTED = ("computer:trusted", N_("Computer trusted"))
    COMPUTER_RENAMED = ("computer:renamed", N_("Trusted computer renamed"))
    COMPUTER_FORGOTTEN = ("computer:forgotten", N_("Trusted computer forgotten"))
    COMPUTERS_FORGOTTEN = ("computer:all_forgotten", N_("All trusted computers forgotten"))
    SENDING_CLOSED = ("sending:closed", N_("Codes to some phone numbers paused"))
    SENDING_BUDGET_ALARM = ("sending:budget_alarm", N_("Most of today's messages have been sent"))
    SENDING_BUDGET_SPENT = ("sending:budget_spent", N_("All of today's messages have been sent"))


BY_NAME: dict[str, Event] = {event.value: event for event in Event}


def detail_of(data: Mapping[str, str]) -> str:
    """Return what an event is about: the name of a factor or group, a username, or a role in words."""
    if label := ROLE_LABELS.get(data.get("role", "")):
        return _(label)
    return data.get("name") or data.get("username") or data.get("group") or ""
