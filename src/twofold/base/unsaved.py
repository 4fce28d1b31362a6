"""Times that are recorded in memory and saved in batches, so that no request waits for the write."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from twofold.base.database import Database, Transaction
from twofold.base.problems import Unavailable

K = TypeVar("K")


class Unsaved(Generic[K]):
    """The last time of each key (epoch seconds) until it is saved."""

    def __init__(self, save: Callable[[Transaction, dict[K, int]], Awaitable[None]]) -> None:
        self._save = save
        self._times: dict[K, int] = {}

    def __len__(self) -> int:
        return len(self._times)

    def __contains__(self, key: K) -> bool:
        return key in self._times

    def get(self, key: K, default: int = 0) -> int:
        """Return the unsaved time of a key."""
        return self._times.get(key, default)

    def put(self, key: K, at: int) -> None:
        """Record a time."""
        self._times[key] = at

    async def write(self, db: Database) -> None:
        """Save the recorded times. They are kept until the commit: a failed or cancelled write loses none."""
        batch = dict(self._times)
        if not batch:
            return
        try:
            await db.write(self._save, batch)
        except Unavailable:
            return
        for key, at in batch.items():
            if self._times.get(key) == at:
                del self._times[key]
