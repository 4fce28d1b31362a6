"""Hashes cost what was configured, for unknown people as well, and no queue grows without bound."""

import asyncio
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Iterator

import pytest

from twofold.base.passwords import PasswordPool
from twofold.base.problems import Unavailable

CHEAPEST = {"memory_kib": 19_456, "passes": 2, "lanes": 1}
ROOM = 9 * len(os.sched_getaffinity(0))  # one at work and eight waiting for each core


@pytest.fixture(scope="module")
def pool() -> Iterator[PasswordPool]:
    """A pool at the floor of the settings."""
    made = PasswordPool(**CHEAPEST)
    yield made
    made.close()


async def verified(pool: PasswordPool, known: str | None, password: str) -> bool:
    """Checks a password as a sign-in does: with a place in the queue, or not at all."""
    with pool.place():
        return await pool.verify_in_place(known, password)


async def test_the_right_password_is_right_and_others_are_not(pool: PasswordPool) -> None:
    """Every character counts, also the last of 256."""
    password = "é" * 255
    known = await pool.hash(password + "a")
    assert await verified(pool, known, password + "a")
    assert not await verified(pool, known, password + "b")
    assert not await verified(pool, known, password)


async def test_a_password_is_the_same_whatever_keyboard_typed_it(pool: PasswordPool) -> None:
    """Composed or not, full-width or not (NFKC); capitals and spaces stay what they are."""
    known = await pool.hash("Crème Brûlée １")
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert await verified(pool, known, unicodedata.normalize(form, "Crème Brûlée １"))
    for other in ("crème brûlée 1", "Creme Brulee 1", " Crème Brûlée 1", "Crème Brûlée 1 "):
        assert not await verified(pool, known, other)


async def test_a_hash_names_its_cost_and_has_its_own_salt(pool: PasswordPool) -> None:
    """The PHC string of argon2id."""
    one, other = await pool.hash("same"), await pool.hash("same")
    assert re.fullmatch(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]+\$[^$]+", one)
    assert one != other


async def test_an_unknown_account_is_as_much_work_and_never_right(
    pool: PasswordPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same hashing is done once either way, so that time tells nothing (ASVS 6.3.8)."""
    hashed: list[str] = []
    matches = pool._matches

    def noted(known: str, password: str) -> bool:
        hashed.append(known)
        return matches(known, password)

    monkeypatch.setattr(pool, "_matches", noted)
    known = await pool.hash("right")
    assert await verified(pool, known, "right")
    assert not await verified(pool, None, "right")
    assert not await verified(pool, "", "right")
    costs = [each.rsplit("$", 2)[0] for each in hashed]
    assert costs == ["$argon2id$v=19$m=19456,t=2,p=1"] * 3


@pytest.mark.parametrize("known", ["$argon2id$", "not a hash", "$2b$12$abcdefghijklmnopqrstuv", "x" * 300])
async def test_a_hash_that_cannot_be_read_is_never_right(pool: PasswordPool, known: str) -> None:
    """A damaged row opens nothing and breaks nothing."""
    assert not await verified(pool, known, "anything")


async def test_a_hash_of_another_cost_is_outdated(pool: PasswordPool) -> None:
    """Dearer or cheaper: it is made anew at the next sign-in."""
    known = await pool.hash("password")
    assert not pool.is_outdated(known)
    for changed in ({"memory_kib": 20_000}, {"passes": 3}, {"lanes": 2}):
        other = PasswordPool(**CHEAPEST | changed)
        assert other.is_outdated(known)
        assert await verified(other, known, "password")
        other.close()


async def test_beyond_its_queue_the_pool_says_so_at_once_and_recovers(pool: PasswordPool) -> None:
    """A flood is told 503 instead of waiting; nobody who was let in is lost (L04)."""
    known = await pool.hash("password")
    answers = await asyncio.gather(
        *(verified(pool, known, "password") for _ in range(ROOM + 20)), return_exceptions=True
    )
    assert answers[:ROOM] == [True] * ROOM
    assert [type(answer) for answer in answers[ROOM:]] == [Unavailable] * 20
    assert await verified(pool, known, "password")


async def test_who_gives_up_waiting_frees_the_place(pool: PasswordPool) -> None:
    """Cancelled requests cannot fill the queue for good."""
    known = await pool.hash("password")
    for _ in range(3):
        waiting = [asyncio.create_task(verified(pool, known, "password")) for _ in range(ROOM)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert await verified(pool, known, "password")


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
async def test_who_hashes_lets_others_go_before(pool: PasswordPool) -> None:
    """Threads that hash are nicer than those that answer."""
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    await pool.hash("correct horse")
    hashing = [thread.native_id for thread in threading.enumerate() if thread.name.startswith("password")]
    assert hashing
    assert all(thread and os.getpriority(os.PRIO_PROCESS, thread) > before for thread in hashing)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
