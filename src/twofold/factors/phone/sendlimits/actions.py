"""Check the limits on sending, and record whether codes were used. Numbers are E.164, stored only as keyed hashes.

A new server key changes the hashes, so all limits start again from zero and blocked prefixes are unblocked.
"""

from dataclasses import replace
from typing import Literal

from twofold.base.problems import Problem
from twofold.base.unit_of_work import UnitOfWork
from twofold.config import Config
from twofold.factors.phone.numbers import NO_TEXTS, Number, is_served
from twofold.factors.phone.sendlimits import notices, rules, store
from twofold.factors.phone.sendlimits.rules import BudgetAlert, Limits, TooManySends
from twofold.factors.phone.sendlimits.store import Day, Send
from twofold.factors.rules import CannotSend, CountryNotServed

_PURPOSE = "spending"  # of the hash keys


async def permit(
    uow: UnitOfWork, account_id: str, number: Number, channel: str, *, binds: str | None = None
) -> int | Problem:
    """Count a code that is posted in this transaction; `channel` is sms or voice.

    `binds` is the id of a factor that is being enrolled: its code takes a second message from the budget, for the
    notice of its removal.

    Return the time (epoch seconds) from which the next code may be requested, or the refusal, which the caller must
    return: CountryNotServed, TooManySends or CannotSend. A refused send is not counted, so that repeated requests by an
    attacker do not make the owner wait longer.
    """
    config = uow.site.config
    if not is_served(number.countries, config.phone_countries):
        return CountryNotServed()
    send, limits = _send(uow, account_id, number), limits_of(config)
    day = await store.lock(uow.tx)
    notes = await store.notes_of(uow.tx, *_keys(send, channel))
    if not _can_receive(uow, number, channel, notes.get(f"{channel}:{send.number}")):
        return CannotSend(NO_TEXTS if channel == "sms" else rules.NO_CALLS)
    past_sends = await store.past_sends(uow.tx, send, since=uow.now - limits.longest)
    at = rules.next_send_at(past_sends, limits, uow.now)
    if at > uow.now:
        return TooManySends(retry_at=at, now=uow.now)
    if await _is_blocked(uow, number, send, notes):
        return CannotSend(rules.BLOCKED_TEXT)
    if not await _take_from_budget(uow, day, binds):
        return CannotSend(rules.SPENT, wait=rules.A_DAY - uow.now % rules.A_DAY)
    await store.insert(uow.tx, send, uow.now)
    return rules.next_send_at(past_sends.with_send(uow.now), limits, uow.now)


async def permit_notice(uow: UnitOfWork, number: Number, channel: str, paid_on: int | None) -> bool:
    """Count the notice to a removed number that is posted in this transaction; return whether it may be sent.

    The budget of the day `paid_on` reserved it, so it may be sent whatever has been used since. Without a reservation
    (older versions of Twofold made none) it takes from today's budget. The factor must already be deleted.
    """
    if not is_served(number.countries, uow.site.config.phone_countries):
        return False
    day = await store.lock(uow.tx)
    key = f"{channel}:{_number_key(uow, number.e164)}"
    if not _can_receive(uow, number, channel, (await store.notes_of(uow.tx, key, key, key, key)).get(key)):
        return False
    today = _today(uow, day)
    if paid_on is None:
        return await _take_from_budget(uow, day, None)
    if paid_on == today.day:  # no longer reserved, but sent
        await store.save_day(uow.tx, replace(today, sent=today.sent + 1))
    return True


async def used(uow: UnitOfWork, account_id: str, e164: str) -> None:
    """Record that the last code to this number for this account was used, which shows that the send was no fraud."""
    number = _number_key(uow, e164)
    if await store.mark_used(uow.tx, number, account_id, uow.now):
        await store.set_note(uow.tx, f"proven:{number}", uow.now + rules.PROVEN)


async def unreachable(uow: UnitOfWork, e164: str, channel: str) -> None:
    """Record a courier's report that this number cannot receive what is sent by `channel`, sms or voice."""
    await store.set_note(uow.tx, f"{channel}:{_number_key(uow, e164)}", uow.now + rules.UNREACHABLE)


def limits_of(config: Config) -> Limits:
    """Return the limits from the configuration."""
    return Limits(config.limit_sends, config.limit_sends_account, config.limit_sends_source)


async def _is_blocked(uow: UnitOfWork, number: Number, send: Send, notes: dict[str, int]) -> bool:
    """Return whether a number is blocked for now, and block the prefix or country if its sends look like fraud.

    A number that recently received a code that was used is never blocked, so that its owner can still sign in.
    """
    if _in_force(uow, notes, f"proven:{send.number}", rules.PROVEN):
        return False
    watched: tuple[tuple[Literal["prefix", "country"], str, str, int], ...] = (
        ("prefix", send.prefix, f"{number.prefix}… ({number.country})", rules.PREFIX_LEAST),
        ("country", send.country, number.country, rules.COUNTRY_LEAST),
    )
    for group, value, name, least in watched:
        if _in_force(uow, notes, f"closed:{value}", rules.BLOCKED_FOR):
            return True
        since, settled = uow.now - rules.CODE_LIFETIME - rules.WATCHED, uow.now - rules.CODE_LIFETIME
        seen = await store.conversion(uow.tx, group, value, since=since, settled=settled)
        if rules.is_unusual(seen, least):
            await store.set_note(uow.tx, f"closed:{value}", uow.now + rules.BLOCKED_FOR)
            await notices.alert_blocked(uow, name, seen)
            return True
    return False


async def _take_from_budget(uow: UnitOfWork, before: Day, binds: str | None) -> bool:
    """Take a message, and a notice for a factor without one, from the day's budget; return whether it had them."""
    day, most = _today(uow, before), uow.site.config.send_budget
    used = day.sent + await store.reserved_notices(uow.tx, day.day, uow.now)
    notice = binds if binds is not None and await store.lacks_notice(uow.tx, binds) else None
    needed = 1 if notice is None else 2
    taken = used + needed <= most
    used += needed * taken
    after = Day(day.day, day.sent + taken, max(day.alert, rules.budget_alert(used, most)))
    if taken and notice is not None:
        await store.reserve_notice(uow.tx, notice, day.day)
    if after != before:
        await store.save_day(uow.tx, after)
    if after.alert > day.alert:
        await notices.alert_budget(uow, BudgetAlert(after.alert), used, most)
    return taken


def _can_receive(uow: UnitOfWork, number: Number, channel: str, unreachable_until: int | None) -> bool:
    known_not_to = rules.in_force(unreachable_until, rules.UNREACHABLE, uow.now)
    return not known_not_to and (channel != "sms" or number.takes_texts)


def _today(uow: UnitOfWork, day: Day) -> Day:
    number = uow.now // rules.A_DAY
    return day if day.day == number else Day(number, 0, BudgetAlert.NOTHING)


def _in_force(uow: UnitOfWork, notes: dict[str, int], key: str, lifetime: int) -> bool:
    return rules.in_force(notes.get(key), lifetime, uow.now)


def _send(uow: UnitOfWork, account_id: str, number: Number) -> Send:
    prefix = uow.site.keys.mac(_PURPOSE, f"prefix:{number.country}:{number.prefix}")
    source = uow.caller.source_network
    return Send(_number_key(uow, number.e164), prefix, number.country, source, account_id)


def _number_key(uow: UnitOfWork, e164: str) -> str:
    return uow.site.keys.mac(_PURPOSE, f"number:{e164}")


def _keys(send: Send, channel: str) -> tuple[str, str, str, str]:
    return (
        f"{channel}:{send.number}",
        f"proven:{send.number}",
        f"closed:{send.prefix}",
        f"closed:{send.country}",
    )
