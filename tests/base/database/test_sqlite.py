"""What the one writer of a SQLite file promises: nobody is told yes too early, nobody suffers for another."""

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

from tests.base.database.things import add, names, stored
from twofold.base.database import (
    AlreadyServed,
    CannotOpen,
    Conflict,
    Database,
    Transaction,
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
    """Where the database of this test lies."""
    return tmp_path / "things.db"


@pytest.fixture
async def db(file: Path) -> AsyncIterator[Database]:
    """An open database with the table `thing`."""
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
    """Keep the writer busy, so that what is written meanwhile waits and goes into one commit."""
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
    """What another process would find committed."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        found = [name for (name,) in connection.execute("SELECT name FROM thing ORDER BY name")]
    connection.close()
    return found


@contextmanager
def another_process_holds(file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds the write lock until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield other


def move(file: Path, to: Path) -> None:
    """Give the file another name, the log beside it stays."""
    file.rename(to)


def place_another(file: Path) -> Path:
    """Put a file there that is no database."""
    file.write_text("Dear database, " * 100)
    return file


def sizes(file: Path) -> dict[str, int]:
    """The database's files and their sizes, none if the first of them is gone."""
    return {path.name: path.stat().st_size for path in file.parent.glob(f"{file.name}*")} if file.exists() else {}


def modes(file: Path) -> dict[str, int]:
    """The database's files and their access rights."""
    return {path.name: path.stat().st_mode & 0o777 for path in file.parent.glob(f"{file.name}*")}


def commits_in_log(file: Path) -> int:
    """Count the frames of the write-ahead log that end a commit (its format is documented at sqlite.org/walformat)."""
    log = Path(f"{file}-wal").read_bytes()
    page_size = struct.unpack(">I", log[8:12])[0]
    frames = (log[start : start + 24] for start in range(32, len(log), 24 + page_size))
    return sum(1 for frame in frames if frame[8:16] == log[16:24] and struct.unpack(">I", frame[4:8])[0])


async def test_waiting_transactions_share_one_commit(db: Database, file: Path) -> None:
    """A hundred transactions that wait are made durable by a single commit."""
    before = commits_in_log(file)
    async with writer_held(db):
        tasks = [asyncio.create_task(db.write(add, f"{number:03}")) for number in range(100)]
    await asyncio.gather(*tasks)
    assert commits_in_log(file) - before == 1
    assert len(seen_by_another(file)) == 100


async def test_a_failure_undoes_only_its_own_work(db: Database, file: Path) -> None:
    """Neighbours in the same commit are kept when one raises, conflicts, or awaits what it must not."""

    class Leave(BaseException):
        """As hard as KeyboardInterrupt, which would end the test run."""

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
    assert [type(answer) for answer in answers] == [type(None), Conflict, ValueError, Leave, RuntimeError, type(None)]
    assert seen_by_another(file) == ["a", "b"]


@pytest.mark.parametrize("failing, runs", [(0, 1), (1, 2), (9, 2)])
async def test_neighbours_of_failures_run_again_once_at_most(db: Database, file: Path, failing: int, runs: int) -> None:
    """However many in a commit fail after a change; those that fail before any cost the others nothing."""
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


async def test_nobody_is_answered_before_the_commit(db: Database, file: Path) -> None:
    """Work that is done waits for its neighbours' commit; when it is answered, another process can see it."""
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


async def test_a_commit_that_fails_fails_for_all_in_it(db: Database, file: Path) -> None:
    """When the commit itself is refused, nobody in it is told yes, nothing is kept, and the next one goes through."""

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


async def test_a_full_disk_fails_what_was_begun_and_heals(db: Database, file: Path) -> None:
    """Work begun before the disk was full is refused with it, work after it gets its own try."""

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


async def test_work_cannot_end_the_transaction_of_others(db: Database) -> None:
    """A stray COMMIT is a failure of everybody in the transaction, and the writer goes on."""
    with pytest.raises(Unavailable):
        await db.write(lambda tx: tx.run("COMMIT"))
    await db.write(add, "a")
    assert await stored(db) == ["a"]


async def test_a_lock_held_elsewhere_is_waited_for_and_then_refused(
    db: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who wait are refused together when the patience is over, reads go on, and writes heal with the lock gone."""
    monkeypatch.setattr(sqlite_writer, "PATIENCE", 0.5)
    db._writer._disconnect()  # type: ignore[attr-defined]  # the next connection has the new patience
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


async def test_a_file_that_goes_away_and_comes_back_heals(db: Database, file: Path) -> None:
    """Without its file the database is unavailable, never made anew; with it back, the next request works."""
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


async def test_a_file_that_is_read_only_for_a_while_heals(db: Database) -> None:
    """A connection that came to be read-only is replaced, so that nothing need be restarted."""
    with pytest.raises(Unavailable):
        await db.write(_turn_read_only)
    await db.write(add, "a")
    assert await stored(db) == ["a"]


async def _turn_read_only(tx: Transaction) -> None:
    await tx.run("PRAGMA query_only = ON")
    await add(tx, "refused")


async def test_a_short_read_that_waits_or_writes_is_refused(db: Database) -> None:
    """On the event loop's thread work may neither suspend nor write; both are mistakes of the program."""

    async def waits(_tx: Transaction) -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="nothing may be awaited"):
        await db.read(waits)
    with pytest.raises(sqlite3.OperationalError):
        await db.read(add, "a")
    assert await stored(db) == []


async def test_two_servers_on_one_file_are_refused(db: Database, file: Path) -> None:
    """The second says so in one sentence; command line tools may look in; afterwards the file is free."""
    with pytest.raises(AlreadyServed, match="already serves the database"):
        await open_database(f"sqlite:///{file}", serving=True)
    tool = await open_database(f"sqlite:///{file}", serving=False)
    await tool.write(add, "by the tool")
    await tool.close()
    assert await stored(db) == ["by the tool"]
    await db.close()
    await (await open_database(f"sqlite:///{file}", serving=True)).close()


async def test_nobody_else_can_read_the_files(db: Database, file: Path) -> None:
    """The file and those that SQLite lays beside it are for their owner only, whatever the umask."""
    await db.write(add, "a")
    assert modes(file) == dict.fromkeys(["things.db", "things.db-wal", "things.db-shm", "things.db.serving"], 0o600)


async def test_a_place_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A missing folder and a file that is no database are refused with a sentence that names them."""
    for path in (tmp_path / "nowhere" / "things.db", place_another(tmp_path / "letter")):
        for serving in (True, False):
            with pytest.raises(CannotOpen, match=str(path)):
                await open_database(f"sqlite:///{path}", serving=serving)


async def test_the_log_is_folded_away(db: Database, file: Path) -> None:
    """Under steady writing the log does not grow without end, and after closing nothing is left of it."""
    for start in range(0, 6000, 500):
        await asyncio.gather(*(db.write(add, f"{number}", 0, bytes(200)) for number in range(start, start + 500)))
    assert sizes(file)["things.db-wal"] < 8_000_000
    await db.close()
    assert set(sizes(file)) == {"things.db", "things.db.serving"}
    assert len(seen_by_another(file)) == 6000


async def test_only_the_serving_process_folds_the_log(db: Database, file: Path) -> None:
    """A tool that writes and leaves lets the log lie, for engines that cannot bear two who fold it."""
    tool = await open_database(f"sqlite:///{file}", serving=False)
    await asyncio.gather(*(tool.write(add, f"{number}") for number in range(3000)))
    before = sizes(file)["things.db"]
    await tool.close()
    assert sizes(file)["things.db"] == before
    assert len(await stored(db)) == 3000


async def test_work_sees_the_context_of_its_request(db: Database) -> None:
    """Context variables are the same inside a transaction as around it, in whichever thread it runs."""

    async def speaker(_tx: Transaction) -> str:
        return SPEAKER.get()

    SPEAKER.set("ann")
    assert [await db.read(speaker), await db.read_long(speaker), await db.write(speaker)] == ["ann"] * 3


async def test_what_waits_at_closing_is_still_written(file: Path, db: Database) -> None:
    """Closing comes after those who were there before."""
    async with writer_held(db):
        tasks = [asyncio.create_task(db.write(add, f"{number}")) for number in range(10)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(db.close())
    await asyncio.gather(*tasks)
    await closing
    assert len(seen_by_another(file)) == 10


async def test_too_many_who_wait_are_refused_at_once(db: Database) -> None:
    """Beyond the bound of the queue the answer is immediate, so that a slow disk does not fill the memory."""
    async with writer_held(db):
        tasks = [asyncio.create_task(db.write(add, f"{number}")) for number in range(sqlite_writer.QUEUE + 5)]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers[-5:]] == [Unavailable] * 5
    assert set(map(type, answers[:-5])) == {type(None)}
