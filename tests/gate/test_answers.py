"""Who asks gets which answer, in each dialect: table 2 of the design, with every header of every answer but 200."""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

import pytest

from tests.support.forms import PageAnswer
from tests.support.gate import APP, AUTH, DIALECTS, FETCH, FILES, NAVIGATION, Browser, Checked, Gate, Member

pytestmark = pytest.mark.anyio
IDENTITY = ("remote-user", "remote-email", "remote-name", "remote-groups")
FRAME = {**NAVIGATION, "Sec-Fetch-Dest": "iframe"}
HTML = {"Accept": "text/html,*/*;q=0.8"}
# kind of answer without a session: bounce, form or program
WHO: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "navigation": ("GET", NAVIGATION, "bounce"),
    "HEAD navigation": ("HEAD", NAVIGATION, "bounce"),
    "old browser": ("GET", HTML, "bounce"),
    "old browser, HEAD": ("HEAD", HTML, "bounce"),
    "prefetch": ("GET", {**NAVIGATION, "Sec-Purpose": "prefetch"}, "bounce"),
    "iframe": ("GET", FRAME, "bounce"),
    "frame": ("GET", {**NAVIGATION, "Sec-Fetch-Dest": "frame"}, "bounce"),
    "embed": ("GET", {**NAVIGATION, "Sec-Fetch-Dest": "embed"}, "bounce"),
    "object": ("GET", {**NAVIGATION, "Sec-Fetch-Dest": "object"}, "bounce"),
    "form": ("POST", NAVIGATION, "form"),
    "form of an old browser": ("POST", HTML, "form"),
    "fetch": ("GET", FETCH, "program"),
    "fetch that accepts HTML": ("GET", {**FETCH, **HTML}, "program"),
    "fetch with POST": ("POST", FETCH, "program"),
    "same-origin fetch": ("GET", {"Sec-Fetch-Mode": "same-origin", "Sec-Fetch-Dest": "empty"}, "program"),
    "image": ("GET", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, "program"),
    "websocket": ("GET", {"Sec-Fetch-Mode": "websocket", "Upgrade": "websocket", "Connection": "Upgrade"}, "program"),
    "program": ("GET", {}, "program"),
    "curl": ("GET", {"Accept": "*/*"}, "program"),
    "OPTIONS": ("OPTIONS", {"Access-Control-Request-Method": "GET"}, "program"),
    "OPTIONS navigation": ("OPTIONS", NAVIGATION, "program"),
    "PUT": ("PUT", HTML, "program"),
    "PROPFIND": ("PROPFIND", {}, "program"),
}


def check_refusal(dialect: str, answer: Checked) -> None:
    """Check what holds for every answer but 200."""
    names = [name for name, _ in answer.headers]
    assert len(names) == len(set(names)), f"a header came twice: {names}"
    assert answer.one("cache-control") == "no-store"
    assert answer.one("referrer-policy") == "no-referrer"
    assert answer.one("x-content-type-options") == "nosniff"
    assert not {*names} & {
        "strict-transport-security",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        *IDENTITY,
    }
    assert answer.status in ({401, 403} if dialect == "nginx" else {302, 401, 403})
    if answer.one("content-type").startswith("text/html") and answer.body:
        check_page(answer)


def check_page(answer: Checked) -> None:
    """Check that a page needs nothing from elsewhere, and that its only style is the one that its policy allows."""
    policy, page = answer.one("content-security-policy"), answer.body.decode()
    assert "default-src 'none'" in policy
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert "src=" not in page
    assert "<script" not in page
    assert "<link" not in page


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("who", WHO)
async def test_nobody_is_answered_by_kind(sqlite_gate: Gate, dialect: str, who: str) -> None:
    """Navigations bounce, forms get a page, everything else a problem; nothing else is redirected."""
    method, headers, kind = WHO[who]
    answer = await sqlite_gate.ask(dialect, f"{APP}/x", method=method, headers=headers)
    check_refusal(dialect, answer)
    if kind == "bounce":
        assert answer.status == (401 if dialect == "nginx" else 302)
        answer.bounced()
        assert len(answer.all("set-cookie")) == 1
        return
    assert (answer.status, answer.location, answer.all("set-cookie")) == (401, "", [])
    if kind == "form":
        assert answer.one("content-type") == "text/html; charset=utf-8"
        assert b"You were signed out" in answer.body
        assert b"Nothing was sent" in answer.body
        return
    assert answer.one("content-type") == "application/problem+json"
    assert answer.one("www-authenticate") == "Bearer"
    assert answer.one("twofold-sign-in") == "/.twofold/sign-in.html"
    if method != "HEAD":
        problem = json.loads(answer.body)
        assert (problem["status"], problem["code"]) == (401, "not_signed_in")
        assert problem["sign_in"] == "/.twofold/sign-in.html"


@pytest.fixture(scope="module")
async def inside(sqlite_gate: Gate) -> tuple[Member, Browser]:
    """Return a person, and a browser in which they are in."""
    person = await sqlite_gate.member(groups="staff zebra")
    browser = sqlite_gate.browser(person=person)
    await browser.arrive(f"{APP}/")
    return person, browser


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("who", WHO)
async def test_somebody_is_admitted_whatever_asks(inside: tuple[Member, Browser], dialect: str, who: str) -> None:
    """A 200 has each identity header once and no cookie."""
    method, headers, _ = WHO[who]
    person, browser = inside
    answer = await browser.open(f"{APP}/x", method=method, headers=headers, dialect=dialect)
    assert answer.status == 200
    assert [name for name, _ in answer.headers if name.startswith("remote-")] == list(IDENTITY)
    assert (answer.user, answer.one("remote-groups")) == (person.username, "staff,zebra")
    assert answer.one("cache-control") == "no-store"
    assert {name for name, _ in answer.headers} == {*IDENTITY, "cache-control", "content-length"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("who", WHO)
async def test_what_no_rule_allows_is_403_for_everybody(
    sqlite_gate: Gate, inside: tuple[Member, Browser], dialect: str, who: str
) -> None:
    """`deny`, an unknown host, our own host and an ambiguous path: a page for people, a problem for programs."""
    method, headers, kind = WHO[who]
    for url in (
        f"{APP}/closed/x",
        "https://unknown.example.org/",
        f"{AUTH}/",
        f"{APP}/a%2fb",
        "https://a.b.apps.example.org/",
    ):
        for answer in (
            await sqlite_gate.ask(dialect, url, method=method, headers=headers),
            await inside[1].open(url, method=method, headers=headers, dialect=dialect),
        ):
            assert (answer.status, answer.location, answer.all("set-cookie")) == (403, "", []), url
            check_refusal(dialect, answer)
            expected = "application/problem+json" if kind == "program" else "text/html; charset=utf-8"
            assert answer.one("content-type") == expected


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_wrong_account_is_told_who_is_signed_in(sqlite_gate: Gate, dialect: str) -> None:
    """The page names the account and offers another one (G19)."""
    person = await sqlite_gate.member()
    browser = sqlite_gate.browser(dialect, person)
    answer = (await browser.arrive(f"{APP}/staff/")).expect(403)
    check_refusal(dialect, answer)
    assert person.email in answer.body.decode()
    assert f"{AUTH}/gate/sign-out?rd={APP}/" in answer.body.decode()
    problem = (await browser.open(f"{APP}/staff/", headers=FETCH)).expect(403)
    assert json.loads(problem.body)["code"] == "not_allowed"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_open_admits_everybody_and_sets_nothing(
    sqlite_gate: Gate, inside: tuple[Member, Browser], dialect: str
) -> None:
    """A good cookie adds the identity; any other is as none."""
    person, browser = inside
    name, value = browser.gate_cookie()
    for line, user in ((f"{name}={value}", person.username), ("", ""), (f"{name}=x", ""), (f"{name}={'A' * 43}", "")):
        for headers in (NAVIGATION, FETCH, {}):
            answer = await sqlite_gate.ask(dialect, f"{APP}/public/x", headers={**headers, "Cookie": line})
            assert answer.status == 200
            assert [name for name, _ in answer.headers if name.startswith("remote-")] == list(IDENTITY)
            assert (answer.user, answer.all("set-cookie"), answer.location) == (user, [], "")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_frame_is_told_to_sign_in_elsewhere(sqlite_gate: Gate, dialect: str) -> None:
    """Without a session a small page may be framed by any site; with one the frame comes back unseen."""
    browser = sqlite_gate.browser(dialect)
    location = (await browser.open(f"{APP}/a?b=c&d=%2B", headers=FRAME)).bounced().location
    page = await browser.page(location)
    assert page.status == 200
    assert page.headers["content-security-policy"].endswith("frame-ancestors *")
    assert page.headers.get("x-frame-options", "") == ""
    assert f'href="{APP}/.twofold/sign-in.html?to=%2Fa%3Fb%3Dc%26d%3D%252B"' in page.html
    assert 'target="_blank"' in page.html
    led = (await browser.open(f"{APP}/.twofold/sign-in.html?to=%2Fa%3Fb%3Dc%26d%3D%252B")).bounced().location
    signed_in = sqlite_gate.browser(dialect, await sqlite_gate.member())
    signed_in.cookies = browser.cookies
    assert (await signed_in.arrive(led)).status == 200
    assert signed_in.trail[-1] == f"{APP}/a?b=c&d=%2B"
    assert "/.twofold/arrive.html" in (await signed_in.page(location)).location


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_frame_never_asks_for_a_password(sqlite_gate: Gate, dialect: str) -> None:
    """A rule that demands more, in a frame: a new tab is offered in place of a page that may not be framed."""
    browser = sqlite_gate.browser(dialect, await sqlite_gate.member())
    for path in ("/admin/x", "/keys/x"):
        location = (await browser.open(f"{APP}{path}", headers=FRAME)).bounced().location
        page = await browser.page(location)
        assert (page.status, page.location) == (200, "")
        assert page.headers["content-security-policy"].endswith("frame-ancestors *")
        assert f'href="{APP}/.twofold/sign-in.html?to=%2F{path[1:5]}' in page.html


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_frame_without_cookies_is_led_to_a_tab(sqlite_gate: Gate, dialect: str) -> None:
    """A frame of another site gets none, so it could never arrive."""
    browser = sqlite_gate.browser(dialect, await sqlite_gate.member())
    begun = (await browser.open(f"{APP}/part", headers=FRAME)).bounced().location
    ticket = (await browser.page(begun)).location
    browser.cookies.clear()
    answer = (await browser.open(ticket, headers=FRAME)).expect(403)
    check_refusal(dialect, answer)
    if dialect == "nginx":  # which asks again for the page
        answer = (await browser.open(ticket, headers=FRAME, dialect="forward")).expect(403)
    assert f'href="{APP}/part" target="_blank"' in answer.body.decode()
    assert answer.one("content-security-policy").endswith("frame-ancestors *")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_reserved_paths_never_reach_an_application(inside: tuple[Member, Browser], dialect: str) -> None:
    """The check answers every path below `/.twofold/` before it applies any rule, with or without a session."""
    for name in ("", "x", "arrive", "arrive.html/", "arrive.html/x", "sign-out", "ARRIVE.HTML", "%61rrive.html"):
        answer = await inside[1].open(f"{APP}/.twofold/{name}", dialect=dialect)
        assert answer.status == 403, name
        check_refusal(dialect, answer)
    for name in ("arrive.html", "sign-in.html", "sign-out.html"):
        answer = await inside[1].open(f"{APP}/.twofold/{name}", dialect=dialect)
        check_refusal(dialect, answer)
        assert answer.location
        assert (await inside[1].open(f"{APP}/.twofold/{name}", headers=FETCH, dialect=dialect)).status == 401


async def test_link_to_sign_in_stays_at_its_application(sqlite_gate: Gate) -> None:
    """Whatever `to` says, the browser comes back to the same origin."""
    person = await sqlite_gate.member()
    table = {
        "/a/b?c=d": "/a/b?c=d",
        "%2Fa%20b": "/a%20b",
        "": "/",
        "https://evil.example.org/": "/",
        "//evil.example.org/": "/",
        "%2F%2Fevil.example.org": "/",
        "evil": "/",
        "/%5cevil.example.org": "/%5Cevil.example.org",
        "/.twofold/arrive.html": "/",
        "/a%0d%0aX:y": "/a%0D%0AX:y",
        "/%C3%BC": "/%C3%BC",
    }
    for to, expected in table.items():
        browser = sqlite_gate.browser(person=person)
        await browser.follow(f"{FILES}/.twofold/sign-in.html?to={to}")
        assert browser.trail[-1] == f"{FILES}{expected}", to


async def test_link_of_a_lost_form_leads_to_an_application_only(sqlite_gate: Gate) -> None:
    """The page that was sent from is offered if a rule is about it, else the front page."""
    for referer, link in {
        f"{APP}/a?b=c": f"{APP}/a?b=c",
        "https://evil.example.org/x": "/",
        "javascript:x": "/",
    }.items():
        headers = {**NAVIGATION, "Referer": referer}
        answer = await sqlite_gate.ask("forward", f"{APP}/x", method="POST", headers=headers)
        assert f'href="{link}" target="_blank"' in answer.body.decode()


async def test_sign_out_of_an_application_ends_every_other(sqlite_gate: Gate) -> None:
    """The reserved address leads to a page of ours that asks, and goes back."""
    browser = sqlite_gate.browser(person=await sqlite_gate.member())
    await browser.arrive(f"{FILES}/")
    await browser.arrive(f"{APP}/")
    location = (await browser.open(f"{APP}/.twofold/sign-out.html")).location
    assert location == f"{AUTH}/gate/sign-out?rd=https%3A%2F%2Fapp.example.org%2F"
    left = await browser.submit(await browser.page(location), "/gate/sign-out")
    assert left.headers["refresh"] == f"0; url={APP}/"
    for address in (f"{APP}/", f"{FILES}/"):
        (await browser.open(address)).bounced()


@pytest.mark.parametrize(
    "rd", [f"{APP}/a'b|c", f'{APP}/"', f"{APP}/<x>", f"{APP}/a^b`{{}}", f"{APP}?x=%20", f"{APP}/%41"], ids=str
)
async def test_sign_out_goes_back_to_odd_addresses(sqlite_gate: Gate, rd: str) -> None:
    """What must be encoded in an address is encoded."""
    browser = sqlite_gate.browser(person=await sqlite_gate.member())
    left: PageAnswer = await browser.submit(await browser.page(f"{AUTH}/gate/sign-out"), "/gate/sign-out", rd=rd)
    assert (left.status, left.headers["refresh"].startswith(f"0; url={APP}/")) == (200, True)


@pytest.mark.parametrize(
    "rd",
    [
        "https://evil.example.org/",
        "//app.example.org/",
        "http://app.example.org/",
        f"{AUTH}/settings",
        "https://x@app.example.org/",
        "https://app.example.org:444/",
        "https://app.example.org./",
        "https://app.exam\tple.org/",
        "https://app.example.org\\@evil.example.org/",
        "javascript:alert(1)//app.example.org",
        "/settings",
    ],
)
async def test_sign_out_goes_to_no_other_site(sqlite_gate: Gate, rd: str) -> None:
    """Only an address that a rule is about is followed; else the sign-in is next."""
    browser = sqlite_gate.browser(person=await sqlite_gate.member())
    left = await browser.submit(await browser.page(f"{AUTH}/gate/sign-out"), "/gate/sign-out", rd=rd)
    left.goes_to("/sign-in")
