"""The spending guard on both databases: whatever is asked, in parallel too, the gateway gets at most the caps."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from time import time

import pytest

from tests.cli.run import twofold
from tests.cluster import Cluster
from tests.factors.guard import WIDE, Guard, guarded, neighbours, origin
from twofold.accounts import store as accounts
from twofold.accounts.rules import Account
from twofold.base.acts import Act, Acts
from twofold.base.clock import rfc3339
from twofold.base.database import Transaction
from twofold.base.housekeeping import clear_out
from twofold.base.languages import Languages
from twofold.base.outbox import PURPOSE
from twofold.base.problems import NotFound, Problem
from twofold.base.web.peers import origin_of
from twofold.factors.numbers import normal_number, read_number
from twofold.factors.spending import actions, store
from twofold.factors.spending.rules import Past
from twofold.factors.spending.store import Day, Send
from twofold.rooms import over

pytestmark = pytest.mark.anyio

NUMBER = "+447700900123"
HOUR, HALF_A_DAY, DAY = 3_600, 43_200, 86_400


@pytest.fixture
async def guard(tmp_path: Path, database_url: str) -> AsyncIterator[Guard]:
    """The guard as shipped."""
    async with guarded(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
async def wide(tmp_path: Path, database_url: str) -> AsyncIterator[Guard]:
    """The guard with limits that decide nothing: the watch is left."""
    async with guarded(tmp_path, database_url, **WIDE) as opened:
        yield opened


def many(full: bool) -> int:  # noqa: FBT001 - the fixture's value
    """How many sends are tried: all thousand, or a fifth."""
    return 1000 if full else 200


# ------------------------------------------------------------------ caps


async def test_a_number_gets_five_an_hour_however_it_is_written_and_whoever_asks(guard: Guard, full: bool) -> None:  # noqa: FBT001 - a fixture
    """All spellings, a new account and a new source each time, an hour long."""
    spellings = [
        "+44 7700 900123",
        "0044 (0)7700 900-123",
        "tel:+44-7700-900123",
        "+４４７７００９００１２３",
        "(+44) 07700 900123",
    ]
    outcomes: Counter[str] = Counter()
    for turn in range(many(full)):
        number = normal_number(spellings[turn % len(spellings)], countries=("GB",)).e164
        outcomes[await guard.send(number, account=f"a{turn}", source=f"s{turn}")] += 1
        guard.clock.now += (HOUR - 1) // many(full)
    assert outcomes == {"sent": 5, "too_many_attempts": many(full) - 5}


@pytest.mark.parametrize("channel", ["sms", "voice"])
async def test_a_call_instead_is_a_second_send(guard: Guard, channel: str) -> None:
    """Changing the way does not begin anew: the wait and the count belong to the number."""
    assert await guard.send() == "sent"
    assert await guard.send(channel=channel) == "too_many_attempts"
    guard.clock.now += 30
    assert await guard.send(channel=channel) == "sent"


async def test_a_source_gets_ten_an_hour_whatever_the_accounts_and_numbers(guard: Guard) -> None:
    """Pumping from one place ends here; an hour later it may go on."""
    asked = [(number, f"a{turn}") for turn, number in enumerate(neighbours(30))]
    assert Counter([await guard.send(number, account=account) for number, account in asked])["sent"] == 10
    guard.clock.now += HOUR
    assert await guard.send(account="b") == "sent"


async def test_addresses_of_one_ipv6_network_are_one_source(guard: Guard) -> None:
    """Whoever has one address has 2^64 of them."""
    outcomes = []
    for turn, number in enumerate(neighbours(30)):
        scope = {"headers": [], "client": (f"2001:db8:1:2:{turn:x}::7", 1)}
        acts = Acts(guard.site, origin_of(scope, (), Languages()))
        try:
            await acts.write(actions.permit, f"a{turn}", read_number(number), "sms")
            outcomes.append("sent")
        except Problem as problem:
            outcomes.append(problem.code)
    assert Counter(outcomes) == {"sent": 10, "too_many_attempts": 20}


async def test_an_account_gets_ten_a_day_whatever_the_sources_and_numbers(guard: Guard) -> None:
    """And the moment that it is told is when the first of them is a day old."""
    for turn, number in enumerate(neighbours(10)):
        assert await guard.send(number, source=f"s{turn}") == "sent"
    with pytest.raises(Problem) as refused:
        await Acts(guard.site, origin("elsewhere")).write(actions.permit, "a", read_number("+15559000000"), "sms")
    assert refused.value.as_json()["retry_at"] == "2027-01-16T08:00:00Z"
    assert await guard.send(account="b", source="elsewhere") == "sent"
    guard.clock.now += DAY
    assert await guard.send("+15559000000", source="elsewhere") == "sent"


async def test_an_office_that_uses_its_codes_is_no_pumper(guard: Guard) -> None:
    """Forty people behind one address sign in within the hour, and one of them twelve times a day."""
    for turn, number in enumerate(neighbours(40)):
        assert await guard.send(number, account=f"a{turn}") == "sent"
        await guard.use(number, account=f"a{turn}")
        guard.clock.now += 60
    for _ in range(12):
        assert await guard.send(account="b") == "sent"
        await guard.use(account="b")
        guard.clock.now += HOUR


async def test_the_next_moment_is_told_and_refused_asks_do_not_move_it(guard: Guard) -> None:
    """A stranger who keeps asking lengthens nobody's wait."""
    told = await guard.act(actions.permit, "a", read_number(NUMBER), "sms")
    assert told == guard.clock.now + 30
    for _ in range(29):
        guard.clock.now += 1
        assert await guard.send() == "too_many_attempts"
    guard.clock.now += 1
    assert await guard.act(actions.permit, "a", read_number(NUMBER), "sms") == guard.clock.now + 60


# ------------------------------------------------------------------ many at once


async def race(guard: Guard, *, one: str) -> int:
    """Two hundred sends at once that have one thing in common; gives how many were sent."""
    numbers = [f"+1555{turn:03}1234" for turn in range(200)]
    asked = [
        guard.send(
            NUMBER if one == "number" else number,
            account="a" if one == "account" else f"a{turn}",
            source="s" if one == "source" else f"s{turn}",
        )
        for turn, number in enumerate(numbers)
    ]
    return Counter(await guard.all_at_once(asked))["sent"]


@pytest.mark.parametrize("one, most", [("number", 1), ("account", 10), ("source", 10), ("service", 7)])
async def test_two_hundred_at_once_get_exactly_the_cap(tmp_path: Path, database_url: str, one: str, most: int) -> None:
    """Not one more, and not one less."""
    async with guarded(tmp_path, database_url, send_budget="7" if one == "service" else "500") as guard:
        assert await race(guard, one=one) == most
        assert (await guard.rows("SELECT COUNT(*) AS sent FROM sent_code"))[0]["sent"] == most


@pytest.mark.parametrize("one, most", [("account", 10), ("source", 10), ("service", 7)])
async def test_a_guard_that_looks_and_then_counts_loses_the_race(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, one: str, most: int
) -> None:
    """The proof of the race above: without the lock, more than the cap are sent when four look at the same moment."""
    look_back, all_looked = store.past, asyncio.Barrier(4)

    async def look(tx: Transaction) -> Day:
        row = await tx.one("SELECT day, sent, told FROM sending WHERE id = 1")
        assert row is not None
        return Day(**row)

    async def look_back_together(tx: Transaction, send: Send, *, since: int) -> Past:
        past = await look_back(tx, send, since=since)
        await all_looked.wait()
        return past

    monkeypatch.setattr(store, "hold", look)
    monkeypatch.setattr(store, "past", look_back_together)
    settings = {"send_budget": "7" if one == "service" else "500"}
    async with guarded(tmp_path, cluster.database(), **settings) as guard:
        assert await race(guard, one=one) > most


# ------------------------------------------------------------------ what was counted stays counted


async def test_a_refusal_behind_the_guard_keeps_the_count_and_an_error_undoes_it(guard: Guard) -> None:
    """Whoever returns a problem commits; whoever raises one has posted nothing either."""

    async def permitted_then_refused(act: Act) -> Problem:
        assert await actions.permit(act, "a", read_number(NUMBER), "sms") == act.now + 30
        return NotFound()

    async def permitted_then_raised(act: Act) -> Problem:
        assert await actions.permit(act, "b", read_number("+15550000001"), "sms") == act.now + 30
        raise NotFound

    for action in (permitted_then_refused, permitted_then_raised):
        with pytest.raises(NotFound):
            await guard.act(action)
    assert await guard.send() == "too_many_attempts"
    assert await guard.send("+15550000001", account="b") == "sent"


async def test_a_new_account_starts_no_number_afresh(guard: Guard) -> None:
    """Whoever deletes an account and makes another still has the old one's sends against them."""
    sent = 0
    for turn in range(20):
        await guard.site.db.write(accounts.insert, Account(f"a{turn}", f"p{turn}@example.com", "", 1, 0, 0, None))
        sent += await guard.send(account=f"a{turn}", source=f"s{turn}") == "sent"
        await guard.site.db.write(_delete_accounts)
        guard.clock.now += 100
    assert sent == 5


async def _delete_accounts(tx: Transaction) -> None:
    await tx.run("DELETE FROM account")


# ------------------------------------------------------------------ the budget


async def administrators(guard: Guard) -> None:
    """Two administrators, one that is disabled, and a person."""
    for name, is_one, disabled_at in (("boss", 1, None), ("deputy", 1, None), ("gone", 1, 1), ("person", 0, None)):
        await guard.site.db.write(accounts.insert, Account(name, f"{name}@example.com", "", 1, is_one, 0, None))
        await guard.site.db.write(accounts.set_disabled, name, disabled_at)


async def mails(guard: Guard) -> list[dict[str, str]]:
    """What lies in the outbox, opened."""
    rows = await guard.rows("SELECT id, sealed, channel FROM outbox ORDER BY id")
    opened = [guard.site.keys.unseal(PURPOSE, row["sealed"], bound_to=row["id"]) for row in rows]  # type: ignore[arg-type]
    assert {row["channel"] for row in rows} <= {"mail"}
    return [json.loads(each) for each in opened]


async def events(guard: Guard) -> list[str]:
    """The service's own events."""
    return [str(row["name"]) for row in await guard.rows("SELECT name FROM event WHERE account_id IS NULL ORDER BY id")]


async def test_the_budget_alarms_once_stops_once_and_begins_anew_at_midnight(tmp_path: Path, database_url: str) -> None:
    """Twenty codes a day: the administrators hear of the sixteenth and of the twentieth, and of no refusal."""
    async with guarded(tmp_path, database_url, **WIDE | {"send_budget": "20"}) as guard:
        await administrators(guard)
        outcomes = []
        for turn in range(40):
            number = f"+1555{turn % 10}{turn:06}"
            outcomes.append(await guard.send(number, account=f"a{turn}"))
            told = await events(guard)
            assert told == ["sending:budget_alarm"] * (turn >= 15) + ["sending:budget_spent"] * (turn >= 19)
        assert outcomes == ["sent"] * 20 + ["cannot_send"] * 20
        sent = await mails(guard)
        assert Counter(mail["to"] for mail in sent) == {"boss@example.com": 2, "deputy@example.com": 2}
        assert {mail["subject"] for mail in sent} == {"16 of 20 codes sent today", "20 of 20 codes sent today"}
        assert guard.woken == 4
        guard.clock.now += DAY - guard.clock.now % DAY - 1
        assert await guard.send("+15557000000") == "cannot_send"
        guard.clock.now += 1
        assert await guard.send("+15557000000") == "sent"
        assert await guard.site.db.read(store.sent_today, guard.clock.now) == 1


async def test_a_budget_that_was_lowered_stops_at_once_and_is_told_once(tmp_path: Path, database_url: str) -> None:
    """What a refusal told is not told again by the next one."""
    async with guarded(tmp_path, database_url) as guard:
        assert [await guard.send(number, account=number) for number in neighbours(5)] == ["sent"] * 5
    async with guarded(tmp_path, database_url, send_budget="3") as guard:
        assert [await guard.send(number, account=number) for number in neighbours(3, start=5)] == ["cannot_send"] * 3
        assert await events(guard) == ["sending:budget_spent"]


async def test_a_refusal_of_the_budget_says_what_else_there_is(tmp_path: Path, database_url: str) -> None:
    """One sentence, 503, and no date that a pumper could wait for."""
    async with guarded(tmp_path, database_url, send_budget="1") as guard:
        assert await guard.send() == "sent"
        with pytest.raises(Problem) as refused:
            await guard.act(actions.permit, "b", read_number("+15550000001"), "sms")
        assert refused.value.status == 503
        assert (
            refused.value.detail
            == "We cannot send more codes today. Use another way to sign in, or come back tomorrow."
        )


# ------------------------------------------------------------------ the watch


async def pump(guard: Guard, count: int, *, pause: int, start: int = 0, prefix: str = "+15550") -> Counter[str]:
    """Sends to one number after another, each time from somewhere else, and uses nothing."""
    outcomes: Counter[str] = Counter()
    for turn, number in enumerate(neighbours(count, start=start, prefix=prefix), start=start):
        outcomes[await guard.send(number, account=f"a{turn}", source=f"s{turn}")] += 1
        guard.clock.now += pause
    return outcomes


@pytest.mark.parametrize("pause, most", [(1, 60), (60, 24), (170, 21)])
async def test_a_pumped_prefix_closes_for_twelve_hours(wide: Guard, pause: int, most: int) -> None:
    """In a burst after sixty codes, slowly as soon as twenty are known to be unused; then it opens again."""
    await administrators(wide)
    begun = wide.clock.now
    assert (await pump(wide, 90, pause=pause))["sent"] == most
    assert await wide.send("+15551000000", account="b") == "sent"  # a prefix beside it
    wide.clock.now = begun + most * pause + HALF_A_DAY - 1
    assert await wide.send("+15550999999", account="b") == "cannot_send"
    wide.clock.now += 1
    assert await wide.send("+15550999999", account="b") == "sent"
    assert await events(wide) == ["sending:closed"]
    assert sorted(mail["to"] for mail in await mails(wide)) == ["boss@example.com", "deputy@example.com"]


async def test_a_closed_prefix_keeps_out_nobody_who_used_a_code_there(wide: Guard) -> None:
    """Strangers cannot take away anybody's sign-in: a number at which a code was used in ninety days stays open."""
    owner = "+15550777777"
    assert await wide.send(owner, account="owner") == "sent"
    await wide.use(owner, account="owner")
    wide.clock.now += HOUR
    await pump(wide, 70, pause=1)
    assert await wide.send("+15550888888", account="new") == "cannot_send"
    assert await wide.send(owner, account="owner") == "sent"
    assert await wide.send(owner, account="other", channel="voice") == "too_many_attempts"


async def test_a_prefix_where_codes_are_used_stays_open(wide: Guard) -> None:
    """A quarter of them is enough: many people, a bad reception."""
    for turn, number in enumerate(neighbours(120)):
        assert await wide.send(number, account=f"a{turn}") == "sent"
        if turn % 4 == 0:
            await wide.use(number, account=f"a{turn}")
        wide.clock.now += 20


async def test_a_code_counts_as_used_for_the_account_that_it_was_sent_for(wide: Guard) -> None:
    """Nobody else's use makes a pumper look honest."""
    for turn, number in enumerate(neighbours(90)):
        await wide.send(number, account="pumper")
        await wide.use(number, account="somebody else")
        wide.clock.now += 1 if turn else 2
    assert await wide.send("+15550999999", account="b") == "cannot_send"


async def test_a_country_closes_when_its_prefixes_are_pumped_in_turn(wide: Guard) -> None:
    """Nineteen codes to each prefix stay below the notice of each; a hundred in the hour do not. Others are open."""
    outcomes: Counter[str] = Counter()
    for place in range(10):
        outcomes += await pump(wide, 19, pause=10, start=19 * place, prefix=f"+1555{place}")
    assert outcomes["sent"] == 129
    assert await events(wide) == ["sending:closed"]
    assert await wide.send("+447700900123", account="b") == "sent"


async def test_the_guard_as_shipped_lets_a_botnet_have_less_than_the_watch_allows(guard: Guard, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Many accounts and sources against one prefix: sixty codes, whatever else is tried for a whole hour."""
    assert (await pump(guard, many(full), pause=HOUR // many(full)))["sent"] <= 60


async def test_doctor_shows_what_is_spent_and_what_is_closed(tmp_path: Path, database_url: str) -> None:
    """From four fifths of the budget on it warns; a prefix is shown as long as it is closed."""

    async def told() -> list[str]:
        settings = {"DATABASE_URL": database_url, "SEND_BUDGET": "80"}
        run = await asyncio.to_thread(twofold, tmp_path, "doctor", "--json", **settings)
        return [f"{each['status']}: {each['text']}" for each in json.loads(run.stdout) if each["name"] == "sending"]

    async with guarded(tmp_path, database_url, **WIDE) as guard:
        assert await told() == ["ok: 0 of at most 80 codes were sent today."]
        guard.clock.now = int(time())
        await pump(guard, 70, pause=0)
        spent, closed = await told()
        assert spent == "ok: 60 of at most 80 codes were sent today."
        assert closed.startswith("warn: ")
        assert closed.endswith(f"until {rfc3339(guard.clock.now + HALF_A_DAY)}: +15550… (US): 0 of 60 codes used.")
        await pump(guard, 4, pause=0, prefix="+15551")
        assert (await told())[0].startswith("warn: 64 of at most 80 codes were sent today: ")


# ------------------------------------------------------------------ numbers that take no texts


async def test_a_number_that_a_courier_calls_unreachable_is_not_tried_again(guard: Guard) -> None:
    """It is told so in one sentence; calls go through, and after thirty days texts are tried again."""
    await guard.act(actions.unreachable, NUMBER, "sms")
    with pytest.raises(Problem) as refused:
        await guard.act(actions.permit, "a", read_number(NUMBER), "sms")
    assert refused.value.code == "cannot_send"
    assert refused.value.detail == "This number cannot take text messages. Choose a voice call or another number."
    assert await guard.send(channel="voice") == "sent"
    await guard.act(actions.unreachable, NUMBER, "voice")
    guard.clock.now += HOUR
    assert await guard.send(channel="voice") == "cannot_send"
    guard.clock.now += 30 * DAY
    assert await guard.send() == "sent"


async def test_a_fixed_line_gets_calls_only(guard: Guard) -> None:
    """Also one that was bound before its kind was known."""
    assert await guard.send("+442079460123") == "cannot_send"
    assert await guard.send("+442079460123", channel="voice") == "sent"


async def test_a_country_that_is_no_longer_served_gets_nothing(tmp_path: Path, database_url: str) -> None:
    """The operator's list holds at once, for numbers bound long ago too."""
    async with guarded(tmp_path, database_url, phone_countries="US,CA") as guard:
        assert await guard.send() == "country_not_served"
        assert await guard.send("+15550000001") == "sent"
        assert (await guard.rows("SELECT COUNT(*) AS sent FROM sent_code"))[0]["sent"] == 1


# ------------------------------------------------------------------ what is kept


async def test_no_number_is_kept_or_logged_in_clear(wide: Guard, caplog: pytest.LogCaptureFixture) -> None:
    """Not in a counter, an event, a sighting, a log line or a mail: only what a million numbers have in common."""
    await administrators(wide)
    with caplog.at_level(logging.DEBUG):
        await pump(wide, 70, pause=1, start=123_456)
        await wide.act(actions.unreachable, "+15550123499", "sms")
        await wide.use("+15550123456", account="a123456")
    kept = [str(await wide.rows(f"SELECT * FROM {table}")) for table in TABLES]  # noqa: S608 - a list of ours
    kept += [record.getMessage() for record in caplog.records]
    kept += [str(mail) for mail in await mails(wide)]
    assert any("+15550…" in each for each in kept)
    assert not any("5550123" in each for each in kept)
    assert sum("sending closed" in record.getMessage() for record in caplog.records) == 1


TABLES = ("sending", "sent_code", "sending_note", "throttle", "event", "sighting")


async def test_what_no_limit_looks_back_at_is_cleared_out(wide: Guard) -> None:
    """And nothing before."""
    await pump(wide, 70, pause=1)
    await wide.use("+15550000000", account="a0")
    wide.clock.now += DAY
    await clear_out(wide.site, over(wide.site.config))
    assert len(await wide.rows("SELECT id FROM sent_code")) == 60
    assert len(await wide.rows("SELECT key FROM sending_note")) == 1  # the number that is proven
    wide.clock.now += 90 * DAY
    await clear_out(wide.site, over(wide.site.config))
    assert await wide.rows("SELECT id FROM sent_code") == []
    assert await wide.rows("SELECT key FROM sending_note") == []
