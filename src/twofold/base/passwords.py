"""Password hashing with argon2id (RFC 9106), in turns, in as many threads as there are cores.

More threads would only use more memory (47 MiB per hash).
"""

import asyncio
import os
import sys
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from twofold.base.turn_queue import TurnQueue
from twofold.base.turns import ClientGone, LocalTurns, Turns, cores, slots, turn

T = TypeVar("T")

_NICENESS = 5  # a third of the CPU share of a normal thread, or all of an idle machine


class PasswordPool:
    """Computes and checks password hashes in threads of lower priority. Use it only within a `turn`."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int, turns: Turns | None = None) -> None:
        """Create a pool; `turns` may be shared with other processes."""
        self._hasher = PasswordHasher(passes, memory_kib, lanes, type=Type.ID)
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="password", initializer=_lower_priority)
        self._turns = turns or LocalTurns(TurnQueue(slots()))
        self._dummy_hash = (
            f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${_random(16)}${_random(32)}"  # matches no password
        )

    def turn(
        self, network: str, account: str, gone: ClientGone | None = None, *, known: bool = False
    ) -> AbstractAsyncContextManager[bool]:
        """Wait for a turn, and hold it while hashing and for the statements just before.

        Networks take turns, separately for browsers that are `known` to their account, and so do the accounts of each
        network. A client that is `gone` leaves the queue. Raise Busy if the turn does not begin within 12 seconds.
        """
        return turn(self._turns, network, account, gone, known=known)

    async def hash(self, password: str) -> str:
        """Return the hash of a new password as a PHC string."""
        return await self._run(lambda: self._hasher.hash(normal_form(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether the password is correct; without a hash, do the same work and return False."""
        matches = await self._run(lambda: self._matches(password_hash or self._dummy_hash, password))
        return matches and bool(password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether a hash has other parameters than the current ones."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Wait for running hashes, and drop the queue."""
        self._turns.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, normal_form(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        """Run in a thread; a cancelled caller waits for the end, so that its turn lasts as long as the work."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait((running,))
            raise


def _lower_priority() -> None:
    """Lower the priority of this hashing thread; on Linux, each thread has its own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.nice(_NICENESS)


def _random(size: int) -> str:
    return b64encode(os.urandom(size)).decode().rstrip("=")


def normal_form(password: str) -> str:
    """Return the password in NFKC, so that the keyboard does not matter; never truncated (SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
