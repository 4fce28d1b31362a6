"""Which events are notified by email, and the text of the mail; each event defines its subject and first sentence.

Each kind is counted separately, so that many notices of one kind never suppress one of another. The last notice of a
kind in an hour says that it is the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from twofold.audit.events import BY_NAME, Event, Notice, Remedy, detail_of
from twofold.base.actors import ActorKind
from twofold.base.letters import Letter, Link, inert
from twofold.base.texts import N_, _

HOUR = 3600
_REASONS = {"wrong_code", "code_already_used", "clock_off"}


@dataclass(frozen=True, slots=True)
class Details:
    """The details of one event for its notice; `at` is epoch seconds, `is_own` is true if the account caused it.

    `by` is the name of another account that caused it, if that is known.
    """

    at: int
    source: str
    agent: str
    data: Mapping[str, str]
    actor: ActorKind
    is_own: bool
    is_last: bool
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """The service that sends a notice."""

    site_name: str
    base_url: str


WRONG_CODES = Notice(
    N_("Someone with your password entered a wrong code"),
    N_("Someone entered the correct password for your account, and then a wrong verification code or recovery code."),
    an_hour=1,
)
_ASK_FOR_CODES = {Event.SIGN_IN_CODE, Event.SIGN_IN_RECOVERY_CODE, Event.SETTINGS_UNLOCKED}


def notice_of(event: str, outcome: str, reason: str) -> Notice | None:
    """Return the notice of an event, or None if it has none."""
    if outcome == "done":
        return BY_NAME[event].notice if event in BY_NAME else None
    return WRONG_CODES if event in _ASK_FOR_CODES and reason in _REASONS else None


def letter(notice: Notice, details: Details, sender: Sender, *, is_former: bool) -> Letter:
    """Return a notice to the account's address, or to one that it had until recently (`is_former`)."""
    parts: list[str | Link] = [_(notice.text)]
    if subject := _subject(details.data):
        parts.append(_(notice.detail).format(name=subject))
    parts.append(_("When: {time}").format(time=_moment(details.at)))
    parts.append(_actor(details, sender))
    remedy = notice.remedy if details.is_own else Remedy.ADMINISTRATOR
    parts.extend(_former(sender) if is_former else _remedy(remedy, sender))
    if details.is_last:
        parts.append(_("We will not email you about this again for an hour. Your recent activity lists every event."))
    return Letter(f"{_(notice.subject)} - {sender.site_name}", tuple(parts))


def _subject(data: Mapping[str, str]) -> str:
    """Return what the event is about; a name that a person chose must not become a link."""
    return inert(data["name"]) if "name" in data else detail_of(data)


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC")


def _actor(details: Details, sender: Sender) -> str:
    """Return the line that says who caused the event, without another user's address or browser."""
    if details.actor is ActorKind.SYSTEM:
        return _("By: {site_name}").format(site_name=sender.site_name)
    if details.by:
        return _("By: {name}").format(name=inert(details.by))
    if not details.is_own:
        return _("By: an administrator of {site_name}").format(site_name=sender.site_name)
    return _("From: {agent}, {source}").format(agent=inert(details.agent), source=details.source)


def _remedy(remedy: Remedy, sender: Sender) -> tuple[str | Link, ...]:
    if remedy is Remedy.ADMINISTRATOR:
        advice = _("If you did not expect this, contact the person who runs {site_name}.")
        return (advice.format(site_name=sender.site_name),)
    return (
        _("If this was you, you do not need to do anything. If it was not, choose a new password now:"),
        Link(f"{sender.base_url}/forgot-password"),
        _("Then check your settings and recent activity:"),
        Link(f"{sender.base_url}/settings"),
    )


def _former(sender: Sender) -> tuple[str | Link, ...]:
    reason = _("You received this email because the account used this address until recently.")
    advice = _(
        "If you did not change the address, someone else has access to your account. Contact the person who "
        "runs {site_name} now."
    )
    return reason, advice.format(site_name=sender.site_name)
