"""The send limits on both databases: whatever is requested, even in parallel, the gateway gets at most the caps."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from time import time

import pytest

from tests.support.accounts import stored_account
from tests.support.command_line import twofold
from tests.support.spending_guard import WIDE, Guard, guarded, neighbours, origin
from twofold.accounts import store as accounts
from twofold.base.clock import rfc3339
from twofold.base.database import Transaction
from twofold.base.housekeeping import purge
from twofold.base.languages import Languages
from twofold.base.outbox import PURPOSE
from twofold.base.problems import NotFound, Problem
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Role
from twofold.base.web.peers import caller_of
from twofold.factors.phone.numbers import normal_number, read_number
from twofold.factors.phone.sendlimits import actions, store
from twofold.features import FEATURES

pytestmark = pytest.mark.anyio

NUMBER = "+447700900123"
HOUR, HALF_A_DAY, DAY = 3_600, 43_200, 86_400


@pytest.fixture
async def guard(tmp_path: Path, database_url: str) -> AsyncIterator[Guard]:
    """Yield the guard with the default limits."""
    async with guarded(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
async def wide(tmp_path: Path, database_url: str) -> AsyncIterator[Guard]:
    """Yield the guard without effective limits, so that only the fraud watch decides."""
    async with guarded(tmp_path, database_url, **WIDE) as opened:
        yield opened


def many(full: bool) -> int:  # noqa: FBT001 - the fixture's value
    """Return how many sends are tried: a thousand, or a fifth of that."""
    return 1000 if full else 200


# ------------------------------------------------------------------ caps


async def test_number_gets_five_codes_an_hour_in_every_spelling(guard: Guard, *, full: bool) -> None:
    """This holds for all spellings, with a new account and source each time, for an hour."""
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
async def test_call_instead_of_a_text_counts_as_a_second_send(guard: Guard, channel: str) -> None:
    """Changing the method does not reset the wait and the count, which belong to the number."""
    assert await guard.send() == "sent"
    assert await guard.send(channel=channel) == "too_many_attempts"
    guard.clock.now += 30
    assert await guard.send(channel=channel) == "sent"


async def test_source_gets_ten_codes_an_hour_over_all_accounts_and_numbers(guard: Guard) -> None:
    """One source is refused after ten, and allowed again an hour later."""
    asked = [(number, f"a{turn}") for turn, number in enumerate(neighbours(30))]
    assert Counter([await guard.send(number, account=account) for number, account in asked])["sent"] == 10
    guard.clock.now += HOUR
    assert await guard.send(account="b") == "sent"


async def test_addresses_of_one_ipv6_network_are_one_source(guard: Guard) -> None:
    """A client with one address has 2^64 of them."""
    outcomes = []
    for turn, number in enumerate(neighbours(30)):
        scope = {"headers": [], "client": (f"2001:db8:1:2:{turn:x}::7", 1)}
        runner = Runner(guard.site, caller_of(scope, (), Languages()))
        try:
            await runner.write(actions.permit, f"a{turn}", read_number(number), "sms")
            outcomes.append("sent")
        except Problem as problem:
            outcomes.append(problem.code)
    assert Counter(outcomes) == {"sent": 10, "too_many_attempts": 20}


async def test_account_gets_ten_codes_a_day_over_all_sources_and_numbers(guard: Guard) -> None:
    """The refusal names the time when the first of them is a day old."""
    for turn, number in enumerate(neighbours(10)):
        assert await guard.send(number, source=f"s{turn}") == "sent"
    with pytest.raises(Problem) as refused:
        await Runner(guard.site, origin("elsewhere")).write(actions.permit, "a", read_number("+15559000000"), "sms")
    assert refused.value.as_json()["retry_at"] == "2027-01-16T08:00:00Z"
    assert await guard.send(account="b", source="elsewhere") == "sent"
    guard.clock.now += DAY
    assert await guard.send("+15559000000", source="elsewhere") == "sent"


async def test_office_that_uses_its_codes_is_not_limited(guard: Guard) -> None:
    """Forty users behind one address sign in within the hour, and one of them twelve times a day."""
    for turn, number in enumerate(neighbours(40)):
        assert await guard.send(number, account=f"a{turn}") == "sent"
        await guard.use(number, account=f"a{turn}")
        guard.clock.now += 60
    for _ in range(12):
        assert await guard.send(account="b") == "sent"
        await guard.use(account="b")
        guard.clock.now += HOUR


async def test_refused_requests_do_not_move_the_announced_time(guard: Guard) -> None:
    """Repeated requests do not make the wait longer."""
    told = await guard.act(actions.permit, "a", read_number(NUMBER), "sms")
    assert told == guard.clock.now + 30
    for _ in range(29):
        guard.clock.now += 1
        assert await guard.send() == "too_many_attempts"
    guard.clock.now += 1
    assert await guard.act(actions.permit, "a", read_number(NUMBER), "sms") == guard.clock.now + 60


# ------------------------------------------------------------------ many at once


async def race(guard: Guard, *, one: str) -> int:
    """Send two hundred codes at once that have one thing in common, and return how many were sent."""
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
async def test_two_hundred_requests_at_once_get_exactly_the_cap(
    tmp_path: Path, database_url: str, one: str, most: int
) -> None:
    """Exactly the cap is sent, no more and no less."""
    async with guarded(tmp_path, database_url, send_budget="7" if one == "service" else "500") as guard:
        assert await race(guard, one=one) == most
        assert (await guard.rows("SELECT COUNT(*) AS sent FROM sent_code"))[0]["sent"] == most


# ------------------------------------------------------------------ what was counted stays counted


async def test_returned_problem_keeps_the_count_and_raised_one_does_not(guard: Guard) -> None:
    """A returned problem commits, and a raised one rolls back the count with the message."""

    async def permitted_then_refused(uow: UnitOfWork) -> Problem:
        assert await actions.permit(uow, "a", read_number(NUMBER), "sms") == uow.now + 30
        return NotFound()

    async def permitted_then_raised(uow: UnitOfWork) -> Problem:
        assert await actions.permit(uow, "b", read_number("+15550000001"), "sms") == uow.now + 30
        raise NotFound

    for action in (permitted_then_refused, permitted_then_raised):
        with pytest.raises(NotFound):
            await guard.act(action)
    assert await guard.send() == "too_many_attempts"
    assert await guard.send("+15550000001", account="b") == "sent"


async def test_new_account_does_not_reset_the_count_of_a_number(guard: Guard) -> None:
    """Deleting an account and creating another does not reset the count of the number."""
    sent = 0
    for turn in range(20):
        await guard.site.db.write(accounts.insert, stored_account(f"a{turn}"))
        sent += await guard.send(account=f"a{turn}", source=f"s{turn}") == "sent"
        await guard.site.db.write(_delete_accounts)
        guard.clock.now += 100
    assert sent == 5


async def _delete_accounts(tx: Transaction) -> None:
    await tx.run("DELETE FROM account")


# ------------------------------------------------------------------ the budget


async def administrators(guard: Guard) -> None:
    """Create an owner, an administrator, a disabled one and a member."""
    for name, role, disabled_at in (
        ("boss", Role.OWNER, None),
        ("deputy", Role.ADMIN, None),
        ("gone", Role.ADMIN, 1),
        ("person", Role.MEMBER, None),
    ):
        await guard.site.db.write(accounts.insert, stored_account(name, role))
        await guard.site.db.write(accounts.set_disabled, name, disabled_at)


async def mails(guard: Guard) -> list[dict[str, str]]:
    """Return what lies in the outbox, opened."""
    rows = await guard.rows("SELECT id, sealed, channel FROM outbox ORDER BY id")
    opened = [guard.site.keys.unseal(PURPOSE, row["sealed"], bound_to=row["id"]) for row in rows]  # type: ignore[arg-type]
    assert {row["channel"] for row in rows} <= {"mail"}
    return [json.loads(each) for each in opened]


async def events(guard: Guard) -> list[str]:
    """Return the service's own events."""
    rows = await guard.rows("SELECT name, actor, actor_id FROM event WHERE account_id IS NULL ORDER BY id")
    assert all((row["actor"], row["actor_id"]) == ("system", None) for row in rows)
    return [str(row["name"]) for row in rows]


async def test_budget_alerts_once_stops_once_and_resets_at_midnight(tmp_path: Path, database_url: str) -> None:
    """With twenty codes a day, administrators are notified of the sixteenth and the twentieth, but of no refusal."""
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
        assert {mail["subject"] for mail in sent} == {"16 of 20 messages used today", "20 of 20 messages used today"}
        assert guard.woken == 4
        guard.clock.now += DAY - guard.clock.now % DAY - 1
        assert await guard.send("+15557000000") == "cannot_send"
        guard.clock.now += 1
        assert await guard.send("+15557000000") == "sent"
        assert await guard.site.db.read(store.sent_today, guard.clock.now) == 1


async def test_lowered_budget_stops_at_once_and_alerts_once(tmp_path: Path, database_url: str) -> None:
    """The next refusal sends no second notice."""
    async with guarded(tmp_path, database_url) as guard:
        assert [await guard.send(number, account=number) for number in neighbours(5)] == ["sent"] * 5
    async with guarded(tmp_path, database_url, send_budget="3") as guard:
        assert [await guard.send(number, account=number) for number in neighbours(3, start=5)] == ["cannot_send"] * 3
        assert await events(guard) == ["sending:budget_spent"]


async def test_refusal_by_the_budget_names_the_alternatives(tmp_path: Path, database_url: str) -> None:
    """The answer is a 503 with one sentence, without a time that a fraudster could wait for."""
    async with guarded(tmp_path, database_url, send_budget="1") as guard:
        assert await guard.send() == "sent"
        with pytest.raises(Problem) as refused:
            await guard.act(actions.permit, "b", read_number("+15550000001"), "sms")
        assert refused.value.status == 503
        assert refused.value.detail == "We cannot send more codes today. Use another method, or try again tomorrow."


# ------------------------------------------------------------------ notices to numbers that are removed


async def enrol(guard: Guard, factor_id: str, number: str = NUMBER) -> str:
    """Begin to add a number, and return "sent", or the code of the refusal."""

    async def begin(uow: UnitOfWork) -> int | Problem:
        await uow.tx.run(
            "INSERT INTO account (id, email, password_hash, stamp, administrator, created_at)"
            " VALUES (:id, :id, '', 1, 0, 0) ON CONFLICT (id) DO NOTHING",
            id=factor_id,
        )
        await uow.tx.run(
            "INSERT INTO factor (id, account_id, kind, name, sealed, last_step, tries, created_at, expires_at)"
            " VALUES (:id, :id, 'sms', '', :sealed, -1, 0, :now, :now + 600)",
            id=factor_id,
            sealed=b"",
            now=uow.now,
        )
        begun = await actions.permit(uow, factor_id, read_number(number), "sms", binds=factor_id)
        if isinstance(begun, Problem):
            await _delete_factor(uow, factor_id)
        return begun

    try:
        await Runner(guard.site, origin(factor_id)).write(begin)
    except Problem as problem:
        return problem.code
    return "sent"


async def bind(guard: Guard, factor_id: str) -> None:
    """Verify the number with its code."""
    await guard.site.db.write(
        lambda tx: tx.run("UPDATE factor SET verified_at = 1, expires_at = NULL WHERE id = :id", id=factor_id)
    )


async def remove(guard: Guard, factor_id: str, number: str = NUMBER) -> bool:
    """Remove a number, and return whether its notice may be sent."""

    async def action(uow: UnitOfWork) -> bool:
        row = await uow.tx.one("SELECT notice_day FROM factor WHERE id = :id", id=factor_id)
        await _delete_factor(uow, factor_id)
        return await actions.permit_notice(uow, read_number(number), "sms", row["notice_day"] if row else None)

    return await guard.act(action)


async def _delete_factor(uow: UnitOfWork, factor_id: str) -> None:
    await uow.tx.run("DELETE FROM factor WHERE id = :id", id=factor_id)


async def test_removal_notice_takes_from_the_budget_of_the_day_the_number_was_added(
    tmp_path: Path, database_url: str
) -> None:
    """The notice is sent even if that day's budget is spent, and on a later day without taking from its budget."""
    async with guarded(tmp_path, database_url, **WIDE | {"send_budget": "4"}) as guard:
        numbers = neighbours(9)
        for index in range(2):
            assert await enrol(guard, f"f{index}", numbers[index]) == "sent"
            await bind(guard, f"f{index}")
        assert await guard.send(numbers[8]) == "cannot_send"
        assert await remove(guard, "f0", numbers[0])
        assert await guard.site.db.read(store.sent_today, guard.clock.now) == 4
        assert await guard.send(numbers[8]) == "cannot_send"
        guard.clock.now += DAY
        outcomes = [await guard.send(number) for number in numbers[3:8]]
        assert outcomes == ["sent"] * 4 + ["cannot_send"]
        assert await remove(guard, "f1", numbers[1])
        assert await guard.site.db.read(store.sent_today, guard.clock.now) == 4


async def test_abandoned_or_expired_enrolment_releases_its_reservation(tmp_path: Path, database_url: str) -> None:
    """Unverified numbers take no more of the budget than their codes."""
    async with guarded(tmp_path, database_url, **WIDE | {"send_budget": "4"}) as guard:
        numbers = neighbours(5)
        assert [await enrol(guard, f"f{index}", numbers[index]) for index in range(3)] == [
            "sent",
            "sent",
            "cannot_send",
        ]
        await Runner(guard.site, origin()).write(_delete_factor, "f0")
        assert await guard.send(numbers[3]) == "sent"
        assert await guard.send(numbers[4]) == "cannot_send"
        guard.clock.now += 601
        assert await guard.send(numbers[4]) == "sent"
        assert await guard.site.db.read(store.sent_today, guard.clock.now) == 4


async def test_resent_code_reserves_no_second_notice(tmp_path: Path, database_url: str) -> None:
    """A number reserves one notice, however often its code is sent."""
    async with guarded(tmp_path, database_url, **WIDE | {"send_budget": "3"}) as guard:
        assert await enrol(guard, "f0") == "sent"
        guard.clock.now += 30
        assert await guard.act(actions.permit, "f0", read_number(NUMBER), "sms", binds="f0") == guard.clock.now + 60
        assert await guard.send(neighbours(1)[0]) == "cannot_send"


async def test_two_hundred_enrolments_at_once_get_half_the_budget(tmp_path: Path, database_url: str) -> None:
    """Each of them can be notified of its removal, and the total is exactly the budget."""
    async with guarded(tmp_path, database_url, **WIDE | {"send_budget": "7"}) as guard:
        numbers = dict(enumerate(f"+1555{turn:03}1234" for turn in range(200)))
        outcomes = await guard.all_at_once([enrol(guard, f"f{turn}", number) for turn, number in numbers.items()])
        won = [turn for turn, outcome in enumerate(outcomes) if outcome == "sent"]
        assert len(won) == 3
        for turn in won:
            await bind(guard, f"f{turn}")
            assert await remove(guard, f"f{turn}", numbers[turn])
        assert await guard.site.db.read(store.sent_today, guard.clock.now) == 6


async def test_notice_without_a_reservation_takes_from_the_budget_of_today(tmp_path: Path, database_url: str) -> None:
    """For a number added by an older node, the notice counts towards today's budget, or only the mail is sent."""
    async with guarded(tmp_path, database_url, **WIDE | {"send_budget": "1"}) as guard:
        assert await remove(guard, "unknown")
        assert not await remove(guard, "unknown")


async def test_notice_is_not_sent_where_codes_are_no_longer_sent(tmp_path: Path, database_url: str) -> None:
    """For countries no longer served and numbers without texts, only the mail reports the removal."""
    async with guarded(tmp_path, database_url) as guard:
        assert await enrol(guard, "f0") == "sent"
        assert await enrol(guard, "f1", neighbours(1)[0]) == "sent"
        await guard.act(actions.unreachable, NUMBER, "sms")
        assert not await remove(guard, "f0")
    async with guarded(tmp_path, database_url, phone_countries="GB") as guard:
        assert not await remove(guard, "f1", neighbours(1)[0])


# ------------------------------------------------------------------ the watch


async def send_unused(guard: Guard, count: int, *, pause: int, start: int = 0, prefix: str = "+15550") -> Counter[str]:
    """Send to one number after another, each time from another source, and use no code."""
    outcomes: Counter[str] = Counter()
    for turn, number in enumerate(neighbours(count, start=start, prefix=prefix), start=start):
        outcomes[await guard.send(number, account=f"a{turn}", source=f"s{turn}")] += 1
        guard.clock.now += pause
    return outcomes


@pytest.mark.parametrize("pause, most", [(1, 60), (60, 24), (170, 21)])
async def test_prefix_with_unused_codes_closes_for_twelve_hours(wide: Guard, pause: int, most: int) -> None:
    """It closes after sixty codes in a burst, or as soon as twenty are known to be unused; later it opens again."""
    await administrators(wide)
    begun = wide.clock.now
    assert (await send_unused(wide, 90, pause=pause))["sent"] == most
    assert await wide.send("+15551000000", account="b") == "sent"  # a neighbouring prefix
    wide.clock.now = begun + most * pause + HALF_A_DAY - 1
    assert await wide.send("+15550999999", account="b") == "cannot_send"
    wide.clock.now += 1
    assert await wide.send("+15550999999", account="b") == "sent"
    assert await events(wide) == ["sending:closed"]
    assert sorted(mail["to"] for mail in await mails(wide)) == ["boss@example.com", "deputy@example.com"]


async def test_closed_prefix_stays_open_for_numbers_with_used_codes(wide: Guard) -> None:
    """Attackers cannot block the sign-in of others: a number that used a code within ninety days stays open."""
    owner = "+15550777777"
    assert await wide.send(owner, account="owner") == "sent"
    await wide.use(owner, account="owner")
    wide.clock.now += HOUR
    await send_unused(wide, 70, pause=1)
    assert await wide.send("+15550888888", account="new") == "cannot_send"
    assert await wide.send(owner, account="owner") == "sent"
    assert await wide.send(owner, account="other", channel="voice") == "too_many_attempts"


async def test_prefix_with_used_codes_stays_open(wide: Guard) -> None:
    """A quarter of used codes is enough, as with many users and bad reception."""
    for turn, number in enumerate(neighbours(120)):
        assert await wide.send(number, account=f"a{turn}") == "sent"
        if turn % 4 == 0:
            await wide.use(number, account=f"a{turn}")
        wide.clock.now += 20


async def test_code_counts_as_used_only_for_its_own_account(wide: Guard) -> None:
    """Codes used by other accounts do not make a fraudster look honest."""
    for turn, number in enumerate(neighbours(90)):
        await wide.send(number, account="pumper")
        await wide.use(number, account="somebody else")
        wide.clock.now += 1 if turn else 2
    assert await wide.send("+15550999999", account="b") == "cannot_send"


async def test_country_closes_when_its_prefixes_are_attacked_in_turn(wide: Guard) -> None:
    """Nineteen codes to each prefix do not close it, but a hundred an hour close the country. Others stay open."""
    outcomes: Counter[str] = Counter()
    for place in range(10):
        outcomes += await send_unused(wide, 19, pause=10, start=19 * place, prefix=f"+1555{place}")
    assert outcomes["sent"] == 129
    assert await events(wide) == ["sending:closed"]
    assert await wide.send("+447700900123", account="b") == "sent"


async def test_default_limits_give_a_botnet_sixty_codes_an_hour_per_prefix(guard: Guard, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Many accounts and sources get sixty codes to one prefix within an hour, whatever they try."""
    assert (await send_unused(guard, many(full), pause=HOUR // many(full)))["sent"] <= 60


async def test_doctor_shows_budget_and_closed_prefixes(tmp_path: Path, database_url: str) -> None:
    """It warns from 80% of the budget, and shows a prefix while it is closed."""

    async def told() -> list[str]:
        settings = {"DATABASE_URL": database_url, "SEND_BUDGET": "80"}
        run = await asyncio.to_thread(twofold, tmp_path, "doctor", "--json", **settings)
        return [f"{each['status']}: {each['text']}" for each in json.loads(run.stdout) if each["name"] == "sending"]

    async with guarded(tmp_path, database_url, **WIDE) as guard:
        assert await told() == ["ok: 0 of 80 messages were sent today."]
        guard.clock.now = int(time())
        await send_unused(guard, 70, pause=0)
        spent, closed = await told()
        assert spent == "ok: 60 of 80 messages were sent today."
        assert closed.startswith("warn: ")
        assert closed.endswith(f"until {rfc3339(guard.clock.now + HALF_A_DAY)}: +15550… (US): 0 of 60 codes used.")
        await send_unused(guard, 4, pause=0, prefix="+15551")
        assert (await told())[0].startswith("warn: 64 of 80 messages were sent today; ")


# ------------------------------------------------------------------ numbers that take no texts


async def test_number_reported_as_unreachable_gets_no_texts_for_thirty_days(guard: Guard) -> None:
    """The refusal is one sentence, calls still work, and after thirty days texts are tried again."""
    await guard.act(actions.unreachable, NUMBER, "sms")
    with pytest.raises(Problem) as refused:
        await guard.act(actions.permit, "a", read_number(NUMBER), "sms")
    assert refused.value.code == "cannot_send"
    assert (
        refused.value.detail == "This number cannot receive text messages. Choose a voice call or use another number."
    )
    assert await guard.send(channel="voice") == "sent"
    await guard.act(actions.unreachable, NUMBER, "voice")
    guard.clock.now += HOUR
    assert await guard.send(channel="voice") == "cannot_send"
    guard.clock.now += 30 * DAY
    assert await guard.send() == "sent"


async def test_fixed_line_gets_calls_only(guard: Guard) -> None:
    """This includes a number added before its type was known."""
    assert await guard.send("+442079460123") == "cannot_send"
    assert await guard.send("+442079460123", channel="voice") == "sent"


async def test_country_that_is_no_longer_served_gets_no_codes(tmp_path: Path, database_url: str) -> None:
    """The setting applies at once, even to existing numbers."""
    async with guarded(tmp_path, database_url, phone_countries="US,CA") as guard:
        assert await guard.send() == "country_not_served"
        assert await guard.send("+15550000001") == "sent"
        assert (await guard.rows("SELECT COUNT(*) AS sent FROM sent_code"))[0]["sent"] == 1


# ------------------------------------------------------------------ what is kept


async def test_no_number_is_stored_or_logged_in_plain_text(wide: Guard, caplog: pytest.LogCaptureFixture) -> None:
    """Counters, events, sightings, log lines and mails contain only a prefix shared by a million numbers."""
    await administrators(wide)
    with caplog.at_level(logging.DEBUG):
        await send_unused(wide, 70, pause=1, start=123_456)
        await wide.act(actions.unreachable, "+15550123499", "sms")
        await wide.use("+15550123456", account="a123456")
    kept = [str(await wide.rows(f"SELECT * FROM {table}")) for table in TABLES]  # noqa: S608 - a list of ours
    kept += [record.getMessage() for record in caplog.records]
    kept += [str(mail) for mail in await mails(wide)]
    assert any("+15550…" in each for each in kept)
    assert not any("5550123" in each for each in kept)
    assert sum("sending closed" in record.getMessage() for record in caplog.records) == 1


TABLES = ("sending", "sent_code", "sending_note", "throttle", "event", "sighting")


async def test_expired_counts_are_purged(wide: Guard) -> None:
    """Rows are purged once no limit looks back at them, and not before."""
    await send_unused(wide, 70, pause=1)
    await wide.use("+15550000000", account="a0")
    wide.clock.now += DAY
    await purge(wide.site, FEATURES.expiries(wide.site.config))
    assert len(await wide.rows("SELECT id FROM sent_code")) == 60
    assert len(await wide.rows("SELECT key FROM sending_note")) == 1  # the verified number
    wide.clock.now += 90 * DAY
    await purge(wide.site, FEATURES.expiries(wide.site.config))
    assert await wide.rows("SELECT id FROM sent_code") == []
    assert await wide.rows("SELECT key FROM sending_note") == []
