"""The check of sent messages for `twofold doctor`."""

from collections.abc import Iterator

from twofold.base.clock import rfc3339
from twofold.base.database import Database
from twofold.base.feature import Checked
from twofold.base.sightings import seen_since
from twofold.config import PREFIX, Config
from twofold.factors.phone.sendlimits import rules, store
from twofold.factors.phone.sendlimits.notices import BLOCKED


async def check_sending(config: Config, db: Database, now: int) -> list[Checked]:
    """Return how much of the day's budget is used, and which numbers are blocked for now."""
    if not (config.sms_url or config.voice_url):
        return []
    sent = await db.read(store.sent_today, now)
    blocked = await db.read(seen_since, BLOCKED, now - rules.BLOCKED_FOR)
    return [_budget(sent, config.send_budget), *_blocked(blocked)]


def _budget(sent: int, budget: int) -> Checked:
    alarm = rules.budget_alert(sent, budget)
    end = f"; at the limit, sending stops until midnight UTC ({PREFIX}SEND_BUDGET)" if alarm else ""
    return "warn" if alarm else "ok", "sending", f"{sent} of {budget} messages were sent today{end}."


def _blocked(blocked: list[tuple[str, int]]) -> Iterator[Checked]:
    for detail, at in blocked:
        end = rfc3339(at + rules.BLOCKED_FOR)
        yield "warn", "sending", f"Possible fraud: new numbers like these get no codes until {end}: {detail}."
