"""Telling administrators, once for each closing and alarm: an event, a sighting for `doctor`, a log line, a mail."""

import logging
from collections.abc import Callable

from twofold.accounts import store as accounts
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import sightings
from twofold.base.acts import Act
from twofold.base.languages import spoken
from twofold.base.letters import Letter, mail
from twofold.base.outbox import post
from twofold.base.texts import _
from twofold.factors.spending.rules import A_DAY, Conversion, Told

CLOSED = "sending closed"
BUDGET = "sending budget"

_log = logging.getLogger("twofold")
_HEARS = 50  # administrators who get a mail; with more, all others read the log


async def tell_of_closing(act: Act, name: str, seen: Conversion) -> None:
    """Tell that nothing is sent to new numbers of a prefix or country for twelve hours."""
    sent, used = seen.sent_with_young, seen.used_with_young
    await audit.record(act, Event.SENDING_CLOSED, None, numbers=name, sent=sent, used=used)
    await _tell(act, CLOSED, f"{name}: {used} of {sent} codes used", lambda: _closing(name, sent, used))


async def tell_of_budget(act: Act, told: Told, sent: int, most: int) -> None:
    """Tell that four fifths of the day's budget, or all of it, are spent."""
    event = Event.SENDING_BUDGET_SPENT if told is Told.SPENT else Event.SENDING_BUDGET_ALARM
    await audit.record(act, event, None, sent=sent, budget=most)
    await _tell(act, BUDGET, f"{sent} of {most} spent", lambda: _budget(told, sent, most))


async def _tell(act: Act, name: str, detail: str, write: Callable[[], Letter]) -> None:
    await sightings.save(act.tx, name, detail, act.now)
    act.afterwards.append(lambda: _log.warning("%s: %s", name, detail))
    for email, locale in (await accounts.administrators(act.tx, limit=_HEARS)).items():
        with spoken(act, locale):
            message = mail(email, write())
        await post(act, message, expires_at=act.now + A_DAY)


def _closing(name: str, sent: int, used: int) -> Letter:
    return Letter(
        _("Codes to numbers {name} stopped").format(name=name),
        (
            _(
                "In about an hour {sent} codes were sent to phone numbers {name}, and {used} of them were used. That"
                " looks like fraud: somebody may earn from messages that you pay for. For twelve hours no code is sent"
                " to new numbers like these; numbers at which somebody used a code in the last ninety days go on"
                " working."
            ).format(sent=sent, name=name, used=used),
            _("`twofold doctor` shows the day's budget. TWOFOLD_PHONE_COUNTRIES says which countries are served."),
        ),
    )


def _budget(told: Told, sent: int, most: int) -> Letter:
    is_spent = told is Told.SPENT
    return Letter(
        _("{sent} of {most} codes sent today").format(sent=sent, most=most),
        (
            _("Today {sent} of at most {most} codes were sent by text message and voice call.").format(
                sent=sent, most=most
            ),
            _("No more codes are sent until midnight UTC.") if is_spent else _("When it is spent, sending stops."),
            _(
                "If people need more, raise TWOFOLD_SEND_BUDGET and restart. If not, look at the security events for"
                " who asks for them."
            ),
        ),
    )
