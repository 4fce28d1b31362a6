"""Asking the guard, and telling it what became of a code. Numbers are E.164; they are stored as keyed hashes only.

Under a new server key the hashes are others: limits begin afresh once, and a closed prefix opens.
"""

from typing import Literal

from twofold.base.acts import Act
from twofold.base.problems import Problem
from twofold.config import Config
from twofold.factors.numbers import NO_TEXTS, CountryNotServed, Number, is_served
from twofold.factors.spending import notices, rules, store
from twofold.factors.spending.rules import CannotSend, Limits, Told, TooManySends
from twofold.factors.spending.store import Day, Send

_PURPOSE = "spending"  # of the keys that hash


async def permit(act: Act, account_id: str, number: Number, channel: str) -> int | Problem:
    """Count a code that is posted in this transaction; `channel` is sms or voice.

    Gives the moment (epoch seconds) from which the next one may be asked for, or the refusal, which must be returned:
    CountryNotServed, TooManySends, CannotSend. A refused send is not counted: a stranger who keeps asking lengthens
    nobody's wait.
    """
    config = act.site.config
    if not is_served(number.countries, config.phone_countries):
        return CountryNotServed()
    send, limits = _send(act, account_id, number), limits_of(config)
    day = await store.hold(act.tx)
    notes = await store.noted(act.tx, *_keys(send, channel))
    if not _takes(act, number, channel, notes.get(f"{channel}:{send.number}")):
        return CannotSend(NO_TEXTS if channel == "sms" else rules.NO_CALLS)
    past = await store.past(act.tx, send, since=act.now - limits.longest)
    at = rules.next_send_at(past, limits, act.now)
    if at > act.now:
        return TooManySends(retry_at=at, now=act.now)
    if await _is_closed(act, number, send, notes):
        return CannotSend(rules.CLOSED_NOW)
    if not await _take_from_budget(act, day):
        return CannotSend(rules.SPENT, wait=rules.A_DAY - act.now % rules.A_DAY)
    await store.insert(act.tx, send, act.now)
    return rules.next_send_at(past.with_send(act.now), limits, act.now)


async def used(act: Act, account_id: str, e164: str) -> None:
    """Note that the last code to this number for this account was used: its owner has it, and nobody pumps."""
    number = _number_key(act, e164)
    if await store.mark_used(act.tx, number, account_id, act.now):
        await store.note(act.tx, f"proven:{number}", act.now + rules.PROVEN)


async def unreachable(act: Act, e164: str, channel: str) -> None:
    """Note that a courier reports that this number cannot take what is sent by `channel`, sms or voice."""
    await store.note(act.tx, f"{channel}:{_number_key(act, e164)}", act.now + rules.UNREACHABLE)


def limits_of(config: Config) -> Limits:
    """Give the limits that are in the settings."""
    return Limits(config.limit_sends, config.limit_sends_account, config.limit_sends_source)


async def _is_closed(act: Act, number: Number, send: Send, notes: dict[str, int]) -> bool:
    """Tell whether the watch stands against a number, and close what now looks like fraud.

    A number at which somebody used a code lately stays open: strangers cannot close it, and its owner can sign in.
    """
    if _holds(act, notes, f"proven:{send.number}", rules.PROVEN):
        return False
    watched: tuple[tuple[Literal["prefix", "country"], str, str, int], ...] = (
        ("prefix", send.prefix, f"{number.prefix}… ({number.country})", rules.PREFIX_LEAST),
        ("country", send.country, number.country, rules.COUNTRY_LEAST),
    )
    for group, value, name, least in watched:
        if _holds(act, notes, f"closed:{value}", rules.CLOSED):
            return True
        since, ripe = act.now - rules.CODE_LIFE - rules.WATCHED, act.now - rules.CODE_LIFE
        seen = await store.conversion(act.tx, group, value, since=since, ripe=ripe)
        if rules.is_unusual(seen, least):
            await store.note(act.tx, f"closed:{value}", act.now + rules.CLOSED)
            await notices.tell_of_closing(act, name, seen)
            return True
    return False


async def _take_from_budget(act: Act, before: Day) -> bool:
    """Take one code from the day's budget; tells whether there was one."""
    day, most = _today(act, before), act.site.config.send_budget
    taken = day.sent < most
    after = Day(day.day, day.sent + taken, max(day.told, rules.told_of(day.sent + taken, most)))
    if after != before:
        await store.save_day(act.tx, after)
    if after.told > day.told:
        await notices.tell_of_budget(act, Told(after.told), after.sent, most)
    return taken


def _takes(act: Act, number: Number, channel: str, unreachable_until: int | None) -> bool:
    known_not_to = rules.holds(unreachable_until, rules.UNREACHABLE, act.now)
    return not known_not_to and (channel != "sms" or number.takes_texts)


def _today(act: Act, day: Day) -> Day:
    number = act.now // rules.A_DAY
    return day if day.day == number else Day(number, 0, Told.NOTHING)


def _holds(act: Act, notes: dict[str, int], key: str, life: int) -> bool:
    return rules.holds(notes.get(key), life, act.now)


def _send(act: Act, account_id: str, number: Number) -> Send:
    prefix = act.site.keys.mac(_PURPOSE, f"prefix:{number.country}:{number.prefix}")
    source = act.origin.source_network
    return Send(_number_key(act, number.e164), prefix, number.country, source, account_id)


def _number_key(act: Act, e164: str) -> str:
    return act.site.keys.mac(_PURPOSE, f"number:{e164}")


def _keys(send: Send, channel: str) -> tuple[str, str, str, str]:
    return (
        f"{channel}:{send.number}",
        f"proven:{send.number}",
        f"closed:{send.prefix}",
        f"closed:{send.country}",
    )
