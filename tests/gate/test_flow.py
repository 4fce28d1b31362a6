"""From an application through the sign-in and back: every step, in each dialect, and all that must not open."""

import secrets
from html import escape
from urllib.parse import unquote

import pytest

from tests.support.clients import PASSWORD
from tests.support.cookies import cookie_name
from tests.support.forms import PageAnswer
from tests.support.gate import APP, AUTH, DIALECTS, FILES, Browser, Gate
from twofold.base.clock import MAX_CLOCK_SKEW

pytestmark = pytest.mark.anyio
ODD = f"{APP}/a%20b/c?x=1&y=%2F;z+%C3%BC&x="


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_deep_link_survives_the_sign_in(gate: Gate, dialect: str) -> None:
    """The bounce leads to the sign-in, a page of ours to the ticket, and the arrival to the exact address."""
    person = await gate.member()
    browser = gate.browser(dialect)
    shown = await browser.follow(ODD)
    assert isinstance(shown, PageAnswer)
    assert browser.trail[-1].startswith(f"{AUTH}/sign-in?return_to=")
    left = await browser.submit(shown, "/sign-in", email=person.email, password=PASSWORD)
    assert left.status == 200, str(left)
    await arrived(browser, left, person.username)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_deep_link_survives_a_sign_in_with_a_code(gate: Gate, dialect: str) -> None:
    """The page for the code ends as the page for the password does, and `two_factor` is met at once."""
    person = await gate.member(with_totp=True)
    browser = gate.browser(dialect)
    shown = await browser.follow(ODD.replace("/a%20b", "/admin"))
    assert isinstance(shown, PageAnswer)
    asked = await browser.submit(shown, "/sign-in", email=person.email, password=PASSWORD)
    asked.goes_to("/sign-in/code")
    left = await browser.submit(await browser.page(asked.location), "/sign-in/code", code=gate.code(person))
    assert left.status == 200, str(left)
    await arrived(browser, left, person.username, ODD.replace("/a%20b", "/admin"))


async def arrived(browser: Browser, left: PageAnswer, user: str, address: str = ODD) -> None:
    """Check that a page of ours refreshes to the address at which a ticket is made, and that it opens the target."""
    assert left.headers["refresh"].startswith("0; url=")
    following = left.headers["refresh"].partition("url=")[2]
    assert following.startswith(("/gate/begin?s=", f"{AUTH}/gate/begin?s="))
    assert "t=" not in following.partition("?s=")[2], "a ticket is only ever in a Location"
    answer = await browser.arrive(following if following.startswith("http") else f"{AUTH}{following}")
    assert (answer.status, answer.user, browser.trail[-1]) == (200, user, address)
    assert answer.all("set-cookie") == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_somebody_signed_in_comes_through_unseen(gate: Gate, dialect: str) -> None:
    """Four redirects, no page; a second application under another domain needs no sign-in either."""
    person = await gate.member()
    browser = gate.browser(dialect, person)
    for address in (ODD, f"{FILES}/", "https://wiki.apps.example.org/x", "https://wide.example.org:8443/"):
        assert (await browser.arrive(address)).expect(200).user == person.username
        assert browser.trail[-1] == address
        assert len(browser.trail) == 4
        assert len(browser.gate_cookie(address)[1]) <= 64


async def test_ten_arrivals_give_the_same_cookie(gate: Gate) -> None:
    """Ten tabs bounce before one of them arrives; all arrive, with one nonce."""
    browser = gate.browser(person=await gate.member())
    begun = [(await browser.open(f"{APP}/{number}")).bounced().location for number in range(10)]
    nonce = dict(browser.cookies[APP])
    assert len(nonce) == 1
    cookies = set()
    for number, address in enumerate(begun):
        await browser.arrive(address)
        assert browser.trail[-1] == f"{APP}/{number}"
        cookies.add(browser.gate_cookie()[1])
    assert len(cookies) == 1
    assert browser.cookies[APP].items() >= nonce.items(), "an arrival leaves the nonce alone"


async def test_nonce_is_set_only_when_it_is_absent(gate: Gate) -> None:
    """The second bounce of a browser sets no cookie; a malformed one is replaced."""
    browser = gate.browser()
    name, value = (await browser.open(f"{APP}/")).bounced().set_cookie
    assert name.startswith("__Host-twofold_arrive_")
    assert len(value) == 22
    assert (await browser.open(f"{APP}/x")).bounced().set_cookie == ("", "")
    browser.cookies[APP][name] = "x"
    assert (await browser.open(f"{APP}/x")).bounced().set_cookie[0] == name


async def test_cookies_are_bound_to_the_host_and_end_with_the_browser(gate: Gate) -> None:
    """They have the prefix that binds them to the host, and neither a domain nor an end of their own."""
    browser = gate.browser(person=await gate.member())
    ticket = await browser.ticket(f"{APP}/")
    for line in (
        (await gate.browser().open(f"{APP}/")).one("set-cookie"),
        (await browser.open(ticket)).one("set-cookie"),
    ):
        assert line.startswith("__Host-twofold_")
        assert set(line.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}


# ------------------------------------------------------------------ states


async def begin_at(browser: Browser, location: str) -> str:
    """Return where our page leads a browser."""
    return (await browser.page(location)).location


async def test_state_older_than_a_minute_bounces_afresh(gate: Gate) -> None:
    """It is no error: the browser is sent to the address itself."""
    browser = gate.browser(person=await gate.member())
    location = (await browser.open(ODD)).bounced().location
    gate.clock.now += 60
    assert "/.twofold/arrive.html?t=" in await begin_at(browser, location)
    gate.clock.now += MAX_CLOCK_SKEW + 1
    assert await begin_at(browser, location) == ODD


async def test_state_is_good_for_a_day_in_the_browser_that_came_with_it(gate: Gate) -> None:
    """The page for the password may stay open for a day, in this browser alone."""
    browser, other = gate.browser(), gate.browser()
    await browser.follow(ODD)
    return_to = f"{AUTH}{unquote(browser.trail[-1].partition('?return_to=')[2])}"
    assert return_to.startswith(f"{AUTH}/gate/begin?s=")
    assert await begin_at(other, return_to) == ODD, "another browser bounces afresh"
    gate.clock.now += 86_400
    assert (await begin_at(browser, return_to)).startswith("/sign-in")
    gate.clock.now += MAX_CLOCK_SKEW + 1
    assert await begin_at(browser, return_to) == ODD


async def test_state_that_comes_too_late_again_and_again_is_a_circle(gate: Gate) -> None:
    """A cache in front of the application repeats its answer: a page says so before the browser gives up."""
    browser, other = gate.browser(), gate.browser()
    location, another = (await browser.open(ODD)).bounced().location, (await browser.open(ODD)).bounced().location
    gate.clock.now += 61 + MAX_CLOCK_SKEW
    for _ in range(5):
        assert await begin_at(browser, location) == ODD
    page = await browser.page(location)
    assert (page.status, page.location) == (403, "")
    assert "The way to app.example.org leads in circles" in page.words
    assert f'href="{escape(ODD)}"' in page.html
    assert await begin_at(other, another) == ODD
    gate.clock.now += 60
    assert await begin_at(browser, location) == ODD


async def test_browser_that_rejects_our_cookies_learns_it(gate: Gate) -> None:
    """After the password, it is back at the form, which says what is wrong."""
    person, browser = await gate.member(), gate.browser()
    shown = await browser.follow(ODD)
    assert isinstance(shown, PageAnswer)
    browser.http.cookies.clear()
    left = await browser.submit(shown, "/sign-in", email=person.email, password=PASSWORD)
    browser.http.cookies.clear()
    back = await browser.page(left.headers["refresh"].partition("url=")[2])
    back = await browser.page(back.goes_to("/sign-in").location)
    assert "did not save our cookie" in back.words


async def test_altered_state_leads_nowhere(gate: Gate) -> None:
    """Only we make these links: anything else is a page that does not exist."""
    browser = gate.browser(person=await gate.member())
    location = (await browser.open(ODD)).bounced().location
    start = len(f"{AUTH}/gate/begin?s=")
    for place in (*range(start + 4, len(location), 17), len(location) - 1):
        changed = "A" if location[place] != "A" else "B"
        answer = await browser.page(location[:place] + changed + location[place + 1 :])
        assert (answer.status, answer.location) == (404, ""), place
    for text in ("", "x", "%00", "é", "A" * 5000, "A" * 43):
        answer = await browser.page(f"{AUTH}/gate/begin?s={text}")
        assert (answer.status, answer.location) == (404, ""), text


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("length", [10, 1_999, 2_000, 2_001, 60_000])
async def test_head_of_a_bounce_stays_small(sqlite_gate: Gate, dialect: str, length: int) -> None:
    """An address of up to 2,000 characters is kept; of a longer one, its path or the front page."""
    noise = secrets.token_urlsafe(length)[:length]
    for target, short in ((f"/p?{noise}"[:length], "/p"), (f"/{noise}"[:length], "/")):
        browser = sqlite_gate.browser(dialect, await sqlite_gate.member())
        answer = (await browser.open(f"{APP}{target}")).bounced()
        assert sum(len(name) + len(value) + 4 for name, value in answer.headers) < 4_000
        await browser.arrive(answer.location)
        assert browser.trail[-1] == f"{APP}{target if length <= 2_000 else short}"


# ------------------------------------------------------------------ the gate cookie


async def test_cookie_of_another_host_opens_nothing(gate: Gate) -> None:
    """Each application's cookie is tried at every other, under each name; and at our own pages and API."""
    person = await gate.member()
    browser = gate.browser(person=person)
    addresses = (f"{APP}/", f"{FILES}/", "https://a.apps.example.org/", "https://b.apps.example.org/")
    kept: dict[str, tuple[str, str]] = {}
    for address in addresses:
        await browser.arrive(address)
        kept[address] = browser.gate_cookie(address)
    assert len(set(kept.values())) == len(addresses)
    for at, (name, own) in kept.items():
        assert (await gate.ask("forward", at, headers={"Cookie": f"{name}={own}"})).status == 200
        for other, (_, value) in kept.items():
            if other != at:
                assert (await gate.ask("forward", at, headers={"Cookie": f"{name}={value}"})).status == 401
        assert (await gate.api("GET", "/session", token=own)).status_code == 401
        stranger = gate.browser()
        stranger.http.cookies.set(cookie_name(AUTH), own, domain="auth.example.org")
        stranger.http.cookies.set(name, own, domain="auth.example.org")
        (await stranger.page("/settings")).goes_to("/sign-in")


async def test_session_cookie_opens_no_gate(gate: Gate) -> None:
    """Neither as it is, nor under the name of the gate cookie, nor as a bearer token."""
    person = await gate.member()
    browser = gate.browser(person=person)
    await browser.arrive(f"{APP}/")
    name, _ = browser.gate_cookie()
    for headers in (
        {"Cookie": f"{cookie_name(AUTH)}={person.token}"},
        {"Cookie": f"{name}={person.token}"},
        {"Authorization": f"Bearer {person.token}"},
    ):
        assert (await gate.ask("forward", f"{APP}/", headers=headers)).status == 401


async def test_of_two_cookies_with_one_name_neither_counts(gate: Gate) -> None:
    """A page on a neighbouring host could have set the other one."""
    browser = gate.browser(person=await gate.member())
    await browser.arrive(f"{APP}/")
    name, value = browser.gate_cookie()
    good = f"{name}={value}"
    table = {good: 200, f"a=b; {good}; c=d": 200, f"{good}; {good}": 401, f"{good}; {name}=x": 401, f"{name}=": 401}
    for line, status in {**table, f"{name}={value}A": 401, f"{name}={value[:-2]}": 401, f"x{good}": 401}.items():
        assert (await gate.ask("forward", f"{APP}/", headers={"Cookie": line})).status == status, line
    twice = [("Cookie", good), ("Cookie", good)]
    assert (await gate.ask("forward", f"{APP}/", headers=twice)).status == 401
    for place in range(len(value) - 1):
        changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        assert (await gate.ask("forward", f"{APP}/", headers={"Cookie": f"{name}={changed}"})).status == 401, place
