"""A ticket is good once, for a minute, for one origin, one browser and one living session."""

import asyncio
import uuid

import pytest

from tests.support.gate import APP, AUTH, DIALECTS, FETCH, FILES, NAVIGATION, Browser, Checked, Gate

pytestmark = pytest.mark.anyio
RESERVED = "/.twofold/"


def leads_on(answer: Checked, address: str) -> None:
    """Check that an arrival sends the browser on without a cookie, so that the check decides anew."""
    assert answer.status in {302, 401}
    assert (answer.location, answer.all("set-cookie")) == (address, [])


async def test_spent_ticket_opens_nothing(gate: Gate) -> None:
    """The same address in the same browser leads on to the front page, where it bounces afresh."""
    browser = gate.browser(person=await gate.member())
    ticket = await browser.ticket(f"{APP}/deep")
    nonce = dict(browser.cookies[APP])
    first = await browser.open(ticket)
    assert (first.location, "twofold_gate_" in first.set_cookie[0]) == (f"{APP}/deep", True)
    browser.cookies[APP] = dict(nonce)
    leads_on(await browser.open(ticket), f"{APP}/")
    (await browser.open(f"{APP}/")).bounced()


async def test_ticket_is_good_for_a_minute(gate: Gate) -> None:
    """An expired one is spent, and leads on to its address."""
    browser = gate.browser(person=await gate.member())
    for seconds, opens in ((59, True), (60, False)):
        ticket = await browser.ticket(f"{FILES}/{seconds}")
        gate.clock.now += seconds
        answer = await browser.open(ticket)
        assert answer.location == f"{FILES}/{seconds}"
        assert bool(answer.set_cookie[0]) is opens, seconds
        browser.cookies[FILES] = {name: value for name, value in browser.cookies[FILES].items() if "arrive" in name}


async def test_ticket_opens_no_other_origin(gate: Gate) -> None:
    """It is spent there, and its address is not told."""
    person = await gate.member()
    for other in (FILES, "https://a.apps.example.org", "https://wide.example.org:8443"):
        browser = gate.browser(person=person)
        ticket = await browser.ticket(f"{APP}/deep")
        await browser.open(f"{other}/")
        leads_on(await browser.open(ticket.replace(APP, other)), f"{other}/")
        leads_on(await browser.open(ticket), f"{APP}/")


async def test_ticket_opens_no_other_browser(gate: Gate) -> None:
    """With a nonce of its own, another browser is sent on without a cookie, and the ticket is spent."""
    browser, other = gate.browser(person=await gate.member()), gate.browser()
    ticket = await browser.ticket(f"{APP}/deep")
    await other.open(f"{APP}/")
    leads_on(await other.open(ticket), f"{APP}/deep")
    (await other.open(f"{APP}/deep")).bounced()
    leads_on(await browser.open(ticket), f"{APP}/")


async def test_arrival_without_a_nonce_is_explained(gate: Gate) -> None:
    """A page says that the cookie was not kept; nothing redirects, so that nothing loops. The ticket is spent."""
    browser = gate.browser(person=await gate.member())
    await browser.open(f"{APP}/")
    for cookies in ({}, dict.fromkeys(browser.cookies[APP], "x")):
        ticket = await browser.ticket(f"{APP}/deep")
        stranger = Browser(gate, "forward", cookies={APP: cookies})
        answer = (await stranger.open(ticket)).expect(403)
        assert (answer.location, answer.all("set-cookie")) == ("", [])
        assert b"app.example.org, did not keep our cookie" in answer.body
        assert b"Try again" in answer.body
        leads_on(await browser.open(ticket), f"{APP}/")


async def test_nginx_explains_an_arrival_without_a_nonce_with_the_address(gate: Gate) -> None:
    """It asks twice, and gets the page from the second answer, which spends the ticket and leads to its address."""
    browser = gate.browser("nginx", await gate.member())
    ticket = await browser.ticket(f"{APP}/deep")
    stranger = gate.browser("nginx")
    (await stranger.open(ticket)).expect(403)
    page = (await stranger.open(ticket, dialect="forward")).expect(403)
    assert f'href="{APP}/deep"' in page.body.decode()
    assert f'href="{APP}/deep"' not in (await stranger.open(ticket, dialect="forward")).body.decode()
    leads_on(await browser.open(ticket), f"{APP}/")


async def test_one_browser_cannot_arrive_for_ever(gate: Gate) -> None:
    """The twenty-first arrival of one nonce and session within a minute explains; a minute later all is well."""
    browser = gate.browser(person=await gate.member())
    gate.clock.now += 100
    await browser.open(f"{APP}/")
    nonce = dict(browser.cookies[APP])
    for number in range(20):
        browser.cookies[APP] = dict(nonce)
        assert (await browser.open(await browser.ticket(f"{APP}/{number}"))).set_cookie[0], number
    browser.cookies[APP] = dict(nonce)
    answer = (await browser.open(await browser.ticket(f"{APP}/21"))).expect(403)
    assert answer.location == ""
    gate.clock.now += 60
    assert (await browser.open(await browser.ticket(f"{APP}/22"))).set_cookie[0]


async def test_tickets_that_never_open_are_no_circle(gate: Gate) -> None:
    """Nodes whose clocks differ would go on, too; nginx, which asks twice for a page, shows the same page."""
    browser = gate.browser("nginx", await gate.member())
    gate.clock.now += 100
    await browser.open(f"{APP}/")
    for number in range(21):
        ticket = await browser.ticket(f"{APP}/{number}")
        await gate.run("UPDATE gate_ticket SET nonce = 'x'")  # housekeeping may delete what has expired
        answer = await browser.open(ticket)
        if number < 20:
            leads_on(answer, f"{APP}/{number}")
    page = await browser.open(ticket, dialect="forward")
    for each in (answer, page):
        assert (each.status, each.location, each.all("set-cookie")) == (403, "", [])
    assert b"app.example.org, did not keep our cookie" in page.body
    gate.clock.now += 60
    leads_on(await browser.open(ticket), f"{APP}/")


async def test_invented_ticket_causes_no_write(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone can invent one, with a nonce and without; this would fail if anything was written."""
    browser = gate.browser()
    await browser.open(f"{APP}/")
    monkeypatch.setattr(type(gate.site.db), "write", None)
    invented = f"{APP}{RESERVED}arrive.html?t={'A' * 43}"
    leads_on(await browser.open(invented), f"{APP}/")
    browser.cookies.clear()
    (await browser.open(invented)).expect(403)


async def test_session_has_twenty_tickets_at_most(gate: Gate) -> None:
    """The oldest gives way; tickets of other sessions stay."""
    person = await gate.member()
    browser, neighbour = gate.browser(person=person), gate.browser(person=await gate.member())
    kept = await neighbour.ticket(f"{APP}/")
    tickets = [await browser.ticket(f"{APP}/{number}") for number in range(21)]
    rows = await gate.run("SELECT id FROM gate_ticket WHERE account_id = :id", id=person.account_id)
    assert len(rows) == 20
    leads_on(await browser.open(tickets[0]), f"{APP}/")
    assert (await browser.open(tickets[1])).set_cookie[0]
    assert (await neighbour.open(kept)).set_cookie[0]


async def test_good_cookie_makes_an_arrival_harmless(gate: Gate) -> None:
    """A browser with a good gate cookie is redirected whether or not its ticket is valid."""
    browser = gate.browser(person=await gate.member())
    ticket = await browser.ticket(f"{APP}/deep")
    await browser.arrive(f"{APP}/")
    leads_on(await browser.open(ticket), f"{APP}/deep")
    for query in ("", "?t=", "?t=x", f"?t={'A' * 43}", f"?t={'A' * 43}&t={'B' * 43}"):
        leads_on(await browser.open(f"{APP}{RESERVED}arrive.html{query}"), f"{APP}/")


async def test_ticket_of_a_new_session_replaces_the_cookie_of_another(gate: Gate) -> None:
    """A browser that lost the cookie of the session it is in with would otherwise be sent in circles by a step-up."""
    first, second = await gate.member(), await gate.member(with_totp=True)
    browser = gate.browser(person=first)
    await browser.arrive(f"{APP}/")
    await gate.sign_in(second)
    lost = Browser(gate, "forward", second.token, browser.cookies)
    assert (await lost.arrive(f"{APP}/admin")).expect(200).user == second.username


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "method, headers",
    [
        ("HEAD", NAVIGATION),
        ("GET", FETCH),
        ("POST", NAVIGATION),
        ("OPTIONS", {}),
        ("GET", {**NAVIGATION, "Sec-Purpose": "prefetch"}),
        ("GET", {**NAVIGATION, "Sec-Purpose": "prefetch;prerender"}),
    ],
    ids=str,
)
async def test_only_a_navigation_spends_a_ticket(
    sqlite_gate: Gate, dialect: str, method: str, headers: dict[str, str]
) -> None:
    """Whatever fetches the address ahead of the person gets 401, and the ticket stays good."""
    browser = sqlite_gate.browser(dialect, await sqlite_gate.member())
    ticket = await browser.ticket(f"{APP}/")
    answer = (await browser.open(ticket, method=method, headers=headers)).expect(401)
    assert (answer.location, answer.all("set-cookie")) == ("", [])
    assert (await browser.open(ticket)).set_cookie[0]


async def disable(gate: Gate, account_id: str, _token: str) -> None:
    """Disable an account, as a node that has not spoken to this one."""
    await gate.run("UPDATE account SET disabled_at = 1 WHERE id = :id", id=account_id)


async def sign_out(gate: Gate, _account_id: str, token: str) -> None:
    """End a session."""
    assert (await gate.api("DELETE", "/session", token=token)).status_code == 204


async def end_all(gate: Gate, account_id: str, _token: str) -> None:
    """Delete the sessions of an account."""
    await gate.run("DELETE FROM session WHERE account_id = :id", id=account_id)


async def expire(gate: Gate, account_id: str, _token: str) -> None:
    """Let the sessions of an account reach their end."""
    await gate.run("UPDATE session SET expires_at = :now WHERE account_id = :id", id=account_id, now=gate.clock.now)


@pytest.mark.parametrize("end", [disable, sign_out, end_all, expire])
async def test_end_of_a_session_ends_its_tickets_and_cookies(gate: Gate, end: object) -> None:
    """The next request bounces, a ticket on its way opens nothing, and our page leads to the sign-in."""
    person = await gate.member()
    browser, late = gate.browser(person=person), gate.browser(person=person)
    await browser.arrive(f"{APP}/")
    ticket = await late.ticket(f"{APP}/deep")
    await end(gate, person.account_id, person.token)  # type: ignore[operator]  # one of the functions above
    location = (await browser.open(f"{APP}/")).bounced().location
    assert (await browser.page(location)).location.startswith("/sign-in?return_to=")
    (await browser.open(f"{APP}/", headers=FETCH)).expect(401)
    assert (await browser.open(f"{APP}/public")).expect(200).user == ""
    answer = await late.open(ticket)
    assert answer.all("set-cookie") == []
    assert answer.location in {f"{APP}/deep", f"{APP}/"}
    (await late.open(f"{APP}/deep")).bounced()


async def test_one_ticket_raced_arrives_once(gate: Gate, *, full: bool) -> None:
    """Of fifty arrivals at once, exactly one gets the cookie (contract 7)."""
    person = await gate.member()
    for turn in range(200 if full else 5):
        gate.clock.now += 1
        browser = gate.browser(person=person)
        ticket = await browser.ticket(f"{APP}/{turn}")
        line = browser.cookie_line(APP)
        asked = (gate.ask("forward", ticket, headers={**NAVIGATION, "Cookie": line}) for _ in range(50))
        answers = await asyncio.gather(*asked)
        assert [answer.status for answer in answers] == [302] * 50
        assert sum(bool(answer.all("set-cookie")) for answer in answers) == 1
        assert sorted(answer.location for answer in answers) == sorted([f"{APP}/"] * 49 + [f"{APP}/{turn}"])


# ------------------------------------------------------------------ pasted by somebody else


async def test_pasted_ticket_signs_nobody_in(gate: Gate) -> None:
    """Neither the victim becomes the sender, nor the sender the victim, whatever cookies the browser has."""
    sender, victim = await gate.member(), await gate.member()
    for was_there in (False, True):
        for is_in in (False, True):
            theirs = gate.browser(person=victim)
            if was_there:
                await theirs.open(f"{APP}/")
            if is_in:
                await theirs.arrive(f"{APP}/")
            pasted = await gate.browser(person=sender).ticket(f"{APP}/deep")
            answer = await theirs.open(pasted)
            assert answer.all("set-cookie") == []
            shown = await theirs.arrive(f"{APP}/")
            assert shown.user == victim.username


@pytest.mark.parametrize("is_signed_in", [False, True])
async def test_pasted_begin_link_signs_nobody_in(gate: Gate, *, is_signed_in: bool) -> None:
    """The person who opens it does not arrive in the sender's browser, nor the sender in theirs."""
    victim = await gate.member()
    theirs, sender = gate.browser(person=victim if is_signed_in else None), gate.browser()
    begin = (await sender.open(f"{APP}/deep")).bounced().location
    led = (await theirs.page(begin)).location
    if is_signed_in:
        (await theirs.open(led)).expect(403)
        leads_on(await sender.open(led), f"{APP}/")
        (await sender.open(f"{APP}/deep")).bounced()
    else:
        assert led.startswith("/sign-in?return_to=")
        led = f"{AUTH}/gate/begin?s={led.partition('s%3D')[2]}"
        assert (await gate.browser(person=await gate.member()).page(led)).location == f"{APP}/deep"
        assert (await sender.page(led)).location == f"{APP}/deep"


async def test_invented_tickets_open_nothing(gate: Gate) -> None:
    """Tokens of other kinds are no tickets either."""
    person = await gate.member()
    browser = gate.browser()
    await browser.open(f"{APP}/")
    for token in (person.token, person.account_id, uuid.uuid4().hex, "A" * 43, "", "%20", "A" * 5000):
        leads_on(await browser.open(f"{APP}{RESERVED}arrive.html?t={token}"), f"{APP}/")
