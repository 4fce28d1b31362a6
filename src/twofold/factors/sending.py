"""Sending codes, for every door alike: who may have one sent, and what is told of a message that nobody carries."""

from gettext import NullTranslations

from twofold.audit.events import Event
from twofold.base.acts import Act
from twofold.base.outbox import Courier, Outcome
from twofold.base.problems import FieldError, InvalidRequest, Problem
from twofold.base.site import Site
from twofold.base.texts import N_
from twofold.factors import store
from twofold.factors.contract import Kinds
from twofold.factors.proofs import closed
from twofold.factors.rules import TwoFactor
from twofold.factors.sentcode import actions as sentcode
from twofold.factors.sentcode.rules import Request, SentCode
from twofold.factors.spending.rules import CannotSend

NOT_CARRIED = N_("We could not send a code just now. Try again in a minute, or use another way.")
_PATIENCE = 5.0  # seconds that a request waits to learn how a message fares


async def send_code_to(
    act: Act, account_id: str, factor_id: str, request: Request, language: NullTranslations
) -> SentCode | Problem:
    """Send a code to one of the account's verified phones; whose codes are refused anyhow gets none.

    Raises InvalidRequest for what is no such phone, and Unavailable.
    """
    factor = (await store.two_factor(act.tx, account_id)).factor(factor_id)
    kind = act.site.part(Kinds).phone(factor.kind) if factor else None
    if factor is None or kind is None:
        raise InvalidRequest(FieldError("factor_id", N_("Choose one of your own verified phones.")))
    if (refused := await closed(act, Event.CODE_SENT, account_id)) is not None:
        return refused
    return await sentcode.send(act, kind, factor, request, language)


async def last_sent(act: Act, account_id: str, chosen: TwoFactor, request: Request) -> SentCode | None:
    """Give the code that was sent last for this request; who has no phone costs no question."""
    phones = act.site.part(Kinds).phone
    if not any(phones(factor.kind) for factor in chosen.factors):
        return None
    return await sentcode.last(act, account_id, request)


async def delivered(site: Site, sent: SentCode) -> SentCode:
    """Wait a little, outside any transaction, until a courier has taken the message. Raises CannotSend."""
    if await site.part(Courier).outcome(sent.message_id, _PATIENCE) is Outcome.REFUSED:
        raise CannotSend(NOT_CARRIED)
    return sent
