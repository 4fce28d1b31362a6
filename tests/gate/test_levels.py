"""What rules demand beyond a session: levels, freshness, accounts; there and back, and what takes effect at once."""

import json

import pytest

from tests.support.authenticator import oathtool
from tests.support.clients import PASSWORD
from tests.support.cookies import cookie_name
from tests.support.forms import PageAnswer
from tests.support.gate import APP, AUTH, DIALECTS, FETCH, NAVIGATION, Browser, Checked, Gate, Member
from tests.support.step_up import key_of, verify_at

pytestmark = pytest.mark.anyio
ADMIN, VAULT, KEYS = f"{APP}/admin/a%20b?c=%2F&d", f"{APP}/vault/x?y=z", f"{APP}/keys/x"
PROBES = {  # agents and methods for which other gates made exceptions
    "GET": ("GET", {}),
    "HEAD": ("HEAD", {}),
    "OPTIONS": ("OPTIONS", {"Origin": "https://x.example.org", "Access-Control-Request-Method": "POST"}),
    "websocket": ("GET", {"Upgrade": "websocket", "Connection": "Upgrade"}),
    "kubernetes probe": ("GET", {"User-Agent": "kube-probe/1.31"}),
    "health checker": ("GET", {"User-Agent": "GoogleHC/1.0"}),
    "load balancer": ("GET", {"User-Agent": "ELB-HealthChecker/2.0"}),
}


async def in_browser(gate: Gate, dialect: str, person: Member) -> Browser:
    """Return a browser in which a person is in at the application."""
    browser = gate.browser(dialect, person)
    assert (await browser.arrive(f"{APP}/")).status == 200
    return browser


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("probe", PROBES)
async def test_level_is_demanded_of_every_method_and_agent(sqlite_gate: Gate, dialect: str, probe: str) -> None:
    """One factor does not open a rule for two, whatever asks (I06, CVE-2026-34457)."""
    method, headers = PROBES[probe]
    browser = await in_browser(sqlite_gate, dialect, await sqlite_gate.member())
    answer = (await browser.open(ADMIN, method=method, headers=headers)).expect(401)
    challenge = answer.one("www-authenticate")
    assert challenge == 'Bearer error="insufficient_user_authentication", acr_values="2fa"'
    assert answer.location == ""
    browser.cookies.clear()
    (await browser.open(ADMIN, method=method, headers=headers)).expect(401)


async def test_programs_are_told_what_is_missing(sqlite_gate: Gate) -> None:
    """RFC 9470: the level, and the highest age of the proofs in seconds."""
    browser = await in_browser(sqlite_gate, "forward", await sqlite_gate.member())
    assert (await browser.open(VAULT, headers=FETCH)).status == 200
    sqlite_gate.clock.now += 301
    for url, rest in ((VAULT, 'max_age="300"'), (KEYS, 'acr_values="phr"'), (ADMIN, 'acr_values="2fa"')):
        answer = (await browser.open(url, headers=FETCH)).expect(401)
        assert answer.one("www-authenticate") == f'Bearer error="insufficient_user_authentication", {rest}'
        assert json.loads(answer.body)["sign_in"] == "/.twofold/sign-in.html"
    form = (await browser.open(VAULT, method="POST", headers=NAVIGATION)).expect(401)
    assert b"Nothing was sent" in form.body


async def stepped_up(browser: Browser, url: str, **proof: str) -> Checked:
    """Follow a bounce to the page that asks again, answer it, and follow on to the application."""
    shown = await browser.follow(url)
    assert isinstance(shown, PageAnswer), str(shown)
    assert browser.trail[-1].startswith(f"{AUTH}/authenticate?"), browser.trail
    left = (await browser.submit(shown, "/authenticate", password=PASSWORD, **proof)).expect(200)
    following = left.headers["refresh"].partition("url=")[2]
    return await browser.arrive(following if following.startswith("http") else f"{AUTH}{following}")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_second_factor_is_asked_for_there_and_back(gate: Gate, dialect: str) -> None:
    """The session keeps its gate cookie, and the browser arrives at the exact address."""
    person = await gate.member(with_totp=True)
    browser = await in_browser(gate, dialect, person)
    before = browser.gate_cookie()
    gate.clock.now += 601
    answer = await stepped_up(browser, ADMIN, code=gate.code(person))
    assert (answer.status, answer.user, browser.trail[-1]) == (200, person.username, ADMIN)
    assert browser.gate_cookie() == before


async def test_page_whose_data_requires_more_leads_to_the_step_up(gate: Gate) -> None:
    """A script names the data in `for`; the browser comes back to the page, and does not go in circles."""
    person = await gate.member(with_totp=True)
    browser = await in_browser(gate, "forward", person)
    gate.clock.now += 601
    (await browser.open(ADMIN, headers=FETCH)).expect(401)
    wanted = f"{APP}/page?a=%26&b"
    assert (await browser.arrive(f"{APP}/.twofold/sign-in.html?to=%2Fpage%3Fa%3D%2526%26b")).status == 200
    assert browser.trail[-1] == wanted
    (await browser.open(ADMIN, headers=FETCH)).expect(401)
    way = f"{APP}/.twofold/sign-in.html?to=%2Fpage%3Fa%3D%2526%26b&for=%2Fadmin%2Fdata%3Fx"
    answer = await stepped_up(browser, way, code=gate.code(person))
    assert (answer.status, answer.user, browser.trail[-1]) == (200, person.username, wanted)
    assert (await browser.open(ADMIN, headers=FETCH)).status == 200
    assert (await browser.arrive(way)).status == 200


@pytest.mark.parametrize(
    "data", ["", "%2F%2Fadmin", "https%3A%2F%2Fx.example.org%2Fadmin", "%2F.twofold%2Fx", "%2Fopen"]
)
async def test_other_data_requires_nothing_more(sqlite_gate: Gate, data: str) -> None:
    """Of this application only, and as rules match paths; it never changes where the browser comes back to."""
    browser = await in_browser(sqlite_gate, "forward", await sqlite_gate.member())
    assert (await browser.arrive(f"{APP}/.twofold/sign-in.html?to=%2Fpage&for={data}")).status == 200
    assert browser.trail[-1] == f"{APP}/page"


async def test_long_data_is_left_out(sqlite_gate: Gate) -> None:
    """A state has room for one long address."""
    browser = await in_browser(sqlite_gate, "forward", await sqlite_gate.member())
    page, data = f"/{'p' * 1_500}", f"/admin/{'d' * 1_000}"
    assert (await browser.arrive(f"{APP}/.twofold/sign-in.html?to={page}&for={data}")).status == 200
    assert browser.trail[-1] == f"{APP}{page}"


async def test_rule_for_a_network_decides_alike_on_our_own_page(gate: Gate) -> None:
    """Our proxy may see another address of the client, for example over IPv6; the browser must not go in circles."""
    person = await gate.member(with_totp=True)
    browser = await in_browser(gate, "forward", person)
    browser.http.headers["X-Forwarded-For"] = "2001:db8::7"
    gate.clock.now += 601
    answer = await stepped_up(browser, f"{APP}/office/x", code=gate.code(person))
    assert (answer.status, browser.trail[-1]) == (200, f"{APP}/office/x")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_old_proofs_are_renewed_there_and_back(gate: Gate, dialect: str) -> None:
    """`fresh` is about the proofs: the password alone renews them for an account without 2FA."""
    person = await gate.member()
    browser = await in_browser(gate, dialect, person)
    assert (await browser.open(VAULT)).status == 200
    gate.clock.now += 301
    (await browser.open(VAULT)).bounced()
    assert (await browser.open(f"{APP}/")).status == 200
    answer = await stepped_up(browser, VAULT)
    assert (answer.status, browser.trail[-1]) == (200, VAULT)
    gate.clock.now += 300
    assert (await browser.open(VAULT)).status == 200
    gate.clock.now += 1
    (await browser.open(VAULT)).bounced()


async def test_person_without_a_factor_enrols_first_and_comes_back(gate: Gate) -> None:
    """From the application over set-up and recovery code; the next code opens the exact address."""
    browser = await in_browser(gate, "forward", await gate.member())
    methods = await browser.follow(ADMIN)
    assert isinstance(methods, PageAnswer)
    assert "/settings/set-up" in browser.trail[-1]
    app = next(form for form in methods.forms if form.fields.get("kind") == "totp")
    step_1 = await browser.page((await browser.post(app.action, app.fields)).location)
    secret, verify = key_of(step_1), step_1.form(verify_at(step_1))
    saved = await browser.post(verify.action, {**verify.fields, "code": oathtool(secret, gate.clock.now)})
    done = await browser.submit(saved, "/settings/recovery-code/saved", saved="yes")
    gate.clock.now += 30
    following = done.location or done.headers["refresh"].partition("url=")[2]
    answer = await browser.follow(following if following.startswith("http") else f"{AUTH}{following}")
    if isinstance(answer, PageAnswer):
        code = oathtool(secret, gate.clock.now)
        left = (await browser.submit(answer, "/authenticate", password=PASSWORD, code=code)).expect(200)
        following = left.headers["refresh"].partition("url=")[2]
        answer = await browser.arrive(following if following.startswith("http") else f"{AUTH}{following}")
    assert (answer.status, browser.trail[-1]) == (200, ADMIN)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_level_that_cannot_be_reached_is_explained(sqlite_gate: Gate, dialect: str) -> None:
    """Without passkeys, `phishing_resistant` ends in a page of ours that says so, and nothing loops."""
    browser = await in_browser(sqlite_gate, dialect, await sqlite_gate.member(with_totp=True))
    shown = await browser.follow(KEYS)
    assert isinstance(shown, PageAnswer)
    assert shown.status == 403
    assert "passkey or security key" in shown.words


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_changed_group_counts_at_the_next_request(gate: Gate, dialect: str) -> None:
    """Both ways, without a new sign-in."""
    person = await gate.member(groups="other staff")
    browser = await in_browser(gate, dialect, person)
    change = "UPDATE account SET group_names = :groups WHERE id = :id"
    for groups, status in (("staff", 200), ("staffer", 403), ("", 403), ("a staff b", 200), ("Staff", 403)):
        await gate.run(change, groups=groups, id=person.account_id)
        assert (await browser.open(f"{APP}/staff/x")).status == status, groups
        assert (await browser.open(f"{APP}/x")).one("remote-groups") == ",".join(sorted(groups.split()))


async def test_removed_second_factor_counts_at_the_next_request(gate: Gate) -> None:
    """A session that proved it no longer opens a rule for two factors."""
    person = await gate.member()
    factor = await gate.add_totp(person)
    gate.clock.now += 30
    await gate.sign_in(person)
    browser = await in_browser(gate, "forward", person)
    assert (await browser.open(ADMIN)).status == 200
    proof = {"password": PASSWORD, "code": gate.code(person)}
    unlocked = await gate.api("POST", "/session/unlock", proof, person.token)
    token = unlocked.json()["session"]["token"]
    assert (await gate.api("DELETE", f"/factors/{factor}", token=token)).status_code in {200, 204}
    (await browser.open(ADMIN)).bounced()
    (await browser.open(ADMIN, headers=FETCH)).expect(401)


async def test_signing_in_again_keeps_the_gate_cookie(gate: Gate) -> None:
    """A sign-in of the same account continues its session; one of another account ends it."""
    person, other = await gate.member(), await gate.member()
    browser = await in_browser(gate, "forward", person)
    await browser.post("/sign-in", {"email": person.email, "password": PASSWORD})
    assert browser.http.cookies[cookie_name(AUTH)] != person.token
    assert (await browser.open(f"{APP}/")).user == person.username
    await browser.post("/sign-in", {"email": other.email, "password": PASSWORD})
    (await browser.open(f"{APP}/")).bounced()
    assert (await browser.arrive(f"{APP}/")).user == other.username
