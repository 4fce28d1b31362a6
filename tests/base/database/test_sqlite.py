"""The single writer of a SQLite file confirms no write before its commit and isolates failures."""

import asyncio
import sqlite3
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Event

import pytest

from tests.support.things import add, names, stored
from twofold.base.database import (
    AlreadyServed,
    CannotOpen,
    Database,
    Transaction,
    UniqueViolation,
    open_database,
    sqlite_writer,
)
from twofold.base.problems import Unavailable

pytestmark = pytest.mark.anyio

SPEAKER: ContextVar[str] = ContextVar("SPEAKER", default="nobody")
HOLD_LOCK = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
    "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of the test's database."""
    return tmp_path / "things.db"


@pytest.fixture
async def db(file: Path) -> AsyncIterator[Database]:
    """Yield an open database with the table `thing`."""
    opened = await open_database(f"sqlite:///{file}", serving=True)
    await opened.write(
        lambda tx: tx.run(
            "CREATE TABLE thing (name TEXT PRIMARY KEY, size BIGINT, body BYTEA, part_of TEXT REFERENCES thing (name))"
        )
    )
    yield opened
    await opened.close()


@asynccontextmanager
async def writer_held(db: Database) -> AsyncIterator[None]:
    """Occupy the writer, so that later writes wait and share one commit."""
    begun, go = Event(), Event()

    async def hold(_tx: Transaction) -> None:
        begun.set()
        go.wait(10)

    held = asyncio.create_task(db.write(hold))
    await asyncio.to_thread(begun.wait, 10)
    yield
    await asyncio.sleep(0)  # the tasks just made put their work into the queue
    go.set()
    await held


def seen_by_another(file: Path) -> list[str]:
    """Return what another process would see as committed."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        found = [name for (name,) in connection.execute("SELECT name FROM thing ORDER BY name")]
    connection.close()
    return found


@contextmanager
def another_process_holds(file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Hold the write lock in another process until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield other


def move(file: Path, to: Path) -> None:
    """Rename the database file, but not its log."""
    file.rename(to)


def place_another(file: Path) -> Path:
    """Put a file there that is not a database."""
    file.write_text("Dear database, " * 100)
    return file


def sizes(file: Path) -> dict[str, int]:
    """Return the database's files with their sizes, or nothing if the first is missing."""
    return {path.name: path.stat().st_size for path in file.parent.glob(f"{file.name}*")} if file.exists() else {}


def modes(file: Path) -> dict[str, int]:
    """Return the database's files with their modes."""
    return {path.name: path.stat().st_mode & 0o777 for path in file.parent.glob(f"{file.name}*")}


def commits_in_log(file: Path) -> int:
    """Count the frames of the write-ahead log that end a commit (its format is documented at sqlite.org/walformat)."""
    log = Path(f"{file}-wal").read_bytes()
    page_size = struct.unpack(">I", log[8:12])[0]
    frames = (log[start : start + 24] for start in range(32, len(log), 24 + page_size))
    return sum(1 for frame in frames if frame[8:16] == log[16:24] and struct.unpack(">I", frame[4:8])[0])


async def test_queued_transactions_share_one_commit(db: Database, file: Path) -> None:
    """A single commit makes a hundred waiting transactions durable."""
    before = commits_in_log(file)
    async with writer_held(db):
        tasks = [asyncio.create_task(db.write(add, f"{number:03}")) for number in range(100)]
    await asyncio.gather(*tasks)
    assert commits_in_log(file) - before == 1
    assert len(seen_by_another(file)) == 100


async def test_failed_transaction_rolls_back_only_its_own_work(db: Database, file: Path) -> None:
    """Other transactions in the same commit are kept if one raises, conflicts or awaits something else."""

    class Leave(BaseException):
        """Stands for KeyboardInterrupt, which would end the test run."""

    async def waits(tx: Transaction) -> None:
        await add(tx, "waits")
        await asyncio.sleep(0)

    async def raises(tx: Transaction, error: BaseException) -> None:
        await add(tx, "raises")
        raise error

    async with writer_held(db):
        tasks = [
            asyncio.create_task(work)
            for work in (
                db.write(add, "a"),
                db.write(add, "a"),
                db.write(raises, ValueError("no")),
                db.write(raises, Leave()),
                db.write(waits),
                db.write(add, "b"),
            )
        ]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    kinds = [type(answer) for answer in answers]
    assert kinds == [type(None), UniqueViolation, ValueError, Leave, RuntimeError, type(None)]
    assert seen_by_another(file) == ["a", "b"]


@pytest.mark.parametrize("failing, runs", [(0, 1), (1, 2), (9, 2)])
async def test_transactions_beside_a_failure_are_retried_at_most_once(
    db: Database, file: Path, failing: int, runs: int
) -> None:
    """This holds for any number of failures after a change; failures before a change do not affect others."""
    begun: list[str] = []

    async def counted(tx: Transaction, name: str) -> None:
        begun.append(name)
        await add(tx, name)

    async def fails(tx: Transaction, name: str) -> None:
        await add(tx, name)
        raise ValueError(name)

    async def refused(tx: Transaction) -> None:
        await tx.one("SELECT 1")
        raise LookupError

    async with writer_held(db):
        tasks = [asyncio.create_task(db.write(counted, "first"))]
        tasks += [asyncio.create_task(db.write(refused)) for _ in range(3)]
        tasks += [asyncio.create_task(db.write(fails, f"{number}")) for number in range(failing)]
        tasks += [asyncio.create_task(db.write(counted, "last"))]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers[1:-1]] == [LookupError] * 3 + [ValueError] * failing
    assert begun.count("first") == runs
    assert begun.count("last") == 1
    assert seen_by_another(file) == ["first", "last"]


async def test_result_is_returned_only_after_the_commit(db: Database, file: Path) -> None:
    """The result waits for the shared commit, after which another process sees it."""
    begun, go = Event(), Event()

    async def slow(_tx: Transaction) -> None:
        begun.set()
        go.wait(10)

    async with writer_held(db):
        quick_task, slow_task = asyncio.create_task(db.write(add, "quick")), asyncio.create_task(db.write(slow))
    await asyncio.to_thread(begun.wait, 10)
    await asyncio.sleep(0.02)
    assert not quick_task.done()
    assert seen_by_another(file) == []
    go.set()
    await quick_task
    assert seen_by_another(file) == ["quick"]
    await slow_task


async def test_failed_commit_fails_every_transaction_in_it(db: Database, file: Path) -> None:
    """None of its transactions is confirmed, nothing is stored, and the next commit succeeds."""

    async def spoil_commit(tx: Transaction) -> None:
        await tx.run("PRAGMA defer_foreign_keys = ON")
        await tx.run("INSERT INTO thing (name, part_of) VALUES ('b', 'nobody')")

    async with writer_held(db):
        tasks = [asyncio.create_task(work) for work in (db.write(add, "a"), db.write(spoil_commit), db.write(add, "c"))]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert seen_by_another(file) == []
    await db.write(add, "d")
    assert seen_by_another(file) == ["d"]


async def test_full_disk_fails_started_work_and_recovers(db: Database, file: Path) -> None:
    """Transactions started before fail with it, and later ones get their own attempt."""

    async def fill(tx: Transaction) -> None:
        await tx.one(
            "PRAGMA max_page_count = 1"
        )  # SQLite's own limit, as good as a full disk; gone with the connection
        await add(tx, "big", 0, bytes(1_000_000))

    async with writer_held(db):
        tasks = [asyncio.create_task(work) for work in (db.write(add, "a"), db.write(fill), db.write(add, "c"))]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable, Unavailable, type(None)]
    assert seen_by_another(file) == ["c"]


async def test_stray_commit_fails_and_the_writer_continues(db: Database) -> None:
    """A stray COMMIT fails every transaction in the batch, and the writer continues."""
    with pytest.raises(Unavailable):
        await db.write(lambda tx: tx.run("COMMIT"))
    await db.write(add, "a")
    assert await stored(db) == ["a"]


async def test_foreign_lock_is_unavailable_after_the_timeout(
    db: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All waiting writes fail together, reads continue, and writes resume when the lock is released."""
    monkeypatch.setattr(sqlite_writer, "MAX_WAIT", 0.5)
    db._writer._disconnect()  # type: ignore[attr-defined]  # the next connection has the new limit
    with another_process_holds(file) as other:
        started = asyncio.get_running_loop().time()
        tasks = [asyncio.create_task(db.write(add, f"{number}")) for number in range(300)]
        await asyncio.sleep(0.01)
        assert await stored(db) == []
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert asyncio.get_running_loop().time() - started < 1.5
        other.kill()
    await db.write(add, "after")
    assert await stored(db) == ["after"]


async def test_missing_database_file_is_unavailable_until_it_is_restored(db: Database, file: Path) -> None:
    """The missing file is not created; once it is restored, the next request works."""
    away = file.with_name("away")
    await db.write(add, "a")
    move(file, away)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await db.write(add, "b")
    with pytest.raises(Unavailable):
        await db.read_long(names)
    assert sizes(file) == {}
    place_another(file)
    with pytest.raises(Unavailable):
        await db.write(add, "b")
    move(away, file)
    await db.write(add, "c")
    assert await stored(db) == await db.read_long(names) == ["a", "c"]


async def test_database_file_recovers_after_being_read_only(db: Database) -> None:
    """A connection that became read-only is replaced without a restart."""
    with pytest.raises(Unavailable):
        await db.write(_turn_read_only)
    await db.write(add, "a")
    assert await stored(db) == ["a"]


async def _turn_read_only(tx: Transaction) -> None:
    await tx.run("PRAGMA query_only = ON")
    await add(tx, "refused")


async def test_short_read_that_awaits_or_writes_is_refused(db: Database) -> None:
    """A short read runs on the event loop's thread, where awaiting and writing are programming errors."""

    async def waits(_tx: Transaction) -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="must await nothing"):
        await db.read(waits)
    with pytest.raises(sqlite3.OperationalError):
        await db.read(add, "a")
    assert await stored(db) == []


async def test_second_server_on_one_database_file_is_refused(db: Database, file: Path) -> None:
    """The second says so in one sentence, command line tools can still read, and afterwards the file is free."""
    with pytest.raises(AlreadyServed, match="already serves the database"):
        await open_database(f"sqlite:///{file}", serving=True)
    tool = await open_database(f"sqlite:///{file}", serving=False)
    await tool.write(add, "by the tool")
    await tool.close()
    assert await stored(db) == ["by the tool"]
    await db.close()
    await (await open_database(f"sqlite:///{file}", serving=True)).close()


async def test_database_files_are_readable_by_their_owner_only(db: Database, file: Path) -> None:
    """The database and SQLite's other files have mode 0600 for every umask."""
    await db.write(add, "a")
    assert modes(file) == dict.fromkeys(["things.db", "things.db-wal", "things.db-shm", "things.db.serving"], 0o600)


async def test_unusable_database_path_is_named_in_the_error(tmp_path: Path) -> None:
    """The error for a missing folder or a file that is not a database names the path."""
    for path in (tmp_path / "nowhere" / "things.db", place_another(tmp_path / "letter")):
        for serving in (True, False):
            with pytest.raises(CannotOpen, match=str(path)):
                await open_database(f"sqlite:///{path}", serving=serving)


async def test_write_ahead_log_stays_small_and_is_removed_on_close(db: Database, file: Path) -> None:
    """The log stays small under constant writes, and is removed on closing."""
    for start in range(0, 6000, 500):
        await asyncio.gather(*(db.write(add, f"{number}", 0, bytes(200)) for number in range(start, start + 500)))
    assert sizes(file)["things.db-wal"] < 8_000_000
    await db.close()
    assert set(sizes(file)) == {"things.db", "things.db.serving"}
    assert len(seen_by_another(file)) == 6000


async def test_only_the_serving_process_checkpoints_the_log(db: Database, file: Path) -> None:
    """A tool that writes leaves the log in place, since some versions cannot handle two processes that checkpoint."""
    tool = await open_database(f"sqlite:///{file}", serving=False)
    await asyncio.gather(*(tool.write(add, f"{number}") for number in range(3000)))
    before = sizes(file)["things.db"]
    await tool.close()
    assert sizes(file)["things.db"] == before
    assert len(await stored(db)) == 3000


async def test_transaction_sees_the_context_variables_of_its_caller(db: Database) -> None:
    """Context variables are the same inside a transaction as outside, in any thread."""

    async def speaker(_tx: Transaction) -> str:
        return SPEAKER.get()

    SPEAKER.set("ann")
    assert [await db.read(speaker), await db.read_long(speaker), await db.write(speaker)] == ["ann"] * 3


async def test_queued_writes_are_committed_on_close(file: Path, db: Database) -> None:
    """Closing waits for the writes queued before it."""
    async with writer_held(db):
        tasks = [asyncio.create_task(db.write(add, f"{number}")) for number in range(10)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(db.close())
    await asyncio.gather(*tasks)
    await closing
    assert len(seen_by_another(file)) == 10


async def test_full_write_queue_refuses_at_once(db: Database) -> None:
    """Beyond the limit of the queue, writes fail at once, so that a slow disk does not fill the memory."""
    async with writer_held(db):
        tasks = [asyncio.create_task(db.write(add, f"{number}")) for number in range(sqlite_writer.QUEUE + 5)]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers[-5:]] == [Unavailable] * 5
    assert set(map(type, answers[:-5])) == {type(None)}
