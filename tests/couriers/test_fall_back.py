"""Several couriers for one channel: tried in order within one round, left in peace when down, told of by /readyz."""

import asyncio
import time
from pathlib import Path

from tests.couriers import gateway as behaviours
from tests.couriers.gateway import Gateway, answers, closed_port
from tests.couriers.office import Office, office
from twofold.base.outbox import Fate, Outcome, Reason


async def ready(at: Office) -> dict[str, object]:
    """What /readyz tells; it is green."""
    answer = await at.inside.http.get("/readyz")
    assert answer.status_code == 200
    told: dict[str, object] = answer.json()
    return told


async def test_the_next_courier_takes_what_the_first_cannot(tmp_path: Path) -> None:
    """Down, answering errors, or refusing: the message goes out by the second, and once."""
    for behaviour in (None, answers(502), answers(403)):
        with Gateway(behaviour) as first, Gateway() as second:
            if behaviour is None:
                first.down()
            async with office(tmp_path / str(first.port), sms_url=f"{first.webhook} {second.webhook}") as at:
                assert await at.sent() is Outcome.SENT
            assert len(second.received) == 1


async def test_slow_couriers_share_the_time_of_one_round(tmp_path: Path) -> None:
    """Two that hang do not keep a person longer than one that hangs."""
    with Gateway(behaviours.is_slow) as first, Gateway(behaviours.is_slow) as second, Gateway() as third:
        urls = f"{first.webhook} {second.webhook} {third.webhook}"
        async with office(tmp_path, sms_url=urls) as at:
            begun = time.monotonic()
            assert await at.sent() is Outcome.SENT
            assert time.monotonic() - begun < 9
        assert (len(first.received), len(second.received), len(third.received)) == (1, 1, 1)


async def test_no_try_begins_once_a_message_is_worthless(tmp_path: Path) -> None:
    """The first courier takes so long that the code is over: the next one is not given a dead code."""
    with Gateway(behaviours.is_slow) as first, Gateway() as second:
        async with office(tmp_path, sms_url=f"{first.webhook} {second.webhook}") as at:
            message_id = await at.post(life=2)
            assert await at.outcome(message_id) is Outcome.WAITING
            assert (await at.settled(message_id)) == Fate(Outcome.REFUSED, Reason.EXPIRED)
    assert (first.ids, second.ids) == ([message_id], [])


async def test_a_courier_that_is_down_is_left_in_peace(tmp_path: Path) -> None:
    """After three failures the next codes do not wait for it any more; /readyz tells, and stays green."""
    with Gateway(answers(502)) as first, Gateway() as second:
        async with office(tmp_path, sms_url=f"{first.webhook} {second.webhook}") as at:
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
            assert time.monotonic() - begun < 1  # nobody waits for couriers that rest
    assert len(first.received) == 3


async def test_everybody_refusing_is_a_refusal(tmp_path: Path) -> None:
    """Each is asked once; a person who answered STOP to the first is not written to by the second."""
    stop = answers(422, b'{"reason": "opted_out"}')
    with Gateway(answers(403)) as first, Gateway(answers(403)) as second:
        async with office(tmp_path, sms_url=f"{first.webhook} {second.webhook}") as at:
            assert await at.settled(await at.post()) == Fate(Outcome.REFUSED)
            assert (len(first.received), len(second.received)) == (1, 1)
            first.behaviour = stop
            assert await at.settled(await at.post()) == Fate(Outcome.REFUSED, Reason.OPTED_OUT)
            assert (len(first.received), len(second.received)) == (2, 1)


async def test_a_courier_that_refused_is_not_asked_again(tmp_path: Path) -> None:
    """When the other one was away, later rounds ask the other one alone, also after a restart."""
    with Gateway(answers(403)) as first:
        second = Gateway()
        second.port = closed_port()
        urls = f"{first.webhook} {second.webhook}"
        async with office(tmp_path, sms_url=urls) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.WAITING
            await at.tries(message_id, 1)
        with second:
            async with office(tmp_path, sms_url=urls) as at:
                at.later(10)
                await asyncio.sleep(0)
                assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert (first.ids, second.ids) == ([message_id], [message_id])


async def test_a_gateway_that_stumbles_over_a_message_goes_on_with_others(tmp_path: Path) -> None:
    """An answer of 500 says nothing of the next message: a made-up number takes no gateway away from anybody."""
    with Gateway(answers(500)) as only:
        async with office(tmp_path, sms_url=only.webhook) as at:
            for _ in range(6):
                assert await at.sent() is Outcome.WAITING
            only.behaviour = answers(204)
            assert await at.sent() is Outcome.SENT
