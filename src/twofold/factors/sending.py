"""Sending codes, for every door alike: who may have one sent, and what is told of a message that nobody carries."""

from twofold.audit.events import Event
from twofold.base.acts import Act, Acts
from twofold.base.outbox import Carrier, Outcome, Reason, fate
from twofold.base.problems import FieldError, InvalidRequest, Problem
from twofold.base.texts import N_
from twofold.factors import store
from twofold.factors.contract import Kinds
from twofold.factors.numbers import NO_TEXTS
from twofold.factors.proofs import closed
from twofold.factors.rules import TwoFactor
from twofold.factors.sentcode import actions as sentcode
from twofold.factors.sentcode.rules import LiveCode, Request
from twofold.factors.spending import actions as spending
from twofold.factors.spending.rules import CannotSend

_TOLD: dict[Reason | None, str] = {
    Reason.CANNOT_TAKE_TEXTS: NO_TEXTS,
    Reason.OPTED_OUT: N_("You answered STOP to our text messages. Answer START to get them again, or use another way."),
    Reason.NOT_SERVED: N_("We cannot send codes to numbers like this one now. Use another way, or another number."),
    Reason.DOUBTFUL: N_("The code may not arrive. Wait a minute and ask for a new one, or use another way."),
    Reason.UNREACHABLE: N_("This number cannot be reached. Check it, or use another way."),
}
NOT_CARRIED = N_("We could not send a code just now. Try again in a minute, or use another way.")
_AGAIN = 60  # seconds: by then most troubles of a courier are over
_PATIENCE = 5.0  # seconds that a request waits to learn how a message fares


async def send_code_to(act: Act, account_id: str, factor_id: str, request: Request) -> LiveCode | Problem:
    """Send a code to one of the account's verified phones; whose codes are refused anyhow gets none.

    Raises InvalidRequest for what is no such phone, and Unavailable.
    """
    factor = (await store.two_factor(act.tx, account_id)).factor(factor_id)
    kind = act.site.part(Kinds).phone(factor.kind) if factor else None
    if factor is None or kind is None:
        raise InvalidRequest(FieldError("factor_id", N_("Choose one of your own verified phones.")))
    if (refused := await closed(act, Event.CODE_SENT, account_id)) is not None:
        return refused
    return await sentcode.send(act, kind, factor, request)


async def last_sent(act: Act, account_id: str, chosen: TwoFactor, request: Request) -> LiveCode | None:
    """Give the code that was sent last for this request; who has no phone costs no question."""
    phones = act.site.part(Kinds).phone
    if not any(phones(factor.kind) for factor in chosen.factors):
        return None
    return await sentcode.last(act, account_id, request)


async def delivered(acts: Acts, sent: LiveCode) -> LiveCode:
    """Wait a little, outside any transaction, until a courier has taken the message. Raises CannotSend."""
    if await acts.site.part(Carrier).outcome(sent.message_id, _PATIENCE) is Outcome.REFUSED:
        raise CannotSend(await acts.write(_why_not, sent), wait=_AGAIN)
    return sent


async def why_not_carried(act: Act, sent: LiveCode | None) -> str | None:
    """Tell why nobody carries the message of a code, should that be so: a courier may find it out later."""
    if sent is None or not sent.is_alive(act.now):
        return None
    found = await fate(act, sent.message_id)
    return _TOLD.get(found.reason, NOT_CARRIED) if found.outcome is Outcome.REFUSED else None


async def _why_not(act: Act, sent: LiveCode) -> str:
    """Tell why nobody carries a message, and let the guard know of a number that can take none.

    A phone that is out of reach is no such number: it may be back in a minute.
    """
    reason = (await fate(act, sent.message_id)).reason
    factor = await store.find(act.tx, sent.account_id, sent.factor_id)
    kind = act.site.part(Kinds).phone(factor.kind) if factor else None
    if factor is not None and kind is not None and reason is Reason.CANNOT_TAKE_TEXTS:
        await spending.unreachable(act, kind.number(factor), kind.kind)
    return _TOLD.get(reason, NOT_CARRIED)
