"""Password hashing with argon2id (RFC 9106), in as many threads as there are cores, behind a bounded queue.

Threads beyond the cores bring nothing but memory (47 MiB a hash); beyond the queue nobody is kept waiting: 503.
"""

import asyncio
import os
import sys
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from twofold.base.problems import Unavailable

T = TypeVar("T")

_QUEUED_PER_CORE = 8  # about a quarter of a second of waiting
_NICE = 5  # a third of the CPU of whoever wants it as well, and all that nobody wants


class PasswordPool:
    """Makes and checks password hashes without holding up anybody else."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int) -> None:
        cores = len(os.sched_getaffinity(0))
        self._hasher = PasswordHasher(passes, memory_kib, lanes, type=Type.ID)
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="password", initializer=_stand_back)
        self._room = cores * (1 + _QUEUED_PER_CORE)
        self._under_way = 0
        self._nobody = f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${_random(16)}${_random(32)}"  # nothing fits

    @contextmanager
    def place(self) -> Iterator[None]:
        """Keep a place in the queue for the hashes of one act. Raises Unavailable when the queue is full."""
        if self._under_way >= self._room:
            raise Unavailable
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def hash(self, password: str) -> str:
        """Hash a new password to a PHC string; takes a place of its own. Raises Unavailable when the queue is full."""
        with self.place():
            return await self.hash_in_place(password)

    async def hash_in_place(self, password: str) -> str:
        """Hash a new password to a PHC string, for whoever has a place."""
        return await self._run(lambda: self._hasher.hash(normal_form(password)))

    async def verify_in_place(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is right, for whoever has a place; without a hash the work is done in vain."""
        return await self._run(lambda: self._matches(password_hash or self._nobody, password)) and bool(password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Let running hashes end and drop the queue."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, normal_form(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _stand_back() -> None:
    """Let threads that answer go before this one, which hashes; on Linux each thread has a priority of its own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.nice(_NICE)


def _random(size: int) -> str:
    return b64encode(os.urandom(size)).decode().rstrip("=")


def normal_form(password: str) -> str:
    """Write the password the same way whatever keyboard typed it (NFKC), and take it whole (SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
