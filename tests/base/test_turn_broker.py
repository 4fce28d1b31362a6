"""Turns across several processes share one limit and one order, and a worker that has gone keeps none."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from twofold.base.problems import Busy, Unavailable
from twofold.base.turn_broker import SharedTurns, TurnBroker
from twofold.base.turn_queue import TurnQueue
from twofold.base.turns import turn


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[TurnBroker]:
    """Yield a broker of two simultaneous turns, with a queue of ten."""
    with TurnBroker(TurnQueue(2, max_waiting=10), tmp_path) as running:
        yield running


@pytest.fixture
async def workers(broker: TurnBroker) -> AsyncIterator[list[SharedTurns]]:
    """Yield four workers of one service."""
    connected = [SharedTurns(broker.path) for _ in range(4)]
    yield connected
    for each in connected:
        each.close()
    await asyncio.sleep(0)


class Hashing:
    """Counts the current turns."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.order: list[str] = []
        self.accounts: list[str] = []
        self.begun = asyncio.Event()

    async def take(self, turns: SharedTurns, source: str, account: str = "account", *, known: bool = False) -> None:
        """Keep a turn for a moment."""
        async with turn(turns, source, account, None, known=known):
            self.now += 1
            self.most = max(self.most, self.now)
            self.order.append(source)
            self.accounts.append(account)
            self.begun.set()
            await asyncio.sleep(0.01)
            self.now -= 1


async def test_workers_share_one_number_of_turns(workers: list[SharedTurns]) -> None:
    """The limit applies to all workers together."""
    hashing = Hashing()
    await asyncio.gather(*(hashing.take(workers[n % 4], f"source {n}") for n in range(10)))
    assert hashing.most == 2
    assert len(hashing.order) == 10


async def test_sources_take_turns_across_workers(workers: list[SharedTurns]) -> None:
    """During a flood through one worker, a user at another waits one round."""
    (one, other, *_), hashing = workers, Hashing()
    flood = [asyncio.create_task(hashing.take(one, "flood", f"account {n}")) for n in range(10)]
    await hashing.begun.wait()
    await hashing.take(other, "person")
    await asyncio.gather(*flood)
    assert hashing.order.index("person") <= 6, hashing.order


async def test_full_queue_refuses_the_longest_source_across_workers(workers: list[SharedTurns]) -> None:
    """A newcomer from another source is admitted."""
    (one, other, *_), hashing = workers, Hashing()
    flood = [asyncio.create_task(hashing.take(one, "flood", f"account {n}")) for n in range(30)]
    await hashing.begun.wait()
    await hashing.take(other, "person")
    answers = await asyncio.gather(*flood, return_exceptions=True)
    assert {type(answer) for answer in answers} == {type(None), Busy}
    assert "person" in hashing.order


async def test_known_browsers_of_one_network_are_one_source_across_workers(workers: list[SharedTurns]) -> None:
    """An unknown client in the same network and a user elsewhere wait a round or two, not for all ten."""
    hashing = Hashing()
    flood = [asyncio.create_task(hashing.take(workers[n % 4], "flood", f"account {n}", known=True)) for n in range(10)]
    await hashing.begun.wait()
    others = [hashing.take(workers[0], "flood", "stranger"), hashing.take(workers[1], "home", "person", known=True)]
    await asyncio.gather(*others)
    await asyncio.gather(*flood)
    assert max(hashing.accounts.index(name) for name in ("stranger", "person")) <= 6, hashing.accounts


async def test_disconnected_worker_releases_its_turns(workers: list[SharedTurns]) -> None:
    """A worker that holds both turns disconnects, and the next one gets a turn."""
    (dying, other, *_), hashing = workers, Hashing()
    held = [dying.request("source", f"account {n}") for n in range(5)]
    await asyncio.gather(held[0].granted, held[1].granted)
    dying.close()
    await hashing.take(other, "person")
    for each in held[2:]:
        with pytest.raises(Unavailable):
            await each.granted


async def test_no_turn_is_granted_without_a_broker(tmp_path: Path) -> None:
    """Without a broker the limit cannot be enforced, so nothing is hashed."""
    with TurnBroker(TurnQueue(2), tmp_path) as broker:
        turns = SharedTurns(broker.path)
        await Hashing().take(turns, "person")
    with pytest.raises(Unavailable):
        await Hashing().take(turns, "person")
    with pytest.raises(Unavailable):
        await Hashing().take(SharedTurns(f"{tmp_path}/never-there"), "person")


async def test_worker_reconnects_to_the_broker(workers: list[SharedTurns]) -> None:
    """Sign-in continues after a lost connection."""
    turns, hashing = workers[0], Hashing()
    await hashing.take(turns, "person")
    assert turns._transport is not None
    turns._transport.abort()
    await asyncio.sleep(0)
    await hashing.take(turns, "person")
    assert len(hashing.order) == 2
