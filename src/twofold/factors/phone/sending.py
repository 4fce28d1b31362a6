"""The delivery of messages with codes, and the notice to a removed number."""

from collections.abc import Sequence

from twofold.accounts import store as accounts
from twofold.base.languages import speaking
from twofold.base.outbox import DeliveryPort, Outcome, Reason, delivery_status, post
from twofold.base.problems import Unavailable
from twofold.base.texts import N_
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.factors import store
from twofold.factors.contract import Challenge, Factor
from twofold.factors.phone.contract import PhoneKind
from twofold.factors.phone.numbers import NO_TEXTS, read_number
from twofold.factors.phone.sendlimits import actions as sendlimits
from twofold.factors.rules import NOT_SENT, CannotSend

_REASONS: dict[Reason | None, str] = {
    Reason.CANNOT_TAKE_TEXTS: NO_TEXTS,
    Reason.OPTED_OUT: N_(
        "You replied STOP to our text messages. Reply START to get them again, or use another method."
    ),
    Reason.NOT_SERVED: N_(
        "We cannot send codes to numbers like this one at the moment. Use another method or another number."
    ),
    Reason.DOUBTFUL: N_("The code may not arrive. Wait a minute and ask for a new one, or use another method."),
    Reason.UNREACHABLE: N_("We could not reach this number. Check it, or use another method."),
}
_AGAIN = 60  # seconds, after which most courier failures have passed
_MAX_WAIT = 5.0  # seconds that a request waits for the delivery status of a message
_NOTICE_LIFETIME = 86_400  # seconds


async def deliver(runner: Runner, kind: PhoneKind, challenge: Challenge) -> None:
    """Wait briefly, outside a transaction, until a courier has accepted the message. Raise CannotSend if none does."""
    if await runner.site.part(DeliveryPort).outcome(challenge.reference, _MAX_WAIT) is Outcome.REFUSED:
        raise CannotSend(await runner.write(_why_not, kind, challenge), wait=_AGAIN)


async def why_not_sent(uow: UnitOfWork, message_id: str) -> str | None:
    """Return why a message was not delivered, or None; a courier may report that after it accepted the message."""
    status = await delivery_status(uow, message_id)
    return _REASONS.get(status.reason, NOT_SENT) if status.outcome is Outcome.REFUSED else None


async def _why_not(uow: UnitOfWork, kind: PhoneKind, challenge: Challenge) -> str:
    """Return why a message was not delivered, and record a number that cannot receive messages.

    A phone without reception is not recorded, because it may be reachable again in a minute.
    """
    reason = (await delivery_status(uow, challenge.reference)).reason
    factor = await store.find(uow.tx, challenge.account_id, challenge.factor_id)
    if factor is not None and reason is Reason.CANNOT_TAKE_TEXTS:
        await sendlimits.unreachable(uow, kind.number(factor), kind.kind)
    return _REASONS.get(reason, NOT_SENT)


async def notify_number_removed(uow: UnitOfWork, kind: PhoneKind, factor: Factor, remaining: Sequence[Factor]) -> None:
    """Send a notice to a removed number, so that its owner learns of a removal by an intruder.

    Nothing is sent to a number that another factor still uses, or if a limit forbids it; every removal is also reported
    by email.
    """
    try:
        number = kind.number(factor)
        if number in [kind.number(each) for each in remaining]:
            return
        with speaking(uow, await accounts.locale_of(uow.tx, factor.account_id)):
            message = kind.removal_notice(number)
    except Unavailable:  # the number cannot be opened, but its removal must still succeed
        return
    if not await sendlimits.permit_notice(uow, read_number(number), kind.kind, factor.notice_day):
        return
    await post(uow, message, expires_at=uow.now + _NOTICE_LIFETIME)
