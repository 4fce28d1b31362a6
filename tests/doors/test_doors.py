"""Each proxy, with the recipe of its document, answers as the gate does, and lets nothing else through."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.doors.conftest import ADA, APP, CLOSED, MIXED, OPEN, OTHER, STAFF, Site
from tests.support.clients import PASSWORD
from tests.support.door_visitor import FETCH, IMAGE, NAVIGATION, PROGRAM, WEBSOCKET, Headers, Visitor
from tests.support.doors import TWOFOLD, Door

IDENTITY = ("Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups")
SPELLINGS = ("Remote-User", "remote-user", "REMOTE-USER", "Remote_User", "remote_user", "Remote.User", "Remote-Groups")
ODD_TARGETS = (
    "/plain",
    "/a%20b/c%2Bd?q=a+b&r=%26%3B",
    "/?a=1&b=2;c=3&&d",
    "/p?u=https://example.org/?x=1%23y",
    "/group%2Fproject",
    "/group%2fproject/-/raw",
    "/%40scope%2fname",
    "/double//slash",
    "/semi;colon=1/x",
    "/%E2%82%AC?%e2%82%ac=%FF",
    "/tilde~and'quote(1)*!$,:@=&",
    "/?",
    "/a?b?c",
    "/~%7e%2D-",
    "/%252e%252e/",
)
REWRITTEN = {  # by Traefik, as its document says
    "/?a=1&b=2;c=3&&d": "/?a=1&b=2&c=3&&d",
    "/group%2fproject/-/raw": "/group%2Fproject/-/raw",
    "/%40scope%2fname": "/%40scope%2Fname",
    "/double//slash": "/double/slash",
    "/~%7e%2D-": "/~~--",
}
Reached = Callable[[], list[str]]


def test_navigation_without_a_session_is_sent_to_sign_in(browser: Visitor, reached: Reached) -> None:
    """With a nonce, exactly one cookie, and nothing that a cache could keep."""
    reply = browser.get(f"https://{APP}/page?x=1")
    assert reply.status == 302
    assert reply.header("location").startswith(f"https://{TWOFOLD}/gate/begin?s=")
    assert reply.header("set-cookie").startswith("__Host-twofold_arrive_")
    assert reply.header("cache-control") == "no-store"
    assert reply.header("referrer-policy") == "no-referrer"
    assert not reached()


def test_second_bounce_leaves_the_nonce_alone(browser: Visitor) -> None:
    """Tabs that are opened at the same time share it."""
    browser.get(f"https://{APP}/")
    kept = dict(browser.cookies)
    assert browser.get(f"https://{APP}/").header("set-cookie") == ""
    assert browser.cookies == kept


def test_sign_in_leads_to_the_exact_address_with_identity(browser: Visitor) -> None:
    """From a deep link through the password to the application."""
    target = "/deep/link?a=1&b=%26+c"
    reply = browser.go(f"https://{APP}{target}", ADA, PASSWORD)
    assert (reply.status, reply.json["method"], reply.json["target"]) == (200, "GET", target)
    identity = {"remote-user": ["ada"], "remote-email": [ADA], "remote-name": ["ada"], "remote-groups": ["crew"]}
    assert reply.seen(*IDENTITY) == identity


def test_second_application_needs_no_second_sign_in(site: Site, door: Door) -> None:
    """Only redirects lead there."""
    browser = Visitor(door.port, site.authority.ca).signed_in(ADA, PASSWORD, f"https://{APP}/")
    reply = browser.go(f"https://{OTHER}/there", ADA, "not needed")
    assert (reply.status, reply.json["target"]) == (200, "/there")


@pytest.mark.parametrize("headers", [FETCH, IMAGE, PROGRAM], ids=["fetch", "image", "program"])
def test_programs_get_a_problem_and_no_redirect(browser: Visitor, headers: Headers, reached: Reached) -> None:
    """It names the path at which a page can lead its user to sign in."""
    reply = browser.get(f"https://{APP}/data", headers)
    assert (reply.status, reply.header("content-type")) == (401, "application/problem+json")
    assert reply.header("location") == reply.header("set-cookie") == ""
    assert reply.header("www-authenticate") == "Bearer"
    assert reply.header("twofold-sign-in") == reply.json["sign_in"] == "/.twofold/sign-in.html"
    assert not reached()


def test_form_without_a_session_gets_a_page(browser: Visitor, reached: Reached) -> None:
    """The page says that nothing was sent."""
    body = b"text=long"
    reply = browser.get(
        f"https://{APP}/send", (*NAVIGATION, ("Referer", f"https://{APP}/form")), method="POST", body=body
    )
    assert reply.status == 401
    assert "Nothing was sent" in reply.words
    assert f'href="https://{APP}/form"'.encode() in reply.body
    assert reply.header("location") == reply.header("set-cookie") == ""
    assert reply.header("content-security-policy").startswith("default-src 'none'")
    assert not reached()


def test_frame_without_a_session_offers_a_new_tab(browser: Visitor, reached: Reached) -> None:
    """People should not type a password into a frame."""
    frame = (("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe"))
    bounce = browser.get(f"https://{APP}/part", frame)
    assert bounce.status == 302
    assert "opens in a new tab" in browser.get(bounce.header("location"), frame).words
    assert not reached()


def test_prefetch_spends_no_ticket(browser: Visitor) -> None:
    """The browser has not decided yet to go there."""
    browser.get(f"https://{APP}/")
    prefetch = (*NAVIGATION, ("Sec-Purpose", "prefetch"))
    assert browser.get(f"https://{APP}/.twofold/arrive.html?t=x", prefetch).status == 401


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PROPFIND"])
def test_every_method_is_asked_about(browser: Visitor, ada: Visitor, method: str, reached: Reached) -> None:
    """Without a session, none reaches the application; with one, all do."""
    reply = browser.get(f"https://{APP}/", FETCH, method=method)
    assert reply.status == 401
    assert not reached()
    admitted = ada.get(f"https://{APP}/", FETCH, method=method)
    assert admitted.status == 200
    assert method == "HEAD" or admitted.json["method"] == method


def test_head_of_a_navigation_is_redirected(browser: Visitor) -> None:
    """As a GET is, for link checkers."""
    assert browser.get(f"https://{APP}/", method="HEAD").status == 302


def test_body_reaches_the_application(ada: Visitor) -> None:
    """The check does not consume it."""
    reply = ada.get(f"https://{APP}/send", method="POST", body=b"a=1&b=2")
    assert (reply.status, reply.json["body"]) == (200, "a=1&b=2")


def test_refused_navigation_gets_a_page(browser: Visitor, reached: Reached) -> None:
    """With status 403, for a host that no one may open."""
    reply = browser.get(f"https://{CLOSED}/")
    assert (reply.status, reply.header("content-type")) == (403, "text/html; charset=utf-8")
    assert "This is closed" in reply.words
    assert browser.get(f"https://{CLOSED}/", FETCH).header("content-type") == "application/problem+json"
    assert not reached()


def test_wrong_account_gets_a_page_that_names_it(site: Site, door: Door, reached: Reached) -> None:
    """And a link to use another account."""
    reply = Visitor(door.port, site.authority.ca).go(f"https://{STAFF}/", ADA, PASSWORD)
    assert reply.status == 403
    assert f"You are signed in as {ADA}" in reply.words
    assert b"/gate/sign-out?rd=" in reply.body
    assert not reached()


def test_program_learns_what_a_session_lacks(site: Site, door: Door, reached: Reached) -> None:
    """Where the rule requires a second factor (RFC 9470)."""
    browser = Visitor(door.port, site.authority.ca).signed_in(ADA, PASSWORD, f"https://{MIXED}/")
    reply = browser.get(f"https://{MIXED}/strong", FETCH)
    assert reply.status == 401
    assert reply.header("www-authenticate") == 'Bearer error="insufficient_user_authentication", acr_values="2fa"'
    page = browser.get(f"https://{MIXED}/strong")
    assert (page.status, page.header("location").partition("?")[0]) == (302, f"https://{TWOFOLD}/gate/begin")
    assert reached() == ["/"]


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("host", [APP, OPEN])
def test_forged_identity_never_reaches_the_application(ada: Visitor, host: str, name: str) -> None:
    """In no spelling, and not where everyone may pass either."""
    reply = ada.get(f"https://{host}/", (*NAVIGATION, (name, "mallory"), (name, "mallory2")))
    assert reply.status == 200
    seen = reply.seen(*IDENTITY)
    assert "mallory" not in str(seen)
    assert seen.get("remote-user", [""]) == (["ada"] if host == APP else [""])
    assert set(seen) <= {name.lower() for name in IDENTITY}


@pytest.mark.parametrize("name", IDENTITY)
def test_connection_header_cannot_drop_identity(ada: Visitor, name: str) -> None:
    """Proxies remove headers that it names, and must not do so after the check has set them."""
    reply = ada.get(f"https://{APP}/", (*NAVIGATION, ("Connection", f"keep-alive, {name}")))
    assert reply.status in {200, 400}
    if reply.status == 200:
        assert set(reply.seen(*IDENTITY)) == {name.lower() for name in IDENTITY}
        assert reply.seen("Remote-User") == {"remote-user": ["ada"]}


@pytest.mark.parametrize("name", ["X-Original-URL", "X-Original-Method", "X-Forwarded-Host", "X-Forwarded-Uri"])
def test_forged_question_opens_nothing(browser: Visitor, name: str, reached: Reached) -> None:
    """The names of the other dialect are ignored, and one's own is replaced or makes the question invalid."""
    for value in (f"https://{OPEN}/", OPEN, "/open", "OPTIONS"):
        assert browser.get(f"https://{APP}/", (*NAVIGATION, (name, value))).status in {302, 403}
    assert not reached()


@pytest.mark.parametrize("target", ODD_TARGETS)
def test_target_arrives_byte_for_byte(site: Site, door: Door, ada: Visitor, target: str) -> None:
    """At the application, and after a sign-in; as Traefik has rewritten it."""
    rewritten = REWRITTEN.get(target, target) if door.name == "traefik" else target
    assert ada.get(f"https://{APP}{target}").json["target"] == rewritten
    newcomer = Visitor(door.port, site.authority.ca)
    newcomer.cookies[TWOFOLD] = dict(ada.cookies[TWOFOLD])
    arrived = newcomer.go(f"https://{APP}{target}", ADA, "not needed").json["target"]
    assert arrived == (target.removesuffix("?") if door.name == "envoy" else rewritten)  # ASGI knows no empty query


@pytest.mark.parametrize("target", ["/open/../x", "/open/..%2fx", "/open/%2e%2e/x", "/open/..;/x", "//open/../x"])
def test_ambiguous_path_opens_nothing(browser: Visitor, target: str, reached: Reached) -> None:
    """On a host of which a part is open."""
    assert browser.ask(MIXED, "/open/y").status == 200
    assert browser.ask(MIXED, target, FETCH).status in {400, 401, 403}
    assert reached() == ["/open/y"]


def test_null_character_never_reaches_the_application(browser: Visitor, ada: Visitor, reached: Reached) -> None:
    """On no host, and for no one; some proxies refuse it themselves."""
    for visitor, host in ((browser, OPEN), (ada, APP)):
        assert visitor.ask(host, "/%00").status in {400, 403, 404}
    assert not reached()


def test_websocket_is_refused_without_a_session(browser: Visitor, reached: Reached) -> None:
    """With 401, not with a redirect."""
    reply = browser.get(f"https://{APP}/socket", WEBSOCKET)
    assert (reply.status, reply.header("location")) == (401, "")
    assert not reached()


def test_websocket_echoes_with_a_session(ada: Visitor) -> None:
    """Through the proxy, in both directions."""
    reply = ada.get(f"https://{APP}/socket", WEBSOCKET, message=b"hello")
    assert (reply.status, reply.body) == (101, b"hello")


@pytest.mark.parametrize(
    "upgrades", [["h2c"], ["h2c, websocket"], ["websocket, h2c"], ["websocket", "h2c"], ["TLS/1.2"]]
)
def test_only_a_websocket_can_be_switched_to(site: Site, door: Door, ada: Visitor, upgrades: list[str]) -> None:
    """On a connection that was switched to HTTP/2 (h2c), the application would answer anything without a check."""
    before = len(site.application.received)
    named = ("Connection", "Upgrade, HTTP2-Settings"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")
    ada.get(f"https://{APP}/", (*NAVIGATION, *named, *(("Upgrade", each) for each in upgrades)))
    seen = [header for each in site.application.received[before:] for header in each.headers]
    passed = {value.lower() for name, value in seen if name.lower() == "upgrade"}
    assert passed <= ({"websocket", "tls/1.2"} if door.name == "traefik" else {"websocket"})  # Traefik refuses h2c only


def test_authorization_of_the_application_is_untouched(ada: Visitor) -> None:
    """Applications may have Basic of their own."""
    for value in ("Basic YTpi", "Bearer abc", "Digest x"):
        reply = ada.get(f"https://{APP}/", (*NAVIGATION, ("Authorization", value)))
        assert reply.seen("Authorization") == {"authorization": [value]}


def test_client_cannot_drop_its_authorization(ada: Visitor) -> None:
    """Only the check says whether it was an access token."""
    reply = ada.get(f"https://{APP}/", (*NAVIGATION, ("Twofold-Token", "1"), ("Authorization", "Basic YTpi")))
    assert reply.seen("Authorization") == {"authorization": ["Basic YTpi"]}


def test_sign_out_ends_access_at_the_next_request(site: Site, door: Door, reached: Reached) -> None:
    """By the address that applications link to."""
    browser = Visitor(door.port, site.authority.ca).signed_in(ADA, PASSWORD, f"https://{APP}/")
    away = browser.get(f"https://{APP}/.twofold/sign-out.html")
    assert away.status == 302
    page = browser.get(away.header("location"))
    assert browser.submit(page, "/gate/sign-out").status == 200
    assert browser.get(f"https://{APP}/").status == 302
    assert browser.get(f"https://{APP}/", FETCH).status == 401
    assert reached() == ["/"]


def test_cookie_of_one_host_opens_no_other(ada: Visitor, browser: Visitor, reached: Reached) -> None:
    """Neither under its own name nor under that of the other host."""
    browser.get(f"https://{OTHER}/")
    own = next(iter(browser.cookies[OTHER])).replace("arrive", "gate")
    name, value = next((name, value) for name, value in ada.cookies[APP].items() if "_gate_" in name)
    for each in (name, own):
        browser.cookies[OTHER] = {each: value}
        assert browser.get(f"https://{OTHER}/", FETCH).status == 401
    browser.cookies[OTHER] = dict(ada.cookies[TWOFOLD])
    assert browser.get(f"https://{OTHER}/", FETCH).status == 401
    assert not reached()


def test_reserved_paths_never_reach_the_application(ada: Visitor, browser: Visitor, reached: Reached) -> None:
    """Not even for someone who is signed in, or on a host that is open."""
    for host in (APP, OPEN):
        assert ada.get(f"https://{host}/.twofold/other").status == 403
        assert browser.get(f"https://{host}/.twofold/arrive.html?t=x").status == 403
        assert browser.get(f"https://{host}/.twofold/sign-in.html?to={quote('/a?b')}").status == 302
    assert not reached()
