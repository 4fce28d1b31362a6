"""Hostile pages, links and names, and another user of the same computer, can do nothing."""

import re
import secrets
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import httpx2
import pytest

from tests.support.authenticator import oathtool
from tests.support.clients import PASSWORD, Api, Person
from tests.support.cookies import cookie_name
from tests.support.forms import FormBrowser
from tests.support.guarded import check_guarded
from tests.support.hostile import NAMES, TARGETS
from tests.support.raw_bytes import exchange, statuses
from tests.support.routes import ROUTES
from tests.support.service import Service
from tests.support.sync import json_request
from twofold.base.visitor import Access
from twofold.base.web.routes import Call, Page, Route

CHANGING = [route for route in ROUTES if route.method != "GET"]
SHOWN = [route for route in ROUTES if route.method == "GET"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def name_of(route: Route) -> str:
    """Return the name of a route in test ids."""
    return f"{route.method} {route.path}"


def path_of(route: Route) -> str:
    """Return a path of a route, with an id and a token that do not exist."""
    return re.sub(r"{(\w+)(:\w+)?}", lambda found: {"id": "0" * 26, "token": "x" * 43}.get(found[1], "x"), route.path)


@pytest.fixture(scope="module", autouse=True)
def wire() -> Iterator[None]:
    """Share one client among all bare requests, so that the machine's certificates are read only once."""
    with httpx2.Client(trust_env=False, timeout=30) as client:
        WIRE.append(client)
        yield
        WIRE.clear()


WIRE: list[httpx2.Client] = []


def send(service: Service, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> httpx2.Response:
    """Send one request with only these headers and this body."""
    WIRE[0].cookies.clear()
    return WIRE[0].request(method, service.url + path, headers=headers, content=body)


# ------------------------------------------------------------------ H04: where to go next


@pytest.fixture(scope="module")
def signed_in(sqlite_service: Service) -> FormBrowser:
    """Return a browser in which a user is signed in."""
    return FormBrowser(sqlite_service.url, session=Person.signed_in(sqlite_service.url).api.token)


def stays(service: Service, location: str) -> bool:
    """Return whether a browser that follows a location stays on our site, however it reads backslashes and spaces."""
    lenient = re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")
    return all(urljoin(f"{service.url}/sign-in", read).startswith(f"{service.url}/") for read in (location, lenient))


@pytest.mark.parametrize("part", range(6))
def test_return_address_never_leads_to_another_site(sqlite_service: Service, signed_in: FormBrowser, part: int) -> None:
    """A signed-in user is redirected to `return_to`, but never to another site (Flask-Security CVE-2023-49438)."""
    assert len(TARGETS) >= 200
    for target in TARGETS[part::6]:
        asked = quote(target.encode("utf-8", "surrogateescape"), safe="")
        answer = signed_in.get(f"/sign-in?return_to={asked}").expect(303)
        assert stays(sqlite_service, answer.location), (target, answer.location)
        assert "evil" not in answer.location, target


@pytest.mark.parametrize("target", TARGETS[::8], ids=ascii)
def test_forms_carry_only_return_addresses_of_our_site(
    sqlite_service: Service, signed_in: FormBrowser, target: str
) -> None:
    """A form that carries a return address carries only addresses of our own site."""
    asked = quote(target.encode("utf-8", "surrogateescape"), safe="")
    shown = signed_in.get(f"/authenticate?return_to={asked}&next={asked}&rd={asked}").expect(200)
    assert all(stays(sqlite_service, form.fields.get("return_to", "/")) for form in shown.forms)
    assert "evil" not in shown.html


@pytest.mark.parametrize("target", TARGETS[::20], ids=ascii)
def test_submitted_return_address_never_leads_to_another_site(sqlite_service: Service, target: str) -> None:
    """Sign-up, sign-in, code and unlock forms redirect to a return address on our site only (PYSEC-2021-123)."""
    person, browser = Person(sqlite_service.url), FormBrowser(sqlite_service.url)
    typed = {"email": person.email, "password": PASSWORD, "return_to": target, "next": target}
    for path in ("/sign-up", "/authenticate", "/sign-in"):
        answer = browser.post(path, typed).expect(303)
        assert stays(sqlite_service, answer.location), answer.location
        assert "evil" not in answer.location


# ------------------------------------------------------------------ H05: requests from other sites


def foreign_origins(service: Service) -> list[dict[str, str]]:
    """Return the headers that a browser sends for a page of another site."""
    port = urlsplit(service.url).port
    names = ["null", "https://evil.example", f"https://127.0.0.1:{port}", f"http://sibling.127.0.0.1:{port}"]
    names += [
        f"http://127.0.0.1:{port}.evil.example",
        f"http://127.0.0.1:{port}0",
        "http://127.0.0.1",
        f"{service.url}/",
    ]
    names += [f"{service.url}, https://evil.example", f"http://localhost:{port}", "http://[::1]", ""]
    return [{}, *({"Origin": name} for name in names)]


def session_of(browser: FormBrowser) -> str:
    """Return the cookie of a browser's session, as it is sent."""
    return f"{cookie_name(browser.url)}={browser.cookies['twofold_session']}"


@pytest.mark.parametrize("route", CHANGING, ids=name_of)
def test_changing_request_from_another_site_is_refused(
    sqlite_service: Service, signed_in: FormBrowser, route: Route
) -> None:
    """Every changing request with our cookie but without our Origin is refused before its body is read."""
    cookie = {"Cookie": session_of(signed_in)}
    for origin in foreign_origins(sqlite_service):
        answer = send(sqlite_service, route.method, path_of(route), {**FORM, **cookie, **origin}, b"policy=disabled")
        assert answer.status_code == 403, (origin, answer.text)
        assert "did not come from our own pages" in answer.text
        assert "set-cookie" not in answer.headers
    signed_in.get("/settings").expect(200)


@pytest.mark.parametrize("route", [route for route in CHANGING if isinstance(route, Page)], ids=name_of)
def test_sign_in_form_from_another_site_is_refused(sqlite_service: Service, route: Route) -> None:
    """A form that would set a cookie needs our Origin even from a browser without cookies (login CSRF)."""
    body = f"email=a@example.com&password={PASSWORD}".encode()
    for origin in foreign_origins(sqlite_service)[:3]:
        answer = send(sqlite_service, "POST", path_of(route), {**FORM, **origin}, body)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("route", [call for call in CHANGING if isinstance(call, Call) and call.body], ids=name_of)
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_json_with_another_media_type_is_refused(
    sqlite_service: Service, signed_in: FormBrowser, route: Route, media_type: str | None
) -> None:
    """JSON that a form on another site could send under another type is refused by its type, even with our Origin."""
    headers = {
        "Origin": sqlite_service.url,
        "Cookie": session_of(signed_in),
    }
    typed = {"Content-Type": media_type} if media_type else {}
    answer = send(
        sqlite_service, route.method, path_of(route), {**headers, **typed}, b'{"policy": "disabled", "name": "x"}'
    )
    # "Locked" or "not found" may be answered first, but the body is never read.
    assert answer.status_code == 415


@pytest.mark.parametrize("route", CHANGING, ids=name_of)
def test_get_and_head_change_nothing(sqlite_service: Service, signed_in: FormBrowser, route: Route) -> None:
    """The address of a changing request changes nothing by GET or HEAD, which images and links can send."""
    before = signed_in.get("/settings/activity").expect(200).words
    for method in ("GET", "HEAD"):
        headers = {"Cookie": session_of(signed_in)}
        answer = send(sqlite_service, method, f"{path_of(route)}?policy=disabled&email=a@example.com&name=x", headers)
        assert answer.status_code in (200, 303, 401, 404, 405, 410)
    assert signed_in.get("/settings/activity").expect(200).words == before


@pytest.mark.parametrize("route", SHOWN, ids=name_of)
def test_reading_request_has_no_effect(sqlite_service: Service, signed_in: FormBrowser, route: Route) -> None:
    """HEAD and a link on another site record nothing, with a GET that is recorded among the routes."""
    before = signed_in.get("/settings/activity").expect(200).words
    headers = {"Cookie": session_of(signed_in), "Sec-Fetch-Site": "cross-site"}
    statuses = [send(sqlite_service, method, path_of(route), headers).status_code for method in ("GET", "HEAD")]
    assert statuses == ([403, 405] if isinstance(route, Call) and route.recorded else [statuses[0]] * 2)
    assert signed_in.get("/settings/activity").expect(200).words == before


# ------------------------------------------------------------------ H06: headers and cookies

BASE_URL = "https://id.example.com"


@pytest.fixture(scope="module")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server as it runs behind a proxy that terminates TLS."""
    with Service(tmp_path_factory.mktemp("https"), settings={"base_url": BASE_URL}) as running:
        yield running


def check_security_headers(answer: httpx2.Response, *, kept: bool = False) -> None:
    """Check that every security header is set once, and that only answers that are the same for all may be cached."""
    check_guarded(answer.headers, secure=True, kept=kept, where=answer.request.url)


def check_nothing_inline(answer: httpx2.Response) -> None:
    """Check that a page has no inline script, style or handler, and loads nothing from other hosts."""
    assert not re.search(
        r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+\s*=|\sstyle\s*=|javascript:", answer.text, re.IGNORECASE
    )
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', answer.text):
        assert address.startswith(("/", "#", "otpauth:", "data:")) or urlsplit(address).scheme == "", address


@pytest.mark.parametrize("state", ["nobody", "signed in"])
@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_every_route_has_security_headers(https: Service, signed_in_there: str, route: Route, state: str) -> None:
    """Pages, calls and their refusals have all security headers for every kind of visitor."""
    headers = {
        "Origin": BASE_URL,
        **({"Cookie": signed_in_there} if state == "signed in" and route.path != "/sign-out" else {}),
    }
    for method in (route.method, "DELETE" if isinstance(route, Page) else "OPTIONS"):
        if (method, route.path) in (("DELETE", "/api/v1/session"), ("POST", "/settings/lock")):
            headers.pop("Cookie", None)
        answer = send(https, method, path_of(route), headers)
        check_security_headers(answer)
        if answer.headers.get("content-type", "").startswith("text/html"):
            check_nothing_inline(answer)


@pytest.fixture(scope="module")
def signed_in_there(https: Service) -> str:
    """Return the session cookie of a user who is signed in over https."""
    return f"{cookie_name(BASE_URL)}={Person.signed_in(https.url).api.token}"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v1/docs",
        "/api/v1/openapi.json",
        "/healthz",
        "/readyz",
        "/static/nothing.js",
        "/static/",
        "/api",
    ],
)
def test_other_answers_have_security_headers(https: Service, path: str) -> None:
    """Missing pages and answers for programs have the same headers."""
    for method in ("GET", "POST", "PUT"):
        answer = send(https, method, path, {})
        assert answer.status_code in (200, 303, 403, 404, 405)
        check_security_headers(answer, kept="etag" in answer.headers)


def test_static_files_have_security_headers_and_are_cached(https: Service) -> None:
    """Styles, scripts and images may be cached for a year, since their names change with their content."""
    page = send(https, "GET", "/sign-in", {}).text
    files = re.findall(r'(?:src|href)="(/static/[^"]*)"', page)
    assert len(files) >= 3
    for path in files:
        answer = send(https, "GET", path, {})
        assert answer.status_code == 200
        check_security_headers(answer, kept=True)
        assert "immutable" in answer.headers["cache-control"]


def test_refusals_without_database_have_security_headers(tmp_path: Path) -> None:
    """When the database cannot be written, pages and calls answer 503 with all security headers and no traceback."""
    with Service(tmp_path / "locked", settings={"base_url": BASE_URL}) as service:
        person = {"email": "a@example.com", "password": PASSWORD}
        with sqlite3.connect(service.data_dir / "twofold.db") as lock:
            lock.execute("PRAGMA wal_autocheckpoint = 0")
            lock.execute("BEGIN IMMEDIATE")
            with ThreadPoolExecutor() as several:
                page = several.submit(
                    httpx2.post, f"{service.url}/sign-in", data=person, headers={"Origin": BASE_URL}, timeout=30
                )
                call = several.submit(httpx2.post, f"{service.url}/api/v1/sign-in", json=person, timeout=30)
                answers = [page.result(), call.result()]
        lock.close()
    for answer in answers:
        assert answer.status_code == 503
        check_security_headers(answer)
        assert "retry-after" in answer.headers
        assert "Traceback" not in answer.text


def test_cookies_over_https_are_bound_to_the_host(https: Service) -> None:
    """Every cookie of a complete sign-in is `__Host-`, Secure, HttpOnly, SameSite and for all paths."""
    person = Person.with_totp(https.url, policy="once_per_computer")
    form = {"Origin": BASE_URL}
    first = httpx2.post(f"{https.url}/sign-in", data={"email": person.email, "password": PASSWORD}, headers=form)
    half_open = first.headers["set-cookie"].partition(";")[0]
    code = {"code": person.code(), "trust_this_computer": "yes"}
    second = httpx2.post(f"{https.url}/sign-in/code", data=code, headers={**form, "Cookie": half_open})
    cookies = first.headers.get_list("set-cookie") + second.headers.get_list("set-cookie")
    names = [cookie.partition("=")[0] for cookie in cookies]
    assert {name.removeprefix("__Host-twofold_").partition("_")[0] for name in names} == {
        "sign",
        "session",
        "browser",
        "computer",
    }
    for cookie in cookies:
        attributes = {part.strip().lower().partition("=")[0]: part.strip() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-twofold_")
        assert {"secure", "httponly"} <= attributes.keys()
        assert attributes["path"] == "Path=/"
        assert attributes["samesite"].lower() == "samesite=lax"
        assert "domain" not in attributes


# ------------------------------------------------------------------ H07: hostile names


CONTROLS = "[\x00-\x1f\x7f]"


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:40])
def test_hostile_name_is_refused_or_shown_as_text(sqlite_service: Service, name: str) -> None:
    """Names of apps, programs and addresses are shown as text everywhere, and never start a new log line."""
    person = Person.signed_in(sqlite_service.url)
    begun = person.api.call("POST", "/factors", {"kind": "totp", "name": name})
    if begun.status == 201:
        person.api.verify(begun["id"], oathtool(begun["secret"])).expect(200)
    else:
        begun.refused(422, "invalid_request")
    Api(sqlite_service.url).sign_up(f"{name}@example.com").expect(201, 422)
    Api(sqlite_service.url).sign_in(f"{name}@example.com").expect(200, 401, 422)
    agent = {"User-Agent": f"Firefox/1 Linux {re.sub(CONTROLS, '', name)} x"}
    tried = {"email": person.email, "password": PASSWORD}
    assert statuses(
        exchange(sqlite_service.url, json_request(sqlite_service.url, "/sign-in", tried, headers=agent))
    ) == [200]
    browser = FormBrowser(sqlite_service.url, session=person.api.token)
    for page in ("/settings", "/settings/activity"):
        shown = browser.get(page).expect(200)
        assert not (re.search("[<>\u202e\u200b]", name) and name in shown.html)
        assert not re.search(r"<script>|<img src=x|>49<|onmouseover='alert", shown.html)
    assert "forged" not in sqlite_service.output()
    assert not re.search(CONTROLS, sqlite_service.output().replace("\n", ""))


# ------------------------------------------------------------------ F05: links from configuration

FORGED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "Forwarded": "host=evil.example;proto=https",
    "X-Host": "evil.example",
}


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/sign-up", "/settings", "/nowhere", "/api/v1/openapi.json", "/api/v1/docs"]
)
def test_request_headers_do_not_change_links(https: Service, path: str) -> None:
    """Links and redirects use only the configured address (ZITADEL CVE-2023-49097)."""
    plain, forged = send(https, "GET", path, {}), send(https, "GET", path, FORGED)
    for answer in (plain, forged):
        assert "evil" not in answer.text + str(answer.headers)
        assert "666" not in answer.headers.get("location", "")
    assert (plain.status_code, plain.headers.get("location")) == (forged.status_code, forged.headers.get("location"))


def test_printed_links_use_the_configured_address(https: Service) -> None:
    """Invitation, reset and first-administrator links start with the base URL, whatever Host was requested."""
    send(https, "POST", "/api/v1/accounts", FORGED)
    person = Person.signed_in(https.url)
    links = [https.first_administrator_link()]
    links += [
        https.command("account", *words).stdout
        for words in (("invite", "b@example.com"), ("reset-password", person.email))
    ]
    assert all(f"{BASE_URL}/" in link and "evil" not in link for link in links)


def test_forged_host_is_not_accepted_as_origin(https: Service) -> None:
    """A page on the host that a request names cannot send our forms."""
    body = b"email=a@example.com&password=x"
    for host in ("evil.example", https.url.removeprefix("http://")):
        forged = {**FORGED, **FORM, "Host": host, "Origin": f"https://{host}"}
        assert send(https, "POST", "/sign-in", forged, body).status_code == 403


# ------------------------------------------------------------------ C06: identifiers that an attacker knows


def plant(browser: FormBrowser, cookies: dict[str, str]) -> None:
    """Put cookies into a browser as if the service had set them."""
    for name, value in cookies.items():
        browser.keep(name, value)


def test_planted_cookies_are_replaced(service: Service) -> None:
    """Cookies planted in the victim's browser are replaced at each step and grant nothing (ZITADEL CVE-2024-28197)."""
    person = Person.with_totp(service.url, policy="once_per_computer")
    names = ("session", "sign_in", "browser", f"computer_{secrets.token_hex(4)}")
    planted = {f"twofold_{name}": secrets.token_urlsafe(32) for name in names}
    victim = FormBrowser(service.url)
    plant(victim, planted)
    victim.sign_in(person.email, PASSWORD, person.code(), trust=True).goes_to("/settings")
    kept = victim.cookies
    assert {name: kept.get(name) for name in planted if kept.get(name) == planted[name]}.keys() <= {
        f"twofold_{names[3]}"
    }
    attacker = FormBrowser(service.url)
    plant(attacker, planted)
    attacker.get("/settings").goes_to("/sign-in")
    attacker.get("/sign-in/code").expect(410)
    assert attacker.sign_in(person.email, PASSWORD).location.startswith("/sign-in/code")


def test_planted_session_of_an_attacker_is_not_elevated(service: Service) -> None:
    """An attacker's own session, planted in the victim's browser, ends and does not become the victim's."""
    attacker, victim = Person.signed_in(service.url), Person.with_totp(service.url)
    half_open = attacker.another_browser()
    browser = FormBrowser(service.url)
    half_open.sign_in(victim.email).expect(200)
    plant(browser, {"twofold_session": attacker.api.token or "", "twofold_sign_in": half_open.sign_in_token or ""})
    browser.post("/sign-in", {"email": victim.email, "password": PASSWORD}).goes_to("/sign-in/code")
    assert browser.cookies["twofold_sign_in"] != half_open.sign_in_token
    browser.post("/sign-in/code", {"code": victim.code()}).goes_to("/settings")
    assert browser.cookies["twofold_session"] != attacker.api.token
    attacker.api.session().refused(401, "not_signed_in")
    half_open.give_code("000000").refused(410, "sign_in_expired")


def test_every_step_issues_a_new_token_and_ends_the_old(service: Service) -> None:
    """Password, code and unlock each issue a new token and invalidate the previous one (ASVS 7.2.4)."""
    person = Person.with_totp(service.url)
    browser = FormBrowser(service.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    half_open = browser.cookies["twofold_sign_in"]
    browser.post("/sign-in/code", {"code": person.code()}).goes_to("/settings")
    first = browser.cookies["twofold_session"]
    assert "twofold_sign_in" not in browser.cookies
    Api(service.url).call("POST", "/sign-in/code", {"sign_in": half_open, "code": "000000"}).refused(
        410, "sign_in_completed"
    )
    browser.post("/authenticate", {"password": PASSWORD, "code": person.code()}).goes_to("/settings")
    second = browser.cookies["twofold_session"]
    assert len({half_open, first, second}) == 3
    FormBrowser(service.url, session=first).get("/settings").goes_to("/sign-in")
    browser.get("/settings").expect(200)


# ------------------------------------------------------------------ D02, E06, E09


def test_two_users_trust_one_browser_independently(service: Service) -> None:
    """Two users trust the same browser: neither token works for the other, and neither cookie overwrites the other."""
    one, other = (Person.with_totp(service.url, policy="once_per_computer") for _ in range(2))
    browser = FormBrowser(service.url)
    for person in (one, other):
        browser.post("/sign-in", {"email": person.email, "password": PASSWORD}).goes_to("/sign-in/code")
        browser.post("/sign-in/code", {"code": person.code(), "trust_this_computer": "yes"}).goes_to("/settings")
    assert len([name for name in browser.cookies if name.startswith("twofold_computer_")]) == 2
    for person in (one, other, one):
        browser.post("/sign-in", {"email": person.email, "password": PASSWORD}).goes_to("/settings")
        assert person.email in browser.get("/settings").expect(200).words


def calls_of_another_user(service: Service) -> tuple[Person, list[tuple[str, str, object]]]:
    """Return a user who has one of everything, and all calls that take an id, with that user's ids."""
    owner = Person.with_totp(service.url, policy="once_per_computer")
    owner.sign_in(owner.another_browser(), trust_this_computer=True)
    session = owner.api.sessions()["items"][0]["id"]
    computer = owner.api.trusted_computers()["items"][0]["id"]
    pending = owner.api.begin_totp().expect(201)
    code = oathtool(pending["secret"])
    calls: list[tuple[str, str, object]] = [
        ("PATCH", f"/factors/{owner.factor_id}", {"name": "mine now"}),
        ("DELETE", f"/factors/{owner.factor_id}", None),
        ("POST", f"/factors/{owner.factor_id}/verify", {"code": "000000"}),
        ("POST", f"/factors/{pending['id']}/verify", {"code": code}),
        ("DELETE", f"/factors/{pending['id']}", None),
        ("POST", "/factors", {"kind": "totp", "replaces": owner.factor_id}),
        ("DELETE", f"/sessions/{session}", None),
        ("PATCH", f"/trusted-computers/{computer}", {"name": "mine now"}),
        ("DELETE", f"/trusted-computers/{computer}", None),
    ]
    return owner, calls


def test_calls_with_ids_of_another_user_are_not_found(service: Service) -> None:
    """With another user's ids, a client sees and changes nothing (wagtail-2fa GHSA-9gjv-6qq6-v7qm)."""
    owner, calls = calls_of_another_user(service)
    stranger, third = Person.signed_in(service.url), Person.with_totp(service.url)
    half_open = Api(service.url)
    half_open.sign_in(third.email).expect(200)
    half_open.token = half_open.sign_in_token
    before = [owner.api.call("GET", path).text for path in ("/two-factor", "/sessions", "/trusted-computers")]
    for method, path, body in calls:
        stranger.api.call(method, path, body).refused(404, "not_found")
        half_open.call(method, path, body).refused(401, "not_signed_in")
    choice = {"policy": "every_log_in", "default_factor_id": owner.factor_id}
    stranger.api.call("PUT", "/two-factor", choice).refused(422, "invalid_request")
    half_open.give_code(owner.code(), factor_id=owner.factor_id).refused(401, "wrong_code")
    assert [owner.api.call("GET", path).text for path in ("/two-factor", "/sessions", "/trusted-computers")] == before


@pytest.mark.parametrize(
    "route", [page for page in ROUTES if isinstance(page, Page) and "{id}" in page.path], ids=name_of
)
def test_pages_with_ids_of_another_user_are_not_found(
    sqlite_service: Service, signed_in: FormBrowser, route: Page
) -> None:
    """A page or form with any kind of id of another user is not found."""
    assert route.need is Access.UNLOCKED
    owner = Person.with_totp(sqlite_service.url)
    ids = [owner.factor_id, owner.api.sessions()["items"][0]["id"], owner.api.begin_totp().expect(201)["id"]]
    stranger = FormBrowser(sqlite_service.url, session=Person.signed_in(sqlite_service.url).api.token)
    for each in ids:
        path = route.path.replace("{id}", each)
        typed = {"name": "mine now", "code": "000000"}
        answer = stranger.get(path) if route.method == "GET" else stranger.post(path, typed)
        answer.expect(404)
    assert signed_in.url == sqlite_service.url


def test_every_enrolment_has_its_own_secret(sqlite_service: Service, *, full: bool) -> None:
    """Every enrolment has its own 160 random bits, even the tenth of one user."""
    found: list[str] = []
    for _ in range(40 if full else 4):
        person = Person.signed_in(sqlite_service.url)
        found += [person.api.begin_totp(name=f"phone {number}").expect(201)["secret"] for number in range(25)]
    assert len(set(found)) == len(found)
    assert {len(secret) for secret in found} == {32}
    # No character is fixed: each of the 32 letters occurs in every position.
    assert len({secret[0] for secret in found}) > 16
