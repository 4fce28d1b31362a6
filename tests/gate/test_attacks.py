"""Attacks on the gate: group I of the catalogue, named after the advisories of other gates, and requests at random."""

import os
from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.gate import APP, DIALECTS, NAVIGATION, Gate, question

pytestmark = pytest.mark.anyio
PROTECTED = (
    "https://app.example.org",
    "https://files.example.net",
    "https://x.apps.example.org",
    "https://wide.example.org:8443",
)
OPEN = "/public"
IN_PATH = (
    "a",
    "/",
    "..",
    ".",
    "%2e",
    "%2f",
    "%5c",
    "public",
    "admin",
    "%00",
    ";",
    "%3b",
    "?",
    "#",
    "%",
    "\\",
    "é",
    " ",
)
TARGETS = st.lists(st.sampled_from(IN_PATH), max_size=8).map(lambda parts: f"/{''.join(parts)}")
NAMES = st.sampled_from(
    (
        "X-Original-URL",
        "X-Original-Method",
        "X-Forwarded-Host",
        "X-Forwarded-Uri",
        "X-Forwarded-Method",
        "X-Forwarded-Proto",
        "X-Forwarded-For",
        "X_Forwarded_Uri",
        "X.Original.URL",
        "Forwarded",
        "Host",
        "Cookie",
        "Authorization",
        "Remote-User",
        "Twofold-Token",
        "X-Forwarded-Prefix",
        "Sec-Fetch-Mode",
        "Sec-Fetch-Dest",
        "Sec-Purpose",
        "Accept",
        "Referer",
        "Upgrade",
        "User-Agent",
        "X-Rewrite-URL",
        "Origin",
    )
)
VALUES = st.sampled_from(
    (
        "",
        "/public",
        "https://app.example.org/public",
        "app.example.org",
        "https",
        "http",
        "GET",
        "OPTIONS",
        "navigate",
        "cors",
        "iframe",
        "prefetch",
        "text/html",
        "127.0.0.1",
        "10.0.0.1",
        "kube-probe/1.31",
        "websocket",
        "Bearer " + "A" * 43,
        "Basic eDp4",
        "__Host-twofold_gate_d01c7168=" + "A" * 43,
        "__Host-twofold_gate_d01c7168=",
        "root",
        "1",
        "é",
        "a" * 3_000,
    )
)
METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", ""]
)
HEADS = st.lists(st.tuples(NAMES, VALUES | st.text(max_size=12)), max_size=6)


@given(
    dialect=st.sampled_from(DIALECTS),
    origin=st.sampled_from(PROTECTED),
    target=TARGETS,
    method=METHODS,
    more=HEADS,
    left_out=st.integers(-1, 3),
    in_front=st.booleans(),
)
@settings(max_examples=10_000 if os.environ.get("FULL") == "1" else 300)
async def test_no_request_opens_a_protected_path_for_nobody(
    sqlite_gate: Gate,
    *,
    dialect: str,
    origin: str,
    target: str,
    method: str,
    more: list[tuple[str, str]],
    left_out: int,
    in_front: bool,
) -> None:
    """Of generated request heads, only those for the open path are admitted, and as nobody.

    A proxy that leaves out a header of its own hands on what a client sends under that name: no check can see this.
    """
    asked, path, told = question(dialect, f"{origin}{target}", method)
    left_to_clients = {name.lower() for number, (name, _) in enumerate(told) if number == left_out}
    assume(not any(name.lower() in left_to_clients for name, _ in more))
    told = [pair for number, pair in enumerate(told) if number != left_out]
    extra = [(name, value.encode("utf-8", "replace").decode("latin-1")) for name, value in more]
    path = path.encode("utf-8").decode("latin-1")
    sent = [(name, value.encode("utf-8").decode("latin-1")) for name, value in told]
    answer = await sqlite_gate.send(asked, path, [*extra, *sent] if in_front else [*sent, *extra])
    assert answer.status in {200, 302, 401, 403, 404}, answer
    if answer.status == 200:
        read = f"{origin}{target}".partition("?")[0]
        assert read == f"{APP}{OPEN}" or read.startswith(f"{APP}{OPEN}/"), f"{read} was opened for nobody"
        assert ".." not in read
        assert answer.user == ""
    else:
        assert not any(name.startswith("remote-") for name, _ in answer.headers)
        assert len(answer.all("set-cookie")) <= 1
        assert len(answer.all("www-authenticate")) <= 1


ADVISORIES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "the query decides (CVE-2025-54576)": ("GET", "/x?/public", {}),
    "the query holds the open path": ("GET", "/x?a=/public/b", {}),
    "the fragment is stripped late": ("GET", "/x#/public", {}),
    "the open path is in front of dot segments": ("GET", "/public/../x", {}),
    "the open path is in front of encoded dot segments": ("GET", "/public/%2e%2e/x", {}),
    "the open path is in front of an encoded slash": ("GET", "/public%2f..%2fx", {}),
    "the open path is in front of a doubly encoded slash": ("GET", "/public/..%252fx", {}),
    "the open path has parameters": ("GET", "/public;/../x", {}),
    "the open path is a prefix of a name": ("GET", "/publications", {}),
    "the open path has another case": ("GET", "/PUBLIC", {}),
    "the path is in a header of a rewriting server": ("GET", "/x", {"X-Rewrite-URL": "/public"}),
    "an agent that checks health (CVE-2026-34457)": ("GET", "/x", {"User-Agent": "kube-probe/1.31"}),
    "a preflight": ("OPTIONS", "/x", {"Access-Control-Request-Method": "GET", "Origin": APP}),
    "an upgrade": ("GET", "/x", {"Upgrade": "websocket", "Connection": "upgrade"}),
    "a forged identity (CVE-2026-25119)": ("GET", "/x", {"Remote-User": "root", "Twofold-Token": "1"}),
    "a local client": ("GET", "/x", {"X-Real-IP": "127.0.0.1", "X-Forwarded-For": "127.0.0.1"}),
    "a bearer token": ("GET", "/x", {"Authorization": "Bearer undefined"}),
    "an empty cookie": ("GET", "/x", {"Cookie": "__Host-twofold_gate_="}),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ADVISORIES)
async def test_advisory_about_another_gate_is_none_about_this_one(sqlite_gate: Gate, dialect: str, name: str) -> None:
    """Nobody passes, as a browser or as a program."""
    method, target, headers = ADVISORIES[name]
    for more in (NAVIGATION, {}):
        answer = await sqlite_gate.ask(dialect, f"{APP}{target}", method=method, headers={**more, **headers})
        assert answer.status in {302, 401, 403}
        assert not any(each.startswith("remote-") for each, _ in answer.headers)
