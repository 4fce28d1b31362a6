"""Times in memory are lost neither by a write that fails nor by one that is cancelled when the service stops."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from twofold.base.problems import Unavailable
from twofold.base.unsaved import Unsaved


class SlowDatabase:
    """A database whose writes wait until they are released."""

    def __init__(self) -> None:
        self.began, self.released = asyncio.Event(), asyncio.Event()

    async def write(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:  # noqa: ANN401 - as Database
        """Run the work after the release."""
        self.began.set()
        await self.released.wait()
        await work(None, *arguments)


class DatabaseAway:
    """A database that cannot be reached."""

    async def write(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:  # noqa: ANN401 - as Database
        """Raise Unavailable."""
        del work, arguments
        raise Unavailable


class Saved(dict[str, int]):
    """What was saved."""

    async def save(self, tx: object, times: dict[str, int]) -> None:
        """Keep the times."""
        del tx
        self.update(times)


async def test_cancelled_write_keeps_the_times_for_the_next() -> None:
    """A node that stops cancels its periodic write, and writes once more before it closes the database."""
    saved, db = Saved(), SlowDatabase()
    unsaved = Unsaved(saved.save)
    unsaved.put("session", 100)
    writing = asyncio.create_task(unsaved.write(db))  # type: ignore[arg-type]  # all that it uses
    await db.began.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert not saved
    db.released.set()
    await unsaved.write(db)  # type: ignore[arg-type]  # all that it uses
    assert saved == {"session": 100}
    assert len(unsaved) == 0


async def test_failed_write_keeps_the_times() -> None:
    """They are kept until the database is available."""
    unsaved = Unsaved(Saved().save)
    unsaved.put("session", 100)
    await unsaved.write(DatabaseAway())  # type: ignore[arg-type]  # all that it uses
    assert unsaved.get("session") == 100


async def test_time_stays_known_while_it_is_written() -> None:
    """A session check during the write must not see an older last use; a time recorded meanwhile is saved next."""
    saved, db = Saved(), SlowDatabase()
    unsaved = Unsaved(saved.save)
    unsaved.put("session", 100)
    writing = asyncio.create_task(unsaved.write(db))  # type: ignore[arg-type]  # all that it uses
    await db.began.wait()
    assert unsaved.get("session") == 100
    unsaved.put("session", 160)
    db.released.set()
    await writing
    assert unsaved.get("session") == 160
    await unsaved.write(db)  # type: ignore[arg-type]  # all that it uses
    assert saved == {"session": 160}
