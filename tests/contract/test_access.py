"""Every declared route refuses the requests that it must refuse."""

import re
from collections.abc import Iterable

import httpx2
import pytest

from tests.support.cookies import cookie_name
from tests.support.forms import FormBrowser
from tests.support.routes import CALLS, PAGES, ROUTES, SAFE, path_of, refusing
from tests.support.service import Service
from tests.support.users import User, new_user, protected
from twofold.base.visitor import Access, Freshness
from twofold.base.web.routes import Call, Page

OTHER_ORIGINS = (
    None,
    "null",
    "",
    "http://evil.example",
    "http://127.0.0.1",
    "https://127.0.0.1:1",
    "http://127.0.0.1:1/",
)


def raw(service: Service) -> httpx2.Client:
    """Return a client without cookies that follows no redirects."""
    unkept = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.Client(base_url=service.url, trust_env=False, verify=False, timeout=30, limits=unkept)


def ask(service: Service, route: Call | Page, headers: dict[str, str], path: str | None = None) -> httpx2.Response:
    """Send a request with an empty body of the right type, as our own pages would, plus these headers."""
    kind = "application/json" if isinstance(route, Call) else "application/x-www-form-urlencoded"
    sent = {"Origin": service.url, "Content-Type": kind, **headers}
    body = b"{}" if isinstance(route, Call) and route.method not in SAFE else None
    with raw(service) as client:
        return client.request(route.method, path or path_of(route), headers=sent, content=body)


def refusal(answer: httpx2.Response) -> str:
    """Return the code of a problem, or the page that a browser is redirected to."""
    if answer.headers.get("content-type") == "application/problem+json":
        return str(answer.json()["code"])
    return str(answer.headers.get("location", "")).partition("?")[0]


def wrongly_answered(
    service: Service, routes: Iterable[Call | Page], headers: dict[str, str], *, code: str, page: str
) -> list[str]:
    """Return the calls that do not refuse with this code, and the pages that do not redirect to this page."""
    answers = [(route, ask(service, route, headers)) for route in routes]
    return [
        f"{route.method} {route.path}: {answer.status_code} {answer.text[:200]}"
        for route, answer in answers
        if refusal(answer) != (code if isinstance(route, Call) else page)
    ]


def snapshot(person: User) -> tuple[object, ...]:
    """Return everything in an account that a change could affect."""
    api = person.api
    named = [(each["id"], each["name"]) for each in api.trusted_computers()["items"]]
    return api.two_factor().body, named, sorted(each["id"] for each in api.sessions()["items"])


# ------------------------------------------------------------------ who


def session_cookie(service: Service, token: str | None) -> str:
    """Return a session's token as a browser sends it."""
    return f"{cookie_name(service.url)}={token}"


def test_routes_that_need_a_session_refuse_anonymous_requests(service: Service) -> None:
    """Without a session, calls answer not_signed_in, and pages redirect to the sign-in."""
    assert wrongly_answered(service, refusing(Freshness.ANONYMOUS), {}, code="not_signed_in", page="/sign-in") == []


@pytest.mark.parametrize("token", ["x", "é", "x" * 4000, "Bearer", "a b", "%00"])
def test_invalid_session_token_is_anonymous(service: Service, token: str) -> None:
    """An invalid session token is the same as none."""
    for name, value in ((b"Authorization", f"Bearer {token}"), (b"Cookie", session_cookie(service, token))):
        headers = [(name, value.encode())]
        with raw(service) as client:
            answer = client.get("/api/v1/session", headers=headers)
            assert (answer.status_code, refusal(answer)) == (401, "not_signed_in")
            assert client.get("/api/v1/sessions", headers=headers).status_code == 401
            assert client.get("/settings", headers=headers).headers["location"].startswith("/sign-in")


def test_half_open_sign_in_opens_no_other_route(service: Service) -> None:
    """Between password and code, the token is refused as a bearer token, session cookie or sign-in cookie."""
    token = protected(service).half_open().sign_in_token or ""
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Cookie": session_cookie(service, token)},
        {"Cookie": f"{cookie_name(service.url, 'sign_in')}={token}"},
        {
            "Cookie": f"{cookie_name(service.url)}={token}; {cookie_name(service.url, 'sign_in')}={token}",
            "Authorization": f"Bearer {token}",
        },
    ):
        assert (
            wrongly_answered(service, refusing(Freshness.ANONYMOUS), headers, code="not_signed_in", page="/sign-in")
            == []
        )
        for route in (route for route in ROUTES if route.need is Access.PUBLIC):
            answer = ask(service, route, headers)
            assert "twofold_session" not in answer.headers.get("set-cookie", ""), route.path
            assert refusal(answer) != "/settings", route.path


def test_half_open_sign_in_shows_nothing_from_the_account(service: Service) -> None:
    """The code page shows the address as entered, and nothing from the account."""
    person = protected(service)
    browser = FormBrowser(service.url)
    browser.sign_in(person.email.upper(), person.password).goes_to("/sign-in/code")
    for path in ("/sign-in/code", "/sign-in/recovery-code"):
        assert person.email not in browser.get(path).expect(200).html
    browser.get("/settings").goes_to("/sign-in")
    browser.get("/").goes_to("/sign-in")


def test_routes_that_change_settings_refuse_a_locked_session(service: Service) -> None:
    """Calls answer locked_settings, pages redirect to Authenticate, and nothing changes."""
    person = protected(service, "once_per_computer")
    person.sign_in(trust_this_computer=True)
    person.pages().post("/settings/lock").goes_to("/settings")
    before = snapshot(person)
    headers = {"Authorization": f"Bearer {person.api.token}"}
    unlocked = refusing(Freshness.SIGNED_IN)
    assert len(unlocked) > 20
    assert wrongly_answered(service, unlocked, headers, code="locked_settings", page="/authenticate") == []
    assert snapshot(person) == before
    codes = {ask(service, route, headers).status_code for route in unlocked if isinstance(route, Call)}
    assert codes == {403}


def test_changing_routes_of_the_contract_need_an_unlocked_session() -> None:
    """No changing route below these paths requires less."""
    guards = re.compile(r"(/api/v1/(two-factor|factors|recovery-code|trusted-computers|sessions|account/)|/settings/)")
    exempt = {"/settings/lock", "/settings/recovery-code/saved", "/settings/recovery-code/download"}
    loose = [
        route.path
        for route in ROUTES
        if route.method not in SAFE and guards.match(route.path) and route.need is not Access.UNLOCKED
    ]
    assert set(loose) <= exempt


# ------------------------------------------------------------------ from where


def test_forms_of_other_sites_are_refused(service: Service) -> None:
    """Every changing page route requires exactly our own origin, including sign-in and sign-out."""
    person = new_user(service)
    before = snapshot(person)
    cookie = {"Cookie": session_cookie(service, person.api.token)}
    for route in (route for route in PAGES if route.method not in SAFE):
        for origin in OTHER_ORIGINS:
            answer = ask_from(service, route, origin, cookie)
            assert answer.status_code == 403, f"{route.path} from {origin}: {answer.status_code}"
            assert f'href="{service.url}/">Open {service.url}</a>' in answer.text
            assert "location" not in answer.headers
            assert "set-cookie" not in answer.headers
    assert snapshot(person) == before


def test_calls_with_our_cookies_from_other_sites_are_refused(service: Service) -> None:
    """A browser's cookies do not authorise any call by another site's script."""
    person = new_user(service)
    before = snapshot(person)
    changing = [call for call in CALLS if call.method not in SAFE]
    for cookie in (session_cookie(service, person.api.token), f"{cookie_name(service.url, 'browser')}=x"):
        for call in changing:
            for origin in OTHER_ORIGINS:
                answer = ask_from(service, call, origin, {"Cookie": cookie})
                assert (answer.status_code, refusal(answer)) == (403, "wrong_origin"), f"{call.path} from {origin}"
    assert snapshot(person) == before


def test_bearer_token_needs_no_origin(service: Service) -> None:
    """A request with a bearer token and without our cookies needs no Origin."""
    person = new_user(service)
    for origin in OTHER_ORIGINS:
        sent = {} if origin is None else {"Origin": origin}
        person.api.call("PUT", "/two-factor", {"policy": "disabled"}, headers=sent).expect(200)


def ask_from(service: Service, route: Call | Page, origin: str | None, headers: dict[str, str]) -> httpx2.Response:
    """Send a request with another Origin, or without one."""
    kind = "application/json" if isinstance(route, Call) else "application/x-www-form-urlencoded"
    sent = {"Content-Type": kind, **headers, **({} if origin is None else {"Origin": origin})}
    with raw(service) as client:
        return client.request(route.method, path_of(route), headers=sent, content=b"")


# ------------------------------------------------------------------ in which form


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_calls_accept_only_json(service: Service, kind: str | None) -> None:
    """JSON under another media type is refused unread, with a 415 that names the right type."""
    person = new_user(service)
    for call in (call for call in CALLS if call.body):
        headers = {"Authorization": f"Bearer {person.api.token}", **({"Content-Type": kind} if kind else {})}
        with raw(service) as client:
            answer = client.request(call.method, path_of(call), headers=headers, content=b"{}")
        assert (answer.status_code, refusal(answer)) == (415, "invalid_request"), call.path
        assert "application/json" in answer.json()["detail"], call.path


@pytest.mark.parametrize("kind", [None, "application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_pages_accept_only_forms(service: Service, kind: str | None) -> None:
    """Forms of another media type are refused unread."""
    person = new_user(service)
    cookie = {"Cookie": session_cookie(service, person.api.token)}
    for page in (page for page in PAGES if page.method not in SAFE):
        headers = {**cookie, "Origin": service.url, **({"Content-Type": kind} if kind else {})}
        with raw(service) as client:
            answer = client.post(path_of(page), headers=headers, content=b"{}")
        # If the page of the form is gone too, the answer says that.
        assert answer.status_code in (415, 404, 410), page.path


def test_unsupported_method_gets_405_with_the_allowed_ones(service: Service) -> None:
    """The answer is a 405 that lists the allowed methods, in JSON or as a page.

    HEAD is GET without a body, but not allowed where GET has an effect.
    """
    recorded = {route.path for route in CALLS if route.recorded}
    paths: dict[str, set[str]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, set()).add(route.method)
    with raw(service) as client:
        for path, methods in paths.items():
            shown = re.sub(r"{\w+}", "0" * 26, path)
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
                answer = client.request(method, shown)
                assert answer.status_code == 405, f"{method} {path}"
                assert set(answer.headers["allow"].split(", ")) >= methods
                kind = "application/problem+json" if path.startswith("/api/") else "text/html; charset=utf-8"
                assert answer.headers["content-type"] == kind
                if path.startswith("/api/"):
                    assert answer.json()["detail"] == f"Allowed here: {answer.headers['allow']}."
            if "GET" in methods:
                head, get = client.head(shown), client.get(shown)
                assert head.status_code == (405 if path in recorded else get.status_code)
                assert head.content == b""


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", "/api/v2/session", "/settings/", "/api/v1/session/"])
def test_unknown_path_gets_404(service: Service, path: str) -> None:
    """The answer is a 404, in JSON below /api and as a page elsewhere."""
    with raw(service) as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert ("json" in answer.headers["content-type"]) == path.startswith("/api/")


# ------------------------------------------------------------------ bearer and cookie


def test_bearer_token_and_cookie_show_the_same_session(service: Service) -> None:
    """Both show the same session, the scheme is case-insensitive, and a bearer token takes precedence over a cookie."""
    person, other = new_user(service), new_user(service)
    token = person.api.token
    with raw(service) as client:
        for headers in (
            {"Authorization": f"Bearer {token}"},
            {"Authorization": f"bearer {token}"},
            {"Authorization": f"BEARER  {token}"},
            {"Cookie": session_cookie(service, token)},
            {"Cookie": f"a=b; {cookie_name(service.url)}={token}; c=d"},
            {"Authorization": f"Bearer {token}", "Cookie": session_cookie(service, other.api.token)},
            {"Authorization": "Basic eDp5", "Cookie": session_cookie(service, token)},
        ):
            for path in ("/api/v1/session", "/api/v1/sessions"):
                assert client.get(path, headers=headers).status_code == 200, f"{path} {headers}"
            assert client.get("/api/v1/session", headers=headers).json()["account"]["email"] == person.email


def test_calls_without_cookies_set_none(service: Service) -> None:
    """Programs exchange tokens in bodies, so no answer from sign-up to sign-out sets a cookie."""
    person = new_user(service)
    person.enable_totp()
    person.sign_in()
    for answer in (person.api.session(), person.api.sessions(), person.api.sign_out()):
        assert "set-cookie" not in answer.headers


def test_browser_unlocks_by_the_api_with_its_cookie(service: Service) -> None:
    """The new token is in the cookie, not in the body, and the old one is invalid."""
    person = new_user(service)
    old = person.api.token or ""
    with raw(service) as client:
        headers = {"Cookie": session_cookie(service, old), "Origin": service.url}
        answer = client.post("/api/v1/session/unlock", headers=headers, json={"password": person.password})
        assert answer.status_code == 200
        assert "token" not in answer.json()["session"]
        new = re.search(
            rf"{cookie_name(service.url)}=([^;]+); HttpOnly; Max-Age=\d+; Path=/; SameSite=lax",
            answer.headers["set-cookie"],
        )
        assert new
        assert new[1] != old
        assert client.get("/api/v1/session", headers={"Cookie": session_cookie(service, new[1])}).status_code == 200
        assert client.get("/api/v1/session", headers={"Cookie": session_cookie(service, old)}).status_code == 401


def test_no_answer_may_be_cached_or_framed(service: Service) -> None:
    """No answer, including refusals, may be cached or framed."""
    person = new_user(service)
    for route in ROUTES:
        answer = ask(service, route, {"Authorization": f"Bearer {person.api.token}"})
        assert answer.headers["cache-control"] == "no-store", route.path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
