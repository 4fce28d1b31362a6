"""Questions of proxies: read in three dialects, refused whenever they could be read in two ways."""

from pathlib import Path

import pytest

from tests.support.gate import APP, DIALECTS, FETCH, NAVIGATION, Checked, Gate, open_gate, question
from twofold.base.sightings import NO_FORWARDING, Sightings
from twofold.gate.sightings import INVALID_QUESTION, UNTRUSTED_PROXY

pytestmark = pytest.mark.anyio
NAMES = {
    "nginx": ("X-Original-URL", "X-Original-Method"),
    "forward": ("X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Proto"),
    "envoy": ("X-Forwarded-Host", "X-Forwarded-Proto"),
}
FOREIGN = {  # of other dialects, or of none
    "X-Original-URL": f"{APP}/public",
    "X-Original-Method": "OPTIONS",
    "X-Forwarded-Host": "unknown.example.org",
    "X-Forwarded-Uri": "/public",
    "X-Forwarded-Method": "OPTIONS",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Prefix": "/public",
    "X-Forwarded-Port": "80",
    "X-Forwarded-Server": "unknown.example.org",
    "X-Rewrite-URL": "/public",
    "X-Original-URI": "/public",
    "X-HTTP-Method-Override": "OPTIONS",
    "Forwarded": "host=unknown.example.org;proto=http;for=10.0.0.1",
    "Host": "unknown.example.org",
}
QUERIES = (
    "",
    "?",
    "?a=b&a=c&a=",
    "?a=1;b=2",
    "?a=b+c%20d",
    "?%C3%BC=%E2%82%AC",
    "?a=%2F%2f..%2F..",
    "?next=https://x.example.org/?y=z",
    "?a=%25%32%35",
    "?a=b?c=d?",
    "?a='(b)*!~$,:@/",
    "?%zz&100%",
    '?a="<b>|^`{c}\\',
)


def noticed(gate: Gate, name: str, detail: str) -> bool:
    """Return whether the operator will see this sighting."""
    return (name, detail) in gate.site.part(Sightings)._unsaved


def refused(answer: Checked) -> None:
    """Check that a proxy got 403 and nothing with which a browser could go on."""
    assert (answer.status, answer.location, answer.all("set-cookie")) == (403, "", [])
    assert answer.one("content-type") == "application/problem+json"


def cases() -> list[tuple[str, str, str]]:
    """Return each header of each dialect with each way in which it can be wrong."""
    ways = ("missing", "empty", "doubled", "doubled alike", "_ beside it", ". beside it", "_ instead", ". instead")
    return [(dialect, name, way) for dialect in DIALECTS for name in NAMES[dialect] for way in ways]


@pytest.mark.parametrize("dialect, name, way", cases())
async def test_header_that_is_not_there_exactly_once_is_refused(
    sqlite_gate: Gate, dialect: str, name: str, way: str
) -> None:
    """Nothing is guessed, even on an open path, and the operator can see it."""
    method, path, told = question(dialect, f"{APP}/public")
    value = next(value for each, value in told if each == name)
    others = [pair for pair in told if pair[0] != name]
    underscored, dotted = name.replace("-", "_"), name.replace("-", ".", 1)
    wrong = {
        "missing": [],
        "empty": [(name, "")],
        "doubled": [(name, value), (name, f"{APP}/x")],
        "doubled alike": [(name, value), (name, value)],
        "_ beside it": [(name, value), (underscored, value)],
        ". beside it": [(name, value), (dotted, value)],
        "_ instead": [(underscored, value)],
        ". instead": [(dotted, value)],
    }[way]
    assert (await sqlite_gate.send(method, path, told)).status == 200
    refused(await sqlite_gate.send(method, path, [*others, *wrong]))
    refused(await sqlite_gate.send(method, path, [*wrong, *others]))


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_operator_sees_which_proxy_asks_wrongly(sqlite_gate: Gate, dialect: str) -> None:
    """A trusted proxy whose question cannot be read is a sighting, and so is one without the client's address."""
    peer = f"127.0.1.{DIALECTS.index(dialect) + 1}"
    method, path, told = question(dialect, f"{APP}/public")
    assert (await sqlite_gate.send(method, path, told, peer=peer)).status == 200
    assert noticed(sqlite_gate, NO_FORWARDING, peer)
    assert not noticed(sqlite_gate, INVALID_QUESTION, peer)
    refused(await sqlite_gate.send(method, path, told[1:], peer=peer))
    assert noticed(sqlite_gate, INVALID_QUESTION, peer)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("peer", ["127.0.0.2", "10.0.0.1", "::1", "203.0.113.9", "unix", ""])
async def test_only_a_configured_proxy_is_answered(sqlite_gate: Gate, dialect: str, peer: str) -> None:
    """Everyone else gets 403, also on an open path (CVE-2026-76835); the operator can see whom to add."""
    method, path, told = question(dialect, f"{APP}/public")
    refused(await sqlite_gate.send(method, path, told, peer=peer))
    assert noticed(sqlite_gate, UNTRUSTED_PROXY, peer)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", FOREIGN)
async def test_headers_of_other_dialects_change_nothing(sqlite_gate: Gate, dialect: str, name: str) -> None:
    """A browser may send them: nobody is admitted by them, and the bounce leads to what the proxy asked about."""
    if name in NAMES[dialect]:
        return
    for spelling in (name, name.lower(), name.replace("-", "_"), name.replace("-", ".")):
        browser = sqlite_gate.browser(dialect)
        answer = await browser.open(f"{APP}/private", headers={**NAVIGATION, spelling: FOREIGN[name]})
        page = await browser.page(answer.bounced().location)
        assert page.location.startswith("/sign-in")
        assert (await browser.open(f"{APP}/closed", headers={spelling: FOREIGN[name]})).status == 403


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_address_returns_byte_for_byte(sqlite_gate: Gate, dialect: str) -> None:
    """Path and query survive bounce, ticket and arrival undecoded."""
    browser = sqlite_gate.browser(dialect, await sqlite_gate.member())
    for path in ("/", "/a%20b", "/%C3%BC", "/a+b@c:d,e'(f)!~*$&=", "/a%7Cb"):
        for query in QUERIES:
            if query == "?" and dialect == "envoy":
                continue  # servers do not tell an empty query from none
            browser.cookies.clear()
            await browser.arrive(f"{APP}{path}{query}")
            assert browser.trail[-1] == f"{APP}{path}{query}"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_websockets_count_as_their_pages(sqlite_gate: Gate, dialect: str) -> None:
    """`ws` and `wss` are `http` and `https`; nobody gets 401 and never a redirect or 101 (G5)."""
    browser = sqlite_gate.browser(person=await sqlite_gate.member())
    await browser.arrive(f"{APP}/")
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x", "Sec-Fetch-Mode": "websocket"}
    for cookie, status in ((browser.cookie_line(APP), 200), ("", 401)):
        headers = {**upgrade, "Cookie": cookie}
        answer = await sqlite_gate.ask(dialect, "wss://app.example.org/live", headers=headers)
        assert (answer.status, answer.location) == (status, "")
        refused(await sqlite_gate.ask(dialect, "ws://app.example.org/live", headers=headers))


BAD_ORIGINS = (
    "http://app.example.org",
    "ftp://app.example.org",
    "https,http://app.example.org",
    "https://app.example.org.",
    "https://app.example.org, evil.example.org",
    "https://app.example.org,app.example.org",
    "https://user@app.example.org",
    "https://user:pass@app.example.org",
    "https://evil.example.org@app.example.org",
    "https://app.example.org:",
    "https://app.example.org:0",
    "https://app.example.org:65536",
    "https://app.example.org:443x",
    "https://app.example.org:443:443",
    "https://app.example.org:-443",
    "https://[fe80::1%25eth0]",
    "https://[::1",
    "https://app example.org",
    "https://app.exam\tple.org",
    "https://app_example.org/%",
    "https://app.example.org\\x",
    "https://*.apps.example.org",
    "https://.apps.example.org",
    "https://app..example.org",
    "https://app.example.org%00",
)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("origin", BAD_ORIGINS)
async def test_host_that_is_not_one_host_is_refused(sqlite_gate: Gate, dialect: str, origin: str) -> None:
    """Several values, a user part, a zone, a dot at the end, http off loopback: 403, also on an open path."""
    answer = await sqlite_gate.ask(dialect, f"{origin}/public", headers=NAVIGATION)
    assert (answer.status, answer.location, answer.all("set-cookie")) == (403, "", [])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("host", ["APP.Example.ORG", "app.example.org:443", "App.example.org:0443"])
async def test_spellings_of_one_host_are_one_host(sqlite_gate: Gate, dialect: str, host: str) -> None:
    """Case and the default port do not matter: the bounce comes back to the normal form."""
    browser = sqlite_gate.browser(dialect, await sqlite_gate.member())
    begun = await browser.page((await browser.open(f"https://{host}/x")).bounced().location)
    assert begun.location.startswith(f"{APP}/.twofold/arrive.html?t=")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "target",
    ["x", "/a\\b", "/a#b", "/a%", "/a%2", "/a%zz", "/a%00b", "/?a=%00", "/a b", "/\x7f", "/\xe9", "/?a=\x01", "/?a#b"],
)
async def test_targets_that_no_browser_sends_are_refused(sqlite_gate: Gate, dialect: str, target: str) -> None:
    """On every host, whatever its rules."""
    for host in ("app.example.org", "files.example.net"):
        method, path, told = question(dialect, f"https://{host}/x")
        if dialect == "nginx":
            told[0] = ("X-Original-URL", f"https://{host}{target}")
        elif dialect == "forward":
            told[2] = ("X-Forwarded-Uri", target)
        else:
            path = f"/gate/envoy{target}"
        answer = await sqlite_gate.send(method, path, [*told, *NAVIGATION.items()])
        assert answer.status in ({403, 404} if dialect == "envoy" else {403}), answer


async def test_method_must_be_a_name_in_capitals(sqlite_gate: Gate) -> None:
    """Anything else could match no rule on methods, and the application might still understand it."""
    for method in ("get", "G ET", "GET,POST", "", "GÉT", "G\x01T"):
        for dialect in ("nginx", "forward"):
            assert (await sqlite_gate.ask(dialect, f"{APP}/public", method=method)).status == 403, method
    for method in ("GET", "M-SEARCH", "VERSION-CONTROL"):
        assert (await sqlite_gate.ask("forward", f"{APP}/public", method=method)).status == 200, method


async def test_client_is_the_rightmost_address_that_is_no_proxy(tmp_path: Path) -> None:
    """What a client writes in front of it decides nothing; without any, no network matches."""
    rules = '[[rules]]\nhost = "app.example.org"\nnetworks = ["10.0.0.0/8"]\nrequire = "open"\n'
    async with open_gate(tmp_path, gate_rules=rules, gate_hosts="") as gate:
        for line, status in {
            "10.0.0.9": 200,
            "203.0.113.1, 10.0.0.9": 200,
            "10.0.0.9, 127.0.0.1": 200,
            "10.0.0.9, 203.0.113.1": 403,
            "203.0.113.1": 403,
            "10.0.0.9, unknown": 403,
            "": 403,
        }.items():
            method, path, told = question("forward", f"{APP}/")
            answer = await gate.send(method, path, [*told, ("X-Forwarded-For", line), *FETCH.items()])
            assert answer.status == status, line
        assert (await gate.send(method, path, told)).status == 403
