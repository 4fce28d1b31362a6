"""What a person sees when the password check does not start in time or the queue is full."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.forms import PageAnswer
from tests.support.in_process import LocalApp, in_process
from twofold.base import throttle
from twofold.base.turn_queue import TurnQueue
from twofold.base.turns import LocalTurns

FORM = {"email": "person@example.org", "password": "my-own-secret-words"}


async def test_busy_sign_in_page_shows_the_form_with_a_short_wait(tmp_path: Path) -> None:
    """The form is there again with the address and without the password; the status and the header say 503 and when."""
    async with in_process(tmp_path) as browser:
        assert browser.twofold._open is not None
        passwords, queue = browser.twofold._open.site.passwords, TurnQueue(1, max_waiting=1)
        passwords._turns = LocalTurns(queue)
        async with passwords.turn("another source", "another account"):
            waiting = asyncio.create_task(browser.post("/sign-in", FORM))
            await until_they_wait(queue, 1)
            shown = (await browser.post("/sign-in", FORM)).expect(503)
        (await waiting).expect(401)
    assert 1 <= int(shown.headers["retry-after"]) <= 12
    assert shown.form("/sign-in").fields["email"] == FORM["email"]
    assert "Many people are signing in right now. Wait 1 second and try again." in shown.words
    assert FORM["password"] not in shown.html


@pytest.mark.parametrize("database", DATABASES)
async def test_page_is_shown_while_all_turns_are_taken(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A signed-in user needs no turn to see the settings."""
    async with in_process(tmp_path, database_url=new_database(database, request, tmp_path)) as browser:
        (await browser.post("/sign-up", FORM)).expect(303)
        async with no_free_turn(browser):
            (await at_last(browser.get("/settings"))).expect(200)


@pytest.mark.parametrize("database", DATABASES)
async def test_address_over_its_limit_is_refused_while_all_turns_are_taken(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The refusal needs no turn."""
    url = new_database(database, request, tmp_path)
    async with in_process(tmp_path, database_url=url, limit_source="1/5m") as browser:
        (await browser.post("/sign-in", FORM)).expect(401)
        async with no_free_turn(browser):
            (await at_last(browser.post("/sign-in", FORM))).expect(429)


@pytest.mark.parametrize("database", DATABASES)
async def test_attempt_is_not_counted_while_it_waits(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Attempts that wait for a turn leave no tally, so a flood of them does not lock the owner out."""
    async with in_process(tmp_path, database_url=new_database(database, request, tmp_path)) as browser:
        assert browser.twofold._open is not None
        db = browser.twofold._open.site.db
        async with no_free_turn(browser) as queue:
            waiting = [asyncio.create_task(browser.post("/sign-in", FORM)) for _ in range(3)]
            await until_they_wait(queue, 3)
            tallies = await db.read(lambda tx: tx.all(f"SELECT {throttle.COLUMNS} FROM throttle t"))  # noqa: S608 - ours
            for each in waiting:
                each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert tallies == []


@asynccontextmanager
async def no_free_turn(browser: LocalApp) -> AsyncIterator[TurnQueue]:
    """Take the only turn to hash, and yield the queue."""
    assert browser.twofold._open is not None
    passwords, queue = browser.twofold._open.site.passwords, TurnQueue(1, max_waiting=4)
    passwords._turns = LocalTurns(queue)
    async with passwords.turn("another source", "another account"):
        yield queue


async def at_last(answer: Awaitable[PageAnswer]) -> PageAnswer:
    """Return an answer that must come although no turn is free."""
    task = asyncio.ensure_future(answer)
    await asyncio.wait((task,), timeout=10)
    assert task.done(), "the request waits for a turn"
    return await task


async def until_they_wait(queue: TurnQueue, number: int) -> None:
    """Wait until so many are in the queue."""
    async with asyncio.timeout(60):
        while queue.waiting < number:  # noqa: ASYNC110 - the queue has no event to wait for
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("database", DATABASES)
async def test_known_browsers_at_one_address_do_not_block_one_elsewhere(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """An attacker's own accounts fill the queue; one of them is dropped for a known browser elsewhere."""
    url = new_database(database, request, tmp_path)
    async with in_process(tmp_path, database_url=url, trusted_proxies="127.0.0.1/32") as first:
        assert first.twofold._open is not None
        passwords, queue = first.twofold._open.site.passwords, TurnQueue(1, max_waiting=4)
        attackers = [await known_browser(first, f"own-{number}@example.org", "198.51.100.1") for number in range(4)]
        person = await known_browser(first, FORM["email"], "203.0.113.9")
        passwords._turns = LocalTurns(queue)
        async with passwords.turn("another source", "another account"):
            posted = [
                asyncio.create_task(browser.post("/sign-in", FORM | {"email": f"own-{number}@example.org"}))
                for number, browser in enumerate(attackers)
            ]
            await until_they_wait(queue, 4)
            came = asyncio.create_task(person.post("/sign-in", FORM))
            await asyncio.wait((came, *posted), return_when=asyncio.FIRST_COMPLETED)
        assert (await came).status == 303
        assert sorted([(await each).status for each in posted]) == [303, 303, 303, 503]
        for browser in (*attackers, person):
            await browser.http.aclose()


async def known_browser(at: LocalApp, email: str, address: str) -> LocalApp:
    """Return a browser at an address of its own, in which an account has just been made."""
    browser = LocalApp(at.twofold, at.clock)
    browser.http.headers["X-Forwarded-For"] = address
    (await browser.post("/sign-up", FORM | {"email": email})).expect(303)
    return browser
