"""Telling of events, in their own transaction: a change and the word of it stand or fall together."""

import msgspec

from twofold.accounts import store as accounts
from twofold.audit.store import Entry
from twofold.base import outbox, throttle
from twofold.base.acts import Act
from twofold.base.languages import spoken
from twofold.base.letters import mail
from twofold.config import Rate
from twofold.notices import rules
from twofold.notices.rules import Notice, Place, Told

_LIFE = 3 * 86400  # seconds: as long as a mail server may be away


async def tell(act: Act, entry: Entry) -> None:
    """Tell the owner of an event, at every address that notices still reach."""
    if entry.account_id is None:
        return
    data = msgspec.json.decode(entry.data)
    notice = rules.notice_of(entry.name, entry.outcome, data.get("reason", ""))
    if notice is None:
        return
    left = await _take(act, entry.account_id, notice)
    if left is None:
        return
    told = Told(entry.at, entry.source, entry.agent, data.get("name", ""), is_last=left == 0)
    place = Place(act.site.config.site_name, act.site.config.base_url)
    reached = await accounts.addresses(act.tx, entry.account_id, act.now)
    for index, (address, locale) in enumerate(reached.items()):
        with spoken(act, locale):
            message = mail(address, rules.letter(notice, told, place, is_former=index > 0))
        await outbox.post(act, message, expires_at=act.now + _LIFE)


async def _take(act: Act, account_id: str, notice: Notice) -> int | None:
    """Count one more notice of a kind; gives how many may follow within the hour, or None when this one may not."""
    key, rates = f"notice:{account_id}:{notice.kind}", (Rate(notice.an_hour, rules.HOUR),)
    tally = await throttle.hold(act.tx, key)
    if throttle.blocked_until(tally, rates, act.now) is not None:
        return None
    tally = throttle.with_attempt(tally, rates, act.now)
    await throttle.save(act.tx, key, tally)
    return throttle.attempts_left(tally, rates, act.now)
