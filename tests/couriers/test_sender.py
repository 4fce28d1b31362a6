"""Messages go from the outbox to a courier after the commit, once, in time, and are unreadable afterwards."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.support import gateway as behaviours
from tests.support.cluster import Cluster
from tests.support.gateway import Gateway, Handler, answers, in_turn
from tests.support.outbox_harness import NUMBER, TEXT, open_outbox
from twofold.base.housekeeping import purge
from twofold.base.outbox import DeliveryStatus, Message, Outcome, Reason, post
from twofold.base.problems import NotFound
from twofold.base.unit_of_work import UnitOfWork
from twofold.couriers.sender import Sender
from twofold.features import FEATURES


async def test_committed_message_is_sent_at_once_and_only_once(database_url: str, tmp_path: Path) -> None:
    """The commit triggers sending; the message is never sent again, and its content is wiped."""
    with Gateway() as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook, database_url=database_url) as at:
            ids = [await at.post() for _ in range(25)]
            assert [await at.outcome(message_id, 5) for message_id in ids] == [Outcome.SENT] * 25
            for _ in range(3):
                at.pass_time(100)
                await asyncio.sleep(0.1)
            rows = [await at.row(message_id) for message_id in ids]
    assert sorted(gateway.ids) == sorted(ids)
    assert {(row["outcome"], row["sealed"], row["tries"]) for row in rows} == {("sent", None, 1)}


async def test_rolled_back_message_is_not_sent(database_url: str, tmp_path: Path) -> None:
    """An action that raises sends nothing; a returned problem commits and sends."""

    async def action(uow: UnitOfWork, *, keep: bool) -> NotFound:
        await post(uow, Message("sms", NUMBER, "kept" if keep else "undone"), expires_at=uow.now + 300)
        if not keep:
            raise NotFound
        return NotFound()

    with Gateway() as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook, database_url=database_url) as at:
            for keep in (False, True):
                with pytest.raises(NotFound):
                    await at.system.write(action, keep=keep)
            await asyncio.to_thread(behaviours.wait_until, lambda: bool(gateway.received))
            assert await at.sent() is Outcome.SENT
    assert [received.json["text"] for received in gateway.received] == ["kept", TEXT]


async def test_retries_back_off_until_the_message_expires(database_url: str, tmp_path: Path) -> None:
    """Waits double; an expired message is wiped and never sent."""
    with Gateway(answers(503)) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook, database_url=database_url) as at:
            message_id, begun = await at.post(life=120), at.app.clock.now
            waits = []
            for number in (1, 2):  # then its only courier counts as down, and rests
                await at.tries(message_id, number)
                waits.append(int(str((await at.row(message_id))["next_at"])) - at.app.clock.now)
                at.pass_time(waits[-1])
            assert waits == [2, 4]
            at.pass_time(begun + 120 - at.app.clock.now)
            gateway.behaviour = answers(200)
            assert await at.settled(message_id) == DeliveryStatus(Outcome.REFUSED, Reason.EXPIRED)
            assert (await at.row(message_id))["sealed"] is None
            before = len(gateway.received)
            at.pass_time(3600)
            await asyncio.sleep(0.2)
    assert len(gateway.received) == before


async def test_withdrawn_message_is_not_sent(database_url: str, tmp_path: Path) -> None:
    """A message that no longer applies is not sent."""
    with Gateway(in_turn(answers(503), answers(200))) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook, database_url=database_url) as at:
            message_id = await at.post()
            await at.tries(message_id, 1)
            await at.withdraw(message_id)
            assert await at.outcome(message_id) is Outcome.REFUSED
            at.pass_time(60)
            assert await at.sent() is Outcome.SENT
    assert gateway.ids.count(message_id) == 1


async def test_queued_message_is_encrypted_in_the_database(tmp_path: Path) -> None:
    """The database contains neither number nor text, before or after sending."""
    with Gateway(in_turn(answers(503), answers(200))) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook) as at:
            message_id = await at.post()
            await at.tries(message_id, 1)
            await asyncio.to_thread(check_that_nothing_is_readable, tmp_path)
            await at.settled(message_id)
            await asyncio.to_thread(check_that_nothing_is_readable, tmp_path)


def check_that_nothing_is_readable(folder: Path) -> None:
    """Search the database files, and what SQLite reads from them."""
    files = b"".join(path.read_bytes() for path in folder.glob("twofold.db*"))
    told = "".join(sqlite3.connect(folder / "twofold.db").iterdump())
    assert "outbox" in told
    for secret in (NUMBER, TEXT[:6]):
        assert secret.encode() not in files
        assert secret not in told


async def test_message_waits_while_no_courier_is_configured(database_url: str, tmp_path: Path) -> None:
    """While the setting is missing, nothing is lost or sent."""
    public = {"base_url": "https://login.example.org", "database_url": database_url}
    async with open_outbox(tmp_path, **public) as at:
        message_id = await at.post()
        assert await at.outcome(message_id, 0.3) is Outcome.WAITING
    with Gateway() as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook, **public) as at:
            assert await at.outcome(message_id) is Outcome.SENT
    assert gateway.ids == [message_id]


async def test_slow_channel_does_not_delay_other_channels(tmp_path: Path) -> None:
    """A code by text message is sent at once while a hundred mails wait for a server that hangs."""
    with Gateway(behaviours.is_slow) as slow, Gateway() as quick:
        async with open_outbox(tmp_path, mail_url=slow.webhook, sms_url=quick.webhook) as at:
            for _ in range(100):
                await at.post(Message("mail", "ada@example.org", "Hello", "Hello"), life=86_400)
            assert await asyncio.wait_for(at.sent(), 3) is Outcome.SENT
            assert 1 <= len(slow.received) <= 4
            slow.over.set()


async def test_message_sent_during_a_database_outage_is_not_sent_again(tmp_path: Path) -> None:
    """The record that it was sent waits in memory until the database is back, and is written first."""
    gone = threading.Event()
    with Cluster() as cluster, Gateway() as gateway:

        def take_the_database_away(handler: Handler) -> None:
            cluster.kill()
            gone.set()
            answers(200)(handler)

        gateway.behaviour = in_turn(take_the_database_away, answers(200))
        async with open_outbox(tmp_path, sms_url=gateway.webhook, database_url=cluster.database()) as at:
            message_id = await at.post()
            assert await asyncio.to_thread(gone.wait, 10)
            await asyncio.to_thread(cluster.start)
            async with asyncio.timeout(30):
                while (await at.row(message_id))["outcome"] is None:
                    at.site.part(Sender).wake()
                    await asyncio.sleep(0.1)
            at.pass_time(100)
            assert await at.sent() is Outcome.SENT
    assert gateway.ids.count(message_id) == 1


async def test_waiting_request_on_another_node_learns_that_the_message_was_sent(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The waiting request is notified whichever node sends the message."""
    settings = {"database_url": cluster.database(), "base_url": "https://login.example.org"}
    async with open_outbox(tmp_path, **settings) as writes:
        message_id = await writes.post()
        waiting = asyncio.create_task(writes.outcome(message_id))
        with Gateway() as gateway:
            async with open_outbox(tmp_path, sms_url=gateway.webhook, **settings):
                assert await waiting is Outcome.SENT


async def test_messages_are_deleted_a_day_after_they_expire(database_url: str, tmp_path: Path) -> None:
    """Both sent and unsent messages are deleted."""
    async with open_outbox(tmp_path, database_url=database_url) as at:
        kept, gone = await at.post(life=90_000), await at.post(life=300)
        assert await at.outcome(kept) is await at.outcome(gone) is Outcome.SENT
        at.app.clock.now += 86_700
        await purge(at.site, FEATURES.expiries(at.site.config))
        assert (await at.status(kept)).outcome is Outcome.SENT
        assert (await at.status(gone)).outcome is Outcome.REFUSED
