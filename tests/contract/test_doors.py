"""Every declared route from outside: what it refuses to whom, whichever way the request comes."""

import re
from collections.abc import Iterable

import httpx2
import pytest

from tests.forms import FormBrowser
from tests.residents import Resident, protected, resident
from tests.routes import CALLS, PAGES, SAFE, guarded, path_of
from tests.service import Service
from twofold.base.visitor import Need
from twofold.base.web.routes import Call, Page
from twofold.rooms import ROUTES

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
    """A client that keeps nothing and follows nothing."""
    unkept = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.Client(base_url=service.url, trust_env=False, verify=False, timeout=30, limits=unkept)


def ask(service: Service, route: Call | Page, headers: dict[str, str], path: str | None = None) -> httpx2.Response:
    """Asks for a route with an empty body of the right kind, as our own pages would, save for the given headers."""
    kind = "application/json" if isinstance(route, Call) else "application/x-www-form-urlencoded"
    sent = {"Origin": service.url, "Content-Type": kind, **headers}
    body = b"{}" if isinstance(route, Call) and route.method not in SAFE else None
    with raw(service) as client:
        return client.request(route.method, path or path_of(route), headers=sent, content=body)


def refusal(answer: httpx2.Response) -> str:
    """The code of a problem, or the page that a browser is led to."""
    if answer.headers.get("content-type") == "application/problem+json":
        return str(answer.json()["code"])
    return str(answer.headers.get("location", "")).partition("?")[0]


def wrongly_answered(
    service: Service, routes: Iterable[Call | Page], headers: dict[str, str], *, code: str, page: str
) -> list[str]:
    """The routes that do not refuse with this code (calls), or lead to this page (pages)."""
    answers = [(route, ask(service, route, headers)) for route in routes]
    return [
        f"{route.method} {route.path}: {answer.status_code} {answer.text[:200]}"
        for route, answer in answers
        if refusal(answer) != (code if isinstance(route, Call) else page)
    ]


def picture(person: Resident) -> tuple[object, ...]:
    """All of an account that changes could touch."""
    api = person.api
    named = [(each["id"], each["name"]) for each in api.trusted_computers()["items"]]
    return api.two_factor().body, named, sorted(each["id"] for each in api.sessions()["items"])


# ------------------------------------------------------------------ who


def test_routes_that_need_somebody_refuse_nobody(service: Service) -> None:
    """Without a session calls say not_signed_in, and pages lead to the sign-in."""
    assert wrongly_answered(service, guarded(Need.SIGNED_IN), {}, code="not_signed_in", page="/sign-in") == []


@pytest.mark.parametrize("token", ["x", "é", "x" * 4000, "Bearer", "a b", "%00"])
def test_what_is_no_token_opens_nothing(service: Service, token: str) -> None:
    """Nonsense in the place of a session is the same as nothing."""
    for name, value in ((b"Authorization", f"Bearer {token}"), (b"Cookie", f"twofold_session={token}")):
        headers = [(name, value.encode())]
        with raw(service) as client:
            answer = client.get("/api/v1/session", headers=headers)
            assert (answer.status_code, refusal(answer)) == (401, "not_signed_in")
            assert client.get("/api/v1/sessions", headers=headers).status_code == 401
            assert client.get("/settings", headers=headers).headers["location"].startswith("/sign-in")


def test_a_half_open_sign_in_opens_nothing_else(service: Service) -> None:
    """Between password and code the token is worth nothing, as bearer, as session cookie, or as what it is."""
    token = protected(service).half_open().sign_in_token or ""
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Cookie": f"twofold_session={token}"},
        {"Cookie": f"twofold_sign_in={token}"},
        {"Cookie": f"twofold_session={token}; twofold_sign_in={token}", "Authorization": f"Bearer {token}"},
    ):
        assert wrongly_answered(service, guarded(Need.SIGNED_IN), headers, code="not_signed_in", page="/sign-in") == []
        for route in (route for route in ROUTES if route.need is Need.NOBODY):
            answer = ask(service, route, headers)
            assert "twofold_session=" not in answer.headers.get("set-cookie", ""), route.path
            assert refusal(answer) != "/settings", route.path


def test_a_half_open_sign_in_shows_nothing_of_the_account(service: Service) -> None:
    """The page that asks for the code names neither address, nor computers, nor anything behind the door."""
    person = protected(service)
    browser = FormBrowser(service.url)
    browser.sign_in(person.email, person.password).goes_to("/sign-in/code")
    for path in ("/sign-in/code", "/sign-in/recovery-code"):
        assert person.email not in browser.get(path).must(200).html
    browser.get("/settings").goes_to("/sign-in")
    browser.get("/").goes_to("/sign-in")


def test_routes_that_change_settings_refuse_a_locked_session(service: Service) -> None:
    """Calls say locked_settings, pages lead to Authenticate, and nothing has changed."""
    person = protected(service, "once_per_computer")
    person.sign_in(trust_this_computer=True)
    person.pages().post("/settings/lock").goes_to("/settings")
    before = picture(person)
    headers = {"Authorization": f"Bearer {person.api.token}"}
    unlocked = guarded(Need.UNLOCKED)
    assert len(unlocked) > 20
    assert wrongly_answered(service, unlocked, headers, code="locked_settings", page="/authenticate") == []
    assert picture(person) == before
    codes = {ask(service, route, headers).status_code for route in unlocked if isinstance(route, Call)}
    assert codes == {403}


def test_what_the_contract_guards_needs_an_unlocked_session() -> None:
    """No changing route below these paths may ask for less."""
    guards = re.compile(r"(/api/v1/(two-factor|factors|recovery-code|trusted-computers|sessions|account/)|/settings/)")
    exempt = {"/settings/lock", "/settings/recovery-code/saved", "/settings/recovery-code/download"}
    loose = [
        route.path
        for route in ROUTES
        if route.method not in SAFE and guards.match(route.path) and route.need is not Need.UNLOCKED
    ]
    assert set(loose) <= exempt


# ------------------------------------------------------------------ from where


def test_forms_of_other_sites_are_refused(service: Service) -> None:
    """Every page route that changes anything wants our own origin, exactly; sign-in and sign-out too."""
    person = resident(service)
    before = picture(person)
    cookie = {"Cookie": f"twofold_session={person.api.token}"}
    for route in (route for route in PAGES if route.method not in SAFE):
        for origin in OTHER_ORIGINS:
            answer = ask_from(service, route, origin, cookie)
            assert answer.status_code == 403, f"{route.path} from {origin}: {answer.status_code}"
            assert f'href="{service.url}/">Open {service.url}</a>' in answer.text
            assert "location" not in answer.headers
            assert "set-cookie" not in answer.headers
    assert picture(person) == before


def test_calls_with_our_cookies_from_other_sites_are_refused(service: Service) -> None:
    """A browser's cookies are no authority for another site's script, whatever call it makes."""
    person = resident(service)
    before = picture(person)
    changing = [call for call in CALLS if call.method not in SAFE]
    for cookie in (f"twofold_session={person.api.token}", "twofold_browser=x"):
        for call in changing:
            for origin in OTHER_ORIGINS:
                answer = ask_from(service, call, origin, {"Cookie": cookie})
                assert (answer.status_code, refusal(answer)) == (403, "wrong_origin"), f"{call.path} from {origin}"
    assert picture(person) == before


def test_a_program_needs_no_origin(service: Service) -> None:
    """What comes with a bearer token and no cookie of ours is no browser's doing."""
    person = resident(service)
    for origin in OTHER_ORIGINS:
        sent = {} if origin is None else {"Origin": origin}
        person.api.call("PUT", "/two-factor", {"policy": "disabled"}, headers=sent).must(200)


def ask_from(service: Service, route: Call | Page, origin: str | None, headers: dict[str, str]) -> httpx2.Response:
    """Asks for a route with another Origin, or without one."""
    kind = "application/json" if isinstance(route, Call) else "application/x-www-form-urlencoded"
    sent = {"Content-Type": kind, **headers, **({} if origin is None else {"Origin": origin})}
    with raw(service) as client:
        return client.request(route.method, path_of(route), headers=sent, content=b"")


# ------------------------------------------------------------------ in which form


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_calls_take_json_only(service: Service, kind: str | None) -> None:
    """JSON sent as anything else is refused before it is read: 415 with the media type that is taken."""
    person = resident(service)
    for call in (call for call in CALLS if call.body):
        headers = {"Authorization": f"Bearer {person.api.token}", **({"Content-Type": kind} if kind else {})}
        with raw(service) as client:
            answer = client.request(call.method, path_of(call), headers=headers, content=b"{}")
        assert (answer.status_code, refusal(answer)) == (415, "invalid_request"), call.path
        assert "application/json" in answer.json()["detail"], call.path


@pytest.mark.parametrize("kind", [None, "application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_pages_take_forms_only(service: Service, kind: str | None) -> None:
    """Forms come urlencoded; anything else is not read."""
    person = resident(service)
    cookie = {"Cookie": f"twofold_session={person.api.token}"}
    for page in (page for page in PAGES if page.method not in SAFE):
        headers = {**cookie, "Origin": service.url, **({"Content-Type": kind} if kind else {})}
        with raw(service) as client:
            answer = client.post(path_of(page), headers=headers, content=b"{}")
        # Where the page that has the form is gone too, that is what is told.
        assert answer.status_code in (415, 404, 410), page.path


def test_methods_that_a_path_does_not_have_are_told(service: Service) -> None:
    """405 with what there is; problems of the API are JSON, of pages a page; HEAD is GET without a body."""
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
                assert (head.status_code, head.content) == (get.status_code, b"")


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", "/api/v2/session", "/settings/", "/api/v1/session/"])
def test_what_is_not_there_is_not_found(service: Service, path: str) -> None:
    """404, in JSON below /api and as a page elsewhere."""
    with raw(service) as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert ("json" in answer.headers["content-type"]) == path.startswith("/api/")


# ------------------------------------------------------------------ bearer and cookie


def test_a_session_is_the_same_by_bearer_and_by_cookie(service: Service) -> None:
    """Both ways show the same session, in whatever case the scheme is written; a bearer token goes before a cookie."""
    person, other = resident(service), resident(service)
    token = person.api.token
    with raw(service) as client:
        for headers in (
            {"Authorization": f"Bearer {token}"},
            {"Authorization": f"bearer {token}"},
            {"Authorization": f"BEARER  {token}"},
            {"Cookie": f"twofold_session={token}"},
            {"Cookie": f"a=b; twofold_session={token}; c=d"},
            {"Authorization": f"Bearer {token}", "Cookie": f"twofold_session={other.api.token}"},
            {"Authorization": "Basic eDp5", "Cookie": f"twofold_session={token}"},
        ):
            for path in ("/api/v1/session", "/api/v1/sessions"):
                assert client.get(path, headers=headers).status_code == 200, f"{path} {headers}"
            assert client.get("/api/v1/session", headers=headers).json()["account"]["email"] == person.email


def test_calls_set_no_cookie_where_none_came(service: Service) -> None:
    """Tokens of programs come and go in bodies: from sign-up to sign-out no answer sets a cookie."""
    person = resident(service)
    person.enable_totp()
    person.sign_in()
    for answer in (person.api.session(), person.api.sessions(), person.api.sign_out()):
        assert "set-cookie" not in answer.headers


def test_a_browser_unlocks_through_the_api_by_its_cookie(service: Service) -> None:
    """The new token is in the cookie and not in the body; the old one is dead."""
    person = resident(service)
    old = person.api.token or ""
    with raw(service) as client:
        headers = {"Cookie": f"twofold_session={old}", "Origin": service.url}
        answer = client.post("/api/v1/session/unlock", headers=headers, json={"password": person.password})
        assert answer.status_code == 200
        assert "token" not in answer.json()["session"]
        new = re.search(
            r"twofold_session=([^;]+); HttpOnly; Max-Age=\d+; Path=/; SameSite=lax", answer.headers["set-cookie"]
        )
        assert new
        assert new[1] != old
        assert client.get("/api/v1/session", headers={"Cookie": f"twofold_session={new[1]}"}).status_code == 200
        assert client.get("/api/v1/session", headers={"Cookie": f"twofold_session={old}"}).status_code == 401


def test_what_is_answered_is_never_kept(service: Service) -> None:
    """No answer of a route, refusals included, may be stored by a browser or a proxy, or be framed."""
    person = resident(service)
    for route in ROUTES:
        answer = ask(service, route, {"Authorization": f"Bearer {person.api.token}"})
        assert answer.headers["cache-control"] == "no-store", route.path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
