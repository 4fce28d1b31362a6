"""Of which events the owner is told, how often, and in which words.

Each kind counts for itself, so that many notices of one kind never hide one of another. The last of a kind in an hour
says that it is the last: no change goes by without a word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from twofold.audit.events import Event
from twofold.base.letters import Letter, Link, inert
from twofold.base.texts import N_, _

HOUR = 3600
_MANY = 10
_WRONG_CODES = {"wrong_code", "code_already_used", "clock_off"}


class Remedy(Enum):
    """What somebody can do who did not do it."""

    NEW_PASSWORD = auto()
    ADMINISTRATOR = auto()


@dataclass(frozen=True, slots=True)
class Notice:
    """One kind of notice: headline, first sentence, how many an hour, and what to do."""

    kind: str
    subject: str
    text: str
    an_hour: int = _MANY
    remedy: Remedy = Remedy.NEW_PASSWORD


@dataclass(frozen=True, slots=True)
class Told:
    """What a notice says of one event: when, from where, and of which method; `at` is epoch seconds."""

    at: int
    source: str
    agent: str
    name: str
    is_last: bool


@dataclass(frozen=True, slots=True)
class Place:
    """The service that a notice comes from."""

    site_name: str
    base_url: str


def _deed(event: Event, subject: str, text: str, remedy: Remedy = Remedy.NEW_PASSWORD) -> tuple[Event, Notice]:
    return event, Notice(event.value, subject, text, remedy=remedy)


_DEEDS: Mapping[str, Notice] = dict(
    [
        _deed(Event.PASSWORD_CHANGED, N_("Your password was changed"), N_("The password of your account was changed.")),
        _deed(
            Event.PASSWORD_RESET,
            N_("Your password was changed"),
            N_("A new password for your account was chosen by a link."),
        ),
        _deed(
            Event.EMAIL_CHANGE_STARTED,
            N_("A change of your email was started"),
            N_("Somebody signed in to your account asked to change its email. Nothing is changed yet."),
        ),
        _deed(Event.EMAIL_CHANGED, N_("Your email was changed"), N_("The email of your account was changed.")),
        _deed(
            Event.TWO_FACTOR_ACTIVATED,
            N_("Two-factor authentication was turned on"),
            N_("Two-factor authentication was turned on for your account."),
        ),
        _deed(
            Event.TWO_FACTOR_DISABLED,
            N_("Two-factor authentication was turned off"),
            N_("Two-factor authentication was turned off. The password alone now opens your account."),
        ),
        _deed(
            Event.TWO_FACTOR_POLICY_CHANGED,
            N_("How often a code is asked for was changed"),
            N_("How often your account asks for a verification code was changed."),
        ),
        _deed(
            Event.TWO_FACTOR_RESET,
            N_("Two-factor authentication was reset"),
            N_("An administrator removed all two-factor methods of your account. The password alone now opens it."),
            Remedy.ADMINISTRATOR,
        ),
        _deed(
            Event.FACTOR_ADDED,
            N_("A two-factor method was added"),
            N_("A two-factor method was added to your account."),
        ),
        _deed(
            Event.FACTOR_REPLACED,
            N_("A two-factor method was replaced"),
            N_("A two-factor method of your account was replaced by another."),
        ),
        _deed(
            Event.FACTOR_REMOVED,
            N_("A two-factor method was removed"),
            N_("A two-factor method was removed from your account."),
        ),
        _deed(
            Event.FACTOR_DEFAULT_CHANGED,
            N_("Your default two-factor method was changed"),
            N_("The two-factor method that your account asks for first was changed."),
        ),
        _deed(
            Event.RECOVERY_CODE_USED,
            N_("Your recovery code was used"),
            N_("The recovery code of your account was used. It is dead now, and a new one was shown."),
        ),
        _deed(
            Event.RECOVERY_CODE_RENEWED,
            N_("A new recovery code was made"),
            N_("A new recovery code was made for your account. The old one is dead."),
        ),
        _deed(
            Event.COMPUTER_NEW,
            N_("Your account was used on a new computer"),
            N_("Somebody signed in to your account with a browser or program that it has not seen before."),
        ),
        _deed(
            Event.ALL_SESSIONS_ENDED,
            N_("All your sessions were ended"),
            N_("An administrator ended all sessions of your account and forgot all its trusted computers."),
            Remedy.ADMINISTRATOR,
        ),
        _deed(
            Event.ACCOUNT_DISABLED,
            N_("Your account was disabled"),
            N_("An administrator disabled your account. Nobody can sign in to it."),
            Remedy.ADMINISTRATOR,
        ),
        _deed(
            Event.ACCOUNT_ENABLED,
            N_("Your account was enabled"),
            N_("An administrator enabled your account again."),
            Remedy.ADMINISTRATOR,
        ),
        _deed(
            Event.ACCOUNT_CLOSED,
            N_("Your account was closed"),
            N_("Your account was closed. All that belonged to it is deleted, except the record of what happened."),
            Remedy.ADMINISTRATOR,
        ),
    ]
)
_GUESSED = Notice(
    "wrong_codes",
    N_("Somebody with your password gave a wrong code"),
    N_("Somebody gave the right password of your account, and then a wrong verification or recovery code."),
    an_hour=1,
)
_ASK_FOR_CODES = {Event.SIGN_IN_CODE, Event.SIGN_IN_RECOVERY_CODE, Event.SETTINGS_UNLOCKED}


def notice_of(event: str, outcome: str, reason: str) -> Notice | None:
    """Tell which notice an event calls for, if any."""
    if outcome == "done":
        return _DEEDS.get(event)
    return _GUESSED if event in _ASK_FOR_CODES and reason in _WRONG_CODES else None


def letter(notice: Notice, told: Told, place: Place, *, is_former: bool) -> Letter:
    """Write a notice to the account's address, or to one that was its own until not long ago (`is_former`)."""
    parts: list[str | Link] = [_(notice.text)]
    if told.name:
        parts.append(_("Method: {name}").format(name=inert(told.name)))
    parts.append(_("When: {time}").format(time=_moment(told.at)))
    parts.append(_where(told))
    parts.extend(_former(place) if is_former else _remedy(notice.remedy, place))
    if told.is_last:
        parts.append(_("For the next hour you will get no more mails of this kind. Recent activity lists all."))
    return Letter(f"{_(notice.subject)} - {place.site_name}", tuple(parts))


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC")


def _where(told: Told) -> str:
    if not told.source:
        return _("From: an administrator of the service")
    return _("From: {agent}, {source}").format(agent=inert(told.agent), source=told.source)


def _remedy(remedy: Remedy, place: Place) -> tuple[str | Link, ...]:
    if remedy is Remedy.ADMINISTRATOR:
        asked = _("If you did not expect this, ask the person who runs {site_name}.")
        return (asked.format(site_name=place.site_name),)
    return (
        _("If this was you, there is nothing to do. If not, choose a new password at once:"),
        Link(f"{place.base_url}/forgot-password"),
        _("Then look through your settings and your recent activity:"),
        Link(f"{place.base_url}/settings"),
    )


def _former(place: Place) -> tuple[str | Link, ...]:
    told = _("You get this because the account had this address until not long ago.")
    asked = _("If you did not change it, tell the person who runs {site_name} at once: somebody has your account.")
    return told, asked.format(site_name=place.site_name)
