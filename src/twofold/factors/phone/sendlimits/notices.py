"""Alerts to administrators, one per block and alarm: an event, an entry for `doctor`, a log line and an email."""

import logging
from collections.abc import Callable

from twofold.accounts import store as accounts
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import sightings
from twofold.base.actors import SYSTEM
from twofold.base.languages import speaking
from twofold.base.letters import Letter, mail
from twofold.base.outbox import post
from twofold.base.texts import _
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors.phone.sendlimits.rules import A_DAY, BudgetAlert, Conversion

BLOCKED = "sending closed"
BUDGET = "sending budget"

_log = logging.getLogger("twofold")
_MAX_RECIPIENTS = 50  # administrators who get an email; if there are more, the others rely on the log


async def alert_blocked(uow: UnitOfWork, name: str, seen: Conversion) -> None:
    """Report that nothing is sent to new numbers of a prefix or country for twelve hours."""
    sent, used = seen.sent_with_recent, seen.used_with_recent
    await audit.record(uow.acting_as(SYSTEM), Event.SENDING_CLOSED, None, numbers=name, sent=sent, used=used)
    await _alert(uow, BLOCKED, f"{name}: {used} of {sent} codes used", lambda: _blocked_letter(name, sent, used))


async def alert_budget(uow: UnitOfWork, alert: BudgetAlert, sent: int, most: int) -> None:
    """Report that four fifths of the day's budget, or all of it, have been used."""
    event = Event.SENDING_BUDGET_SPENT if alert is BudgetAlert.SPENT else Event.SENDING_BUDGET_ALARM
    await audit.record(uow.acting_as(SYSTEM), event, None, sent=sent, budget=most)
    await _alert(uow, BUDGET, f"{sent} of {most} spent", lambda: _budget_letter(alert, sent, most))


async def _alert(uow: UnitOfWork, name: str, detail: str, write: Callable[[], Letter]) -> None:
    await sightings.save(uow.tx, name, detail, uow.now)
    uow.afterwards.append(lambda: _log.warning("%s: %s", name, detail))
    for email, locale in (await accounts.administrators(uow.tx, limit=_MAX_RECIPIENTS)).items():
        with speaking(uow, locale):
            message = mail(email, write())
        await post(uow, message, expires_at=uow.now + A_DAY)


def _blocked_letter(name: str, sent: int, used: int) -> Letter:
    return Letter(
        _("Codes to new numbers {name} are paused").format(name=name),
        (
            _(
                "In about an hour, {sent} codes were sent to phone numbers {name}, and {used} of them were "
                "used. This looks like fraud: someone may be earning money from messages that you pay for. "
                "For the next 12 hours, no codes are sent to new numbers like these. Numbers that used a code "
                "in the last 90 days still get codes."
            ).format(sent=sent, name=name, used=used),
            _(
                "To see today's budget, run `twofold doctor`. To change which countries get codes, set "
                "TWOFOLD_PHONE_COUNTRIES."
            ),
        ),
    )


def _budget_letter(alert: BudgetAlert, sent: int, most: int) -> Letter:
    is_spent = alert is BudgetAlert.SPENT
    return Letter(
        _("{sent} of {most} messages used today").format(sent=sent, most=most),
        (
            _(
                "Today, {sent} of {most} text messages and voice calls have been sent, or reserved for "
                "notices to numbers that are removed."
            ).format(sent=sent, most=most),
            _("No more codes are sent until midnight UTC.")
            if is_spent
            else _("When all are used, no more codes are sent until midnight UTC."),
            _(
                "If you expect this many, raise TWOFOLD_SEND_BUDGET and restart Twofold. If not, check the "
                "security events to see who asked for the codes."
            ),
        ),
    )
