"""What applications are told about a person, what is noted of it, and what survives keys and outages."""

import re
from pathlib import Path

import pytest

from tests.support.gate import APP, DIALECTS, FETCH, FILES, NAVIGATION, RULES, Gate, open_gate

pytestmark = pytest.mark.anyio
OLD, NEW = "a1:" + "A" * 42 + "E", "b2:" + "B" * 42 + "E"
PROVE_ADDRESS = "UPDATE account SET email_proven_at = 1, proven_email = email WHERE id = :id"
SET_NAME = "UPDATE account SET name = :name WHERE id = :id"
NAMES = (
    "Zoë Müller",
    "名前",
    'O\'Brien, "Bob" <b@c>',
    "emoji 🙂",
    "x" * 200,
    "a\r\nRemote-User: root",
    "a\nSet-Cookie: x=y",
    "a\x00b\x7f",
    "line\u2028separator",
    "\x85next",
)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_names_are_told_in_utf_8_and_never_break_a_header(sqlite_gate: Gate, dialect: str) -> None:
    """Whatever an account has stored, a value has neither CR nor LF nor NUL (G6)."""
    person = await sqlite_gate.member()
    browser = sqlite_gate.browser(dialect, person)
    await browser.arrive(f"{APP}/")
    for name in NAMES:
        await sqlite_gate.run(SET_NAME, name=name, id=person.account_id)
        answer = (await browser.open(f"{APP}/")).expect(200)
        told = answer.one("remote-name").encode("latin-1").decode()
        assert not re.search(r"[\x00-\x1f\x7f]", told)
        if name.isprintable():
            assert told == name
        assert answer.user == person.username


async def test_user_is_the_username_address_or_id(sqlite_gate: Gate) -> None:
    """As the rule says; own names come in addition; an unproven address is told nobody (G16)."""
    person = await sqlite_gate.member()
    browser = sqlite_gate.browser(person=person)
    assert (await browser.arrive(f"{APP}/")).user == person.username
    assert (await browser.open(f"{APP}/")).one("remote-email") == ""
    assert (await browser.open(f"{APP}/mail")).status == 403
    await sqlite_gate.run(PROVE_ADDRESS, id=person.account_id)
    assert (await browser.open(f"{APP}/mail")).user == person.email
    assert (await browser.open(f"{APP}/")).one("remote-email") == person.email
    answer = await browser.open(f"{APP}/id")
    assert answer.user == answer.one("x-webauth-user") == person.account_id
    assert answer.one("x-webauth-name") == answer.one("remote-name") == person.username


async def test_headers_of_ones_own_are_there_for_nobody_too(tmp_path: Path) -> None:
    """Under `open`, each configured name is empty, so that a proxy always replaces what a client sent."""
    rules = '[[rules]]\nhost = "app.example.org"\nrequire = "open"\nheaders = {user = "X-WebAuth-User"}\n'
    async with open_gate(tmp_path, gate_rules=rules) as gate:
        answer = (await gate.ask("forward", f"{APP}/", headers={"X-WebAuth-User": "root"})).expect(200)
        assert answer.all("x-webauth-user") == [""]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_forged_identity_is_never_repeated(sqlite_gate: Gate, dialect: str) -> None:
    """Neither nobody nor a person is told as somebody else (I01, CVE-2026-25119)."""
    person = await sqlite_gate.member()
    browser = sqlite_gate.browser(dialect, person)
    await browser.arrive(f"{APP}/")
    for spelling in ("Remote-User", "remote_user", "Remote.User", "REMOTE-USER", "X-WebAuth-User", "Remote-Groups"):
        forged = {spelling: "forged", "Authorization": "Basic Zm9yZ2VkOng="}
        assert "forged" not in str((await browser.open(f"{APP}/id", headers=forged)).expect(200).headers)
        assert "forged" not in str((await browser.open(f"{APP}/public", headers=forged)).expect(200).headers)
        for url in (f"{APP}/id", f"{FILES}/x"):
            nobody = await sqlite_gate.ask(dialect, url, headers=forged)
            assert nobody.status == 401
            assert not any(name.startswith(("remote", "x-webauth")) for name, _ in nobody.headers)


@pytest.mark.parametrize("path, lasts", [("/x", True), ("/public", False)])
async def test_use_is_noted_except_of_what_is_open(sqlite_gate: Gate, path: str, *, lasts: bool) -> None:
    """A protected page keeps the session from going idle; a picture on an open path does not."""
    person = await sqlite_gate.member()
    browser = sqlite_gate.browser(person=person)
    await browser.arrive(f"{APP}/")
    sqlite_gate.clock.now += sqlite_gate.site.config.session_idle - 10
    assert (await browser.open(f"{APP}{path}", headers=FETCH)).user == person.username
    sqlite_gate.clock.now += 20
    assert (await browser.open(f"{APP}/public")).user == (person.username if lasts else "")
    assert (await browser.open(f"{APP}/x", headers=FETCH)).status == (200 if lasts else 401)


async def test_cookie_survives_a_new_key(tmp_path: Path) -> None:
    """While the older key is listed, its cookies are accepted, and a new ticket keeps the stored gate id."""
    async with open_gate(tmp_path, secret_keys=OLD) as gate:
        person = await gate.member()
        before = gate.browser(person=person)
        await before.arrive(f"{APP}/")
        oldest = before.gate_cookie()
        stored = await gate.run("SELECT gate_hash FROM session")
        on_its_way = (await before.open(f"{FILES}/deep")).bounced().location
    async with open_gate(tmp_path, secret_keys=f"{NEW} {OLD}") as gate:
        gate.clock.now += 5
        after = gate.browser(person=person)
        after.cookies = before.cookies
        assert (await after.open(f"{APP}/")).user == person.username
        assert (await after.arrive(on_its_way)).user == person.username
        assert after.trail[-1] == f"{FILES}/deep"
        assert await gate.run("SELECT gate_hash FROM session") == stored
        del after.cookies[APP]
        assert (await after.arrive(f"{APP}/")).user == person.username
        assert len(after.gate_cookie()[1]) <= 64
        newest = after.gate_cookie()
    async with open_gate(tmp_path, secret_keys=NEW) as gate:
        last = gate.browser(person=person)
        for (name, value), status in ((oldest, 401), (newest, 200)):
            last.cookies = {APP: {name: value}}
            assert (await last.open(f"{APP}/", headers=FETCH)).status == status
        assert (await last.arrive(f"{APP}/")).user == person.username


async def test_without_the_database_only_what_is_open_opens(tmp_path: Path) -> None:
    """An open path is answered as for nobody; everything else fails closed, with 5xx."""
    async with open_gate(tmp_path) as gate:
        browser = gate.browser(person=await gate.member())
        await browser.arrive(f"{APP}/")
        cookies = browser.cookie_line(APP)
        await gate.site.db.close()
        for dialect in DIALECTS:
            for cookie in (cookies, ""):
                answer = await gate.ask(dialect, f"{APP}/public", headers={"Cookie": cookie})
                assert (answer.status, answer.user) == (200, "")
            for headers in (NAVIGATION, FETCH):
                answer = await gate.ask(dialect, f"{APP}/x", headers={**headers, "Cookie": cookies})
                assert answer.status >= 500
                assert answer.all("remote-user") == []
                assert answer.one("cache-control") == "no-store"
            (await gate.ask(dialect, f"{APP}/x", headers=NAVIGATION)).bounced()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_bounces_and_refusals_write_no_row(gate: Gate, dialect: str) -> None:
    """Nobody can fill the database by asking, nor by following a bounce to the sign-in."""
    person = await gate.member()
    browser = gate.browser(dialect, person)
    await browser.arrive(f"{APP}/")
    before = await rows_of(gate)
    for number in range(5):
        stranger = gate.browser(dialect)
        await stranger.follow(f"{APP}/{number}")
        await stranger.open(f"{APP}/{number}", headers=FETCH)
        await stranger.open(f"{APP}/.twofold/arrive.html?t={'A' * 43}")
        await stranger.open(f"{APP}/.twofold/sign-out.html")
        await stranger.open(f"{APP}/closed/{number}")
        await gate.ask(dialect, f"{APP}/{number}", headers={"Cookie": f"{browser.gate_cookie()[0]}={'A' * 43}"})
        await browser.open(f"{APP}/{number}")
        await browser.open(f"{APP}/staff/{number}")
    assert await rows_of(gate) == before


async def rows_of(gate: Gate) -> dict[str, list[str]]:
    """Return the rows of the tables that a visitor could make the gate write."""
    tables = ("gate_ticket", "session", "sign_in", "browser", "event", "link", "live_code")
    return {name: sorted(map(repr, await gate.run(f"SELECT * FROM {name}"))) for name in tables}  # noqa: S608 - above


def test_rules_of_these_tests_are_read() -> None:
    """A misspelt table would leave every path to the last rule."""
    assert RULES.count("[[rules]]") == 10
