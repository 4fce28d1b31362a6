"""Hashes have the configured cost, for unknown accounts too, and the queue is bounded."""

import asyncio
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Iterator
from typing import TypedDict

import pytest

from twofold.base.passwords import PasswordPool
from twofold.base.problems import Busy
from twofold.base.turn_queue import MAX_WAIT, TurnQueue
from twofold.base.turns import ClientGone, LocalTurns, cores, slots, turn


class Cost(TypedDict):
    """The cost of a hash."""

    memory_kib: int
    passes: int
    lanes: int


CHEAPEST: Cost = {"memory_kib": 19_456, "passes": 2, "lanes": 1}


@pytest.fixture(scope="module")
def pool() -> Iterator[PasswordPool]:
    """Yield a pool with the minimum cost of the settings."""
    made = PasswordPool(**CHEAPEST)
    yield made
    made.close()


async def test_only_the_right_password_is_verified(pool: PasswordPool) -> None:
    """Every character counts, even the last of 256."""
    password = "é" * 255
    known = await pool.hash(password + "a")
    assert await pool.verify(known, password + "a")
    assert not await pool.verify(known, password + "b")
    assert not await pool.verify(known, password)


async def test_password_is_compared_in_normal_form_nfkc(pool: PasswordPool) -> None:
    """Composed and full-width forms are equivalent (NFKC); case and spaces are significant."""
    known = await pool.hash("Crème Brûlée １")
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert await pool.verify(known, unicodedata.normalize(form, "Crème Brûlée １"))
    for other in ("crème brûlée 1", "Creme Brulee 1", " Crème Brûlée 1", "Crème Brûlée 1 "):
        assert not await pool.verify(known, other)


async def test_password_hash_contains_its_cost_and_a_unique_salt(pool: PasswordPool) -> None:
    """It is the PHC string of argon2id."""
    one, other = await pool.hash("same"), await pool.hash("same")
    assert re.fullmatch(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]+\$[^$]+", one)
    assert one != other


async def test_unknown_account_costs_one_hash_and_is_rejected(
    pool: PasswordPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same work is done either way, so that the time reveals nothing (ASVS 6.3.8)."""
    hashed: list[str] = []
    matches = pool._matches

    def noted(known: str, password: str) -> bool:
        hashed.append(known)
        return matches(known, password)

    monkeypatch.setattr(pool, "_matches", noted)
    known = await pool.hash("right")
    assert await pool.verify(known, "right")
    assert not await pool.verify(None, "right")
    assert not await pool.verify("", "right")
    costs = [each.rsplit("$", 2)[0] for each in hashed]
    assert costs == ["$argon2id$v=19$m=19456,t=2,p=1"] * 3


@pytest.mark.parametrize("known", ["$argon2id$", "not a hash", "$2b$12$abcdefghijklmnopqrstuv", "x" * 300])
async def test_malformed_hash_is_never_verified(pool: PasswordPool, known: str) -> None:
    """A damaged hash is rejected without an error."""
    assert not await pool.verify(known, "anything")


async def test_hash_of_another_cost_is_outdated(pool: PasswordPool) -> None:
    """A cheaper or more expensive hash is replaced at the next sign-in."""
    known = await pool.hash("password")
    assert not pool.is_outdated(known)
    for changed in (Cost(memory_kib=20_000, passes=2, lanes=1), Cost(memory_kib=19_456, passes=3, lanes=1)):
        other = PasswordPool(**changed)
        assert other.is_outdated(known)
        assert await other.verify(known, "password")
        other.close()


async def sign_in(pool: PasswordPool, known: str, source: str, gone: ClientGone | None = None) -> bool:
    """Check a password as a sign-in does, in its turn."""
    async with pool.turn(source, f"{source}@example.com", gone):
        return await pool.verify(known, "password")


async def test_concurrent_hashes_never_exceed_the_number_of_cores(
    pool: PasswordPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory of hashes is bounded (L04)."""
    known, at_once, most = await pool.hash("password"), threading.Semaphore(cores()), []
    matches = pool._matches

    def noted(known: str, password: str) -> bool:
        with_room = at_once.acquire(blocking=False)
        most.append(with_room)
        try:
            return matches(known, password)
        finally:
            if with_room:
                at_once.release()

    monkeypatch.setattr(pool, "_matches", noted)
    assert await asyncio.gather(*(sign_in(pool, known, f"source {n}") for n in range(30))) == [True] * 30
    assert most == [True] * 30


async def test_full_hash_queue_refuses_with_the_seconds_to_wait() -> None:
    """Requests beyond the queue are refused at once, and all others are served."""
    small = PasswordPool(**CHEAPEST, turns=LocalTurns(TurnQueue(slots(), max_waiting=20)))
    known = await small.hash("password")
    flood = asyncio.gather(*(sign_in(small, known, "one source") for _ in range(50)), return_exceptions=True)
    await asyncio.sleep(0)
    assert await sign_in(small, known, "another source")
    answers = await flood
    refused = [answer for answer in answers if isinstance(answer, Busy)]
    assert all(1 <= each.wait <= MAX_WAIT for each in refused)
    assert answers.count(True) == 50 - len(refused)
    assert len(refused) == 50 - slots() - 20 + 1
    small.close()


async def test_disconnected_client_leaves_the_hash_queue(pool: PasswordPool) -> None:
    """Neither disconnected clients nor cancelled requests keep a place."""
    known = await pool.hash("password")

    async def at_once() -> None:
        return

    gone = await asyncio.gather(*(sign_in(pool, known, "gone", at_once) for _ in range(50)), return_exceptions=True)
    assert [type(answer) for answer in gone].count(Busy) == 50 - slots()
    waiting = [asyncio.create_task(sign_in(pool, known, "cancelled")) for _ in range(50)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await sign_in(pool, known, "a person")
    assert isinstance(pool._turns, LocalTurns)
    assert (pool._turns._queue.waiting, pool._turns._queue.running, pool._turns._requests) == (0, 0, {})


async def test_hash_that_does_not_start_in_time_is_refused() -> None:
    """A request behind slow hashes is refused when its time ends, and leaves the queue."""
    turns = LocalTurns(TurnQueue(1))
    async with turn(turns, "first", "account", None):
        with pytest.raises(Busy):
            async with turn(turns, "second", "account", None, max_wait=0.05):
                pass
        assert turns._queue.waiting == 0
    async with turn(turns, "third", "account", None, max_wait=0.05):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
async def test_hashing_threads_run_at_lower_priority(pool: PasswordPool) -> None:
    """Hashing threads have a higher nice value than those that answer."""
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    await pool.hash("correct horse")
    hashing = [thread.native_id for thread in threading.enumerate() if thread.name.startswith("password")]
    assert hashing
    assert all(thread and os.getpriority(os.PRIO_PROCESS, thread) > before for thread in hashing)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
