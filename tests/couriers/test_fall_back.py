"""Several couriers for one channel are tried in order within one round, paused when down, and reported by /readyz."""

import asyncio
import time
from pathlib import Path

from tests.support import gateway as behaviours
from tests.support.gateway import Gateway, answers, closed_port
from tests.support.outbox_harness import OutboxHarness, open_outbox
from twofold.base.outbox import DeliveryStatus, Outcome, Reason


async def ready(at: OutboxHarness) -> dict[str, object]:
    """Return the report of /readyz, which must be 200."""
    answer = await at.app.http.get("/readyz")
    assert answer.status_code == 200
    told: dict[str, object] = answer.json()
    return told


async def test_failed_message_is_sent_once_by_the_next_courier(tmp_path: Path) -> None:
    """If the first courier is down, fails or refuses, the second sends the message once."""
    for behaviour in (None, answers(502), answers(403)):
        with Gateway(behaviour) as first, Gateway() as second:
            if behaviour is None:
                first.down()
            async with open_outbox(tmp_path / str(first.port), sms_url=f"{first.webhook} {second.webhook}") as at:
                assert await at.sent() is Outcome.SENT
            assert len(second.received) == 1


async def test_slow_couriers_share_the_time_limit_of_one_round(tmp_path: Path) -> None:
    """Two couriers that hang take no longer than one."""
    with Gateway(behaviours.is_slow) as first, Gateway(behaviours.is_slow) as second, Gateway() as third:
        urls = f"{first.webhook} {second.webhook} {third.webhook}"
        async with open_outbox(tmp_path, sms_url=urls) as at:
            begun = time.monotonic()
            assert await at.sent() is Outcome.SENT
            assert time.monotonic() - begun < 9
        assert (len(first.received), len(second.received), len(third.received)) == (1, 1, 1)


async def test_expired_message_is_not_passed_to_the_next_courier(tmp_path: Path) -> None:
    """When the first courier takes longer than the code is valid, the next one does not send it."""
    with Gateway(behaviours.is_slow) as first, Gateway() as second:
        async with open_outbox(tmp_path, sms_url=f"{first.webhook} {second.webhook}") as at:
            message_id = await at.post(life=2)
            assert await at.outcome(message_id) is Outcome.WAITING
            assert (await at.settled(message_id)) == DeliveryStatus(Outcome.REFUSED, Reason.EXPIRED)
    assert (first.ids, second.ids) == ([message_id], [])


async def test_courier_is_skipped_after_three_failures(tmp_path: Path) -> None:
    """Later codes do not wait for it, and /readyz reports it but stays 200."""
    with Gateway(answers(502)) as first, Gateway() as second:
        async with open_outbox(tmp_path, sms_url=f"{first.webhook} {second.webhook}") as at:
            assert (await ready(at))["couriers"] == {"mail": "ok", "sms": "ok", "voice": "ok"}
            for _ in range(8):
                assert await at.sent() is Outcome.SENT
            assert (await ready(at))["couriers"] == {"mail": "ok", "sms": "degraded", "voice": "ok"}
            second.behaviour = answers(502)
            for _ in range(3):
                assert await at.sent() is Outcome.WAITING
            told = await ready(at)
            assert told == {
                "status": "ok",
                "checks": {"clock": "ok", "database": "ok"},
                "couriers": {"mail": "ok", "sms": "fail", "voice": "ok"},
            }
            begun = time.monotonic()
            assert await at.sent() is Outcome.WAITING
            assert time.monotonic() - begun < 1  # no request waits for paused couriers
    assert len(first.received) == 3


async def test_refused_message_tries_the_next_courier_unless_the_person_opted_out(tmp_path: Path) -> None:
    """Each courier is tried once; a person who answered STOP to the first gets no message from the second."""
    stop = answers(422, b'{"reason": "opted_out"}')
    with Gateway(answers(403)) as first, Gateway(answers(403)) as second:
        async with open_outbox(tmp_path, sms_url=f"{first.webhook} {second.webhook}") as at:
            assert await at.settled(await at.post()) == DeliveryStatus(Outcome.REFUSED)
            assert (len(first.received), len(second.received)) == (1, 1)
            first.behaviour = stop
            assert await at.settled(await at.post()) == DeliveryStatus(Outcome.REFUSED, Reason.OPTED_OUT)
            assert (len(first.received), len(second.received)) == (2, 1)


async def test_courier_that_refused_a_message_is_not_tried_again(tmp_path: Path) -> None:
    """Later rounds try only the courier that was unavailable, even after a restart."""
    with Gateway(answers(403)) as first:
        second = Gateway()
        second.port = closed_port()
        urls = f"{first.webhook} {second.webhook}"
        async with open_outbox(tmp_path, sms_url=urls) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.WAITING
            await at.tries(message_id, 1)
        with second:
            async with open_outbox(tmp_path, sms_url=urls) as at:
                at.pass_time(10)
                await asyncio.sleep(0)
                assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert (first.ids, second.ids) == ([message_id], [message_id])


async def test_gateway_error_for_one_message_does_not_pause_the_courier(tmp_path: Path) -> None:
    """A 500 for one number says nothing about other messages, so an invented number cannot block a gateway."""
    with Gateway(answers(500)) as only:
        async with open_outbox(tmp_path, sms_url=only.webhook) as at:
            for _ in range(6):
                assert await at.sent() is Outcome.WAITING
            only.behaviour = answers(204)
            assert await at.sent() is Outcome.SENT
