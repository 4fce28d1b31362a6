"""From the outbox to a courier, on both databases: after the commit, once, in time, and never readable afterwards."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.couriers import gateway as behaviours
from tests.couriers.gateway import Gateway, Handler, answers, in_turn
from tests.couriers.office import NUMBER, TEXT, office
from twofold.base.acts import Act
from twofold.base.housekeeping import clear_out
from twofold.base.outbox import Fate, Message, Outcome, Reason, post
from twofold.base.problems import NotFound
from twofold.couriers.sender import Sender
from twofold.rooms import over


async def test_a_message_is_sent_at_once_and_once(database_url: str, tmp_path: Path) -> None:
    """Woken by the commit; whatever time passes, it is not sent again, and nothing of it is left."""
    with Gateway() as gateway:
        async with office(tmp_path, sms_url=gateway.webhook, database_url=database_url) as at:
            ids = [await at.post() for _ in range(25)]
            assert [await at.outcome(message_id, 5) for message_id in ids] == [Outcome.SENT] * 25
            for _ in range(3):
                at.later(100)
                await asyncio.sleep(0.1)
            rows = [await at.row(message_id) for message_id in ids]
    assert sorted(gateway.ids) == sorted(ids)
    assert {(row["outcome"], row["sealed"], row["tries"]) for row in rows} == {("sent", None, 1)}


async def test_only_what_is_committed_is_sent(database_url: str, tmp_path: Path) -> None:
    """A deed that fails sends nothing; one that is refused, and keeps what it wrote, sends."""

    async def deed(act: Act, *, keep: bool) -> NotFound:
        await post(act, Message("sms", NUMBER, "kept" if keep else "undone"), expires_at=act.now + 300)
        if not keep:
            raise NotFound
        return NotFound()

    with Gateway() as gateway:
        async with office(tmp_path, sms_url=gateway.webhook, database_url=database_url) as at:
            for keep in (False, True):
                with pytest.raises(NotFound):
                    await at.acts.write(deed, keep=keep)
            await asyncio.to_thread(behaviours.wait_until, lambda: bool(gateway.received))
            assert await at.sent() is Outcome.SENT
    assert [received.json["text"] for received in gateway.received] == ["kept", TEXT]


async def test_tries_come_less_and_less_often_until_the_message_is_worthless(database_url: str, tmp_path: Path) -> None:
    """Waits double; once its time is over a message is given up, wiped, and never sent."""
    with Gateway(answers(503)) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook, database_url=database_url) as at:
            message_id, begun = await at.post(life=120), at.inside.clock.now
            waits = []
            for number in (1, 2):  # then its only courier counts as down, and rests
                await at.tries(message_id, number)
                waits.append(int(str((await at.row(message_id))["next_at"])) - at.inside.clock.now)
                at.later(waits[-1])
            assert waits == [2, 4]
            at.later(begun + 120 - at.inside.clock.now)
            gateway.behaviour = answers(200)
            assert await at.settled(message_id) == Fate(Outcome.REFUSED, Reason.EXPIRED)
            assert (await at.row(message_id))["sealed"] is None
            before = len(gateway.received)
            at.later(3600)
            await asyncio.sleep(0.2)
    assert len(gateway.received) == before


async def test_a_message_taken_back_is_not_sent(database_url: str, tmp_path: Path) -> None:
    """What is no longer true goes nowhere."""
    with Gateway(in_turn(answers(503), answers(200))) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook, database_url=database_url) as at:
            message_id = await at.post()
            await at.tries(message_id, 1)
            await at.withdraw(message_id)
            assert await at.outcome(message_id) is Outcome.REFUSED
            at.later(60)
            assert await at.sent() is Outcome.SENT
    assert gateway.ids.count(message_id) == 1


async def test_a_waiting_message_is_sealed(tmp_path: Path) -> None:
    """Whoever reads the database finds neither number nor text, waiting or sent."""
    with Gateway(in_turn(answers(503), answers(200))) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook) as at:
            message_id = await at.post()
            await at.tries(message_id, 1)
            await asyncio.to_thread(check_that_nothing_is_readable, tmp_path)
            await at.settled(message_id)
            await asyncio.to_thread(check_that_nothing_is_readable, tmp_path)


def check_that_nothing_is_readable(folder: Path) -> None:
    """Looks into the files of the database, and into what SQLite reads there."""
    files = b"".join(path.read_bytes() for path in folder.glob("twofold.db*"))
    told = "".join(sqlite3.connect(folder / "twofold.db").iterdump())
    assert "outbox" in told
    for secret in (NUMBER, TEXT[:6]):
        assert secret.encode() not in files
        assert secret not in told


async def test_without_a_courier_a_message_waits_for_one(database_url: str, tmp_path: Path) -> None:
    """The setting is gone for a while: nothing is lost, and nothing is sent to nowhere."""
    public = {"base_url": "https://login.example.org", "database_url": database_url}
    async with office(tmp_path, **public) as at:
        message_id = await at.post()
        assert await at.outcome(message_id, 0.3) is Outcome.WAITING
    with Gateway() as gateway:
        async with office(tmp_path, sms_url=gateway.webhook, **public) as at:
            assert await at.outcome(message_id) is Outcome.SENT
    assert gateway.ids == [message_id]


async def test_a_slow_channel_holds_up_no_other(tmp_path: Path) -> None:
    """A hundred mails before a server that hangs, and the code by text message goes out at once."""
    with Gateway(behaviours.is_slow) as slow, Gateway() as quick:
        async with office(tmp_path, mail_url=slow.webhook, sms_url=quick.webhook) as at:
            for _ in range(100):
                await at.post(Message("mail", "ada@example.org", "Hello", "Hello"), life=86_400)
            assert await asyncio.wait_for(at.sent(), 3) is Outcome.SENT
            assert 1 <= len(slow.received) <= 4
            slow.over.set()


async def test_what_was_sent_while_the_database_went_away_is_not_sent_again(tmp_path: Path) -> None:
    """The note that it is sent waits in memory until the database is back, and is written before anything else."""
    gone = threading.Event()
    with Cluster() as cluster, Gateway() as gateway:

        def take_the_database_away(handler: Handler) -> None:
            cluster.kill()
            gone.set()
            answers(200)(handler)

        gateway.behaviour = in_turn(take_the_database_away, answers(200))
        async with office(tmp_path, sms_url=gateway.webhook, database_url=cluster.database()) as at:
            message_id = await at.post()
            assert await asyncio.to_thread(gone.wait, 10)
            await asyncio.to_thread(cluster.start)
            async with asyncio.timeout(30):
                while (await at.row(message_id))["outcome"] is None:
                    at.site.part(Sender).wake()
                    await asyncio.sleep(0.1)
            at.later(100)
            assert await at.sent() is Outcome.SENT
    assert gateway.ids.count(message_id) == 1


async def test_another_node_that_waits_is_told(cluster: Cluster, tmp_path: Path) -> None:
    """Whoever sends the message, the request that waits for it hears of it."""
    settings = {"database_url": cluster.database(), "base_url": "https://login.example.org"}
    async with office(tmp_path, **settings) as writes:
        message_id = await writes.post()
        waiting = asyncio.create_task(writes.outcome(message_id))
        with Gateway() as gateway:
            async with office(tmp_path, sms_url=gateway.webhook, **settings):
                assert await waiting is Outcome.SENT


async def test_old_rows_are_cleared_out(database_url: str, tmp_path: Path) -> None:
    """A day after it is over nothing is left of a message, sent or not."""
    async with office(tmp_path, database_url=database_url) as at:
        kept, gone = await at.post(life=90_000), await at.post(life=300)
        assert await at.outcome(kept) is await at.outcome(gone) is Outcome.SENT
        at.inside.clock.now += 86_700
        await clear_out(at.site, over(at.site.config))
        assert (await at.fate(kept)).outcome is Outcome.SENT
        assert (await at.fate(gone)).outcome is Outcome.REFUSED
