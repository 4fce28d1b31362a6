"""Frequent acts make few statements on SQLite and few round trips to PostgreSQL, and no more than before.

On SQLite, what counts is each statement that runs, without BEGIN and COMMIT, since the commit is shared. On PostgreSQL,
what counts is each time the service waits for an answer, BEGIN and COMMIT included. Each act is counted at its second
time, when the program is known to the account and the statements are prepared.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from tests.support.authenticator import Authenticator
from tests.support.clients import PASSWORD
from tests.support.in_process import LocalApp, in_process
from twofold.base.database.postgres_connection import PostgresConnection
from twofold.base.database.sqlite_engine import SqliteTransaction

EMAIL = "ada@example.com"
LIMITS = {  # on SQLite, and on PostgreSQL
    "session check": (1, 1),
    "password step": (6, 12),
    "password step without 2FA": (7, 13),
    "code step": (8, 11),
    "unlock": (12, 19),
    "start of an enrolment": (7, 10),
    "end of an enrolment": (27, 32),
}

_counted: ContextVar[list[str] | None] = ContextVar("_counted", default=None)  # of this test, not of other tasks


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count statements of the one driver and round trips of the other."""
    for name in ("one", "all", "run"):
        monkeypatch.setattr(SqliteTransaction, name, _counting(getattr(SqliteTransaction, name)))
    monkeypatch.setattr(PostgresConnection, "_run", _counting(PostgresConnection._run))


@pytest.mark.usefixtures("counters")
async def test_frequent_acts_make_few_statements_and_round_trips(database_url: str, tmp_path: Path) -> None:
    """Each act stays within its limit."""
    counts: dict[str, int] = {}
    async with in_process(tmp_path, database_url=database_url) as browser:
        async for name, made in _acts(browser):
            counts[name] = len(made)
    place = 1 if database_url.startswith("postgres") else 0
    assert {name: count for name, count in counts.items() if count > LIMITS[name][place]} == {}


def _counting(real: Any) -> Any:  # noqa: ANN401 - one of their methods
    def counting(self: object, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the real one
        made = _counted.get()
        if made is not None:
            made.append(str(args[0]))
        return real(self, *args, **kwargs)

    return counting


@contextmanager
def _count() -> Iterator[list[str]]:
    made: list[str] = []
    token = _counted.set(made)
    yield made
    _counted.reset(token)


async def _acts(browser: LocalApp) -> AsyncIterator[tuple[str, list[str]]]:
    """Do each act twice, and yield what its second time made."""
    await _call(browser, "POST", "/accounts", email=EMAIL, password=PASSWORD)
    for _ in range(2):
        with _count() as made:
            session = (await _call(browser, "POST", "/sign-in", email=EMAIL, password=PASSWORD))["session"]["token"]
    yield "password step without 2FA", made
    for _ in range(2):
        with _count() as made:
            await _call(browser, "GET", "/session", session)
    yield "session check", made
    session = (await _call(browser, "POST", "/session/unlock", session, password=PASSWORD))["session"]["token"]
    for _ in range(2):
        with _count() as made:
            factor = await _call(browser, "POST", "/factors", session, kind="totp")
    yield "start of an enrolment", made
    app = Authenticator(factor["secret"], browser.clock)
    with _count() as made:
        await _call(browser, "POST", f"/factors/{factor['id']}/verify", session, code=app.code())
    yield "end of an enrolment", made
    for _ in range(2):
        browser.clock.now += 60
        with _count() as made:
            half = (await _call(browser, "POST", "/sign-in", email=EMAIL, password=PASSWORD))["sign_in"]
        with _count() as coded:
            done = await _call(browser, "POST", "/sign-in/code", sign_in=half, code=app.code())
    yield "password step", made
    yield "code step", coded
    session = done["session"]["token"]
    for _ in range(2):
        browser.clock.now += 60
        with _count() as made:
            answer = await _call(browser, "POST", "/session/unlock", session, password=PASSWORD, code=app.code())
        session = answer["session"]["token"]
    yield "unlock", made


async def _call(browser: LocalApp, method: str, path: str, token: str = "", **body: object) -> Any:  # noqa: ANN401 - JSON
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await browser.http.request(method, f"/api/v1{path}", headers=headers, json=body or None)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None
