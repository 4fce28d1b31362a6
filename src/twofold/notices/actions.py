"""Notices of events, posted in the transaction of the event so that both are committed together."""

import msgspec

from twofold.accounts import store as accounts
from twofold.audit.store import Entry
from twofold.base import outbox, throttle
from twofold.base.languages import speaking
from twofold.base.letters import mail
from twofold.base.unit_of_work import UnitOfWork
from twofold.config import Rate
from twofold.notices import rules
from twofold.notices.rules import Details, Sender

NOTICES = "notice:"  # prefix of the throttle keys of notices
_NOTICE_LIFETIME = 3 * 86400  # seconds: notices survive outages of a mail server up to this long


async def notify(uow: UnitOfWork, entry: Entry) -> None:
    """Post the notice of an event, if it has one, to every address that still receives notices."""
    if entry.account_id is None:
        return
    data = msgspec.json.decode(entry.data)
    notice = rules.notice_of(entry.name, entry.outcome, data.get("reason", ""))
    if notice is None:
        return
    kind = entry.name if notice is not rules.WRONG_CODES else "wrong_codes"
    left = await _count(uow, f"{NOTICES}{entry.account_id}:{kind}", notice.an_hour)
    if left is None:
        return
    details = await _details(uow, entry, data, is_last=left == 0)
    sender = Sender(uow.site.config.site_name, uow.site.config.base_url)
    recipients = await accounts.addresses(uow.tx, entry.account_id, uow.now)
    for index, (address, locale) in enumerate(recipients.items()):
        with speaking(uow, locale):
            message = mail(address, rules.letter(notice, details, sender, is_former=index > 0))
        await outbox.post(uow, message, expires_at=uow.now + _NOTICE_LIFETIME)


async def _details(uow: UnitOfWork, entry: Entry, data: dict[str, str], *, is_last: bool) -> Details:
    source, agent = entry.client
    return Details(
        at=entry.at,
        source=source,
        agent=agent,
        data=data,
        actor=entry.actor,
        is_own=entry.is_own,
        is_last=is_last,
        by=await accounts.name_of(uow.tx, entry.actor_id) if entry.actor_id and not entry.is_own else None,
    )


async def _count(uow: UnitOfWork, key: str, an_hour: int) -> int | None:
    """Count a notice of a kind; return how many more are allowed this hour, or None if this one is not."""
    rates = (Rate(an_hour, rules.HOUR),)
    tally = await throttle.lock(uow.tx, key)
    if throttle.blocked_until(tally, rates, uow.now) is not None:
        return None
    tally = throttle.with_attempt(tally, rates, uow.now)
    await throttle.save(uow.tx, key, tally)
    return throttle.attempts_left(tally, rates, uow.now)
