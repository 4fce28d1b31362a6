"""Cookies are named so that no other host can set them over https, and are read from any header."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from tests.support.cookies import cookie_name
from twofold.base.web.cookies import BROWSER, SESSION, CookieNames, Cookies
from twofold.config import load
from twofold.features import FEATURES

SIGN_IN = "sign_in"
HTTP, _ = load({})
HTTPS = replace(HTTP, base_url="https://login.example.org")
HTTP_NAMES, HTTPS_NAMES = (CookieNames(config, FEATURES.cookies) for config in (HTTP, HTTPS))
NAME, SECURE_NAME = cookie_name(HTTP.base_url), cookie_name(HTTPS.base_url)


def cookies(*lines: str, secure: bool = False) -> Cookies:
    """Return the cookies of a request with these header lines."""
    return Cookies(HTTPS_NAMES if secure else HTTP_NAMES, [(b"cookie", line.encode("latin-1")) for line in lines])


def written(kept: Cookies) -> list[str]:
    """Return the Set-Cookie lines of an answer."""
    response = Response()
    kept.write(response)
    return [value for name, value in response.headers.items() if name == "set-cookie"]


def test_cookie_over_https_has_every_protective_attribute() -> None:
    """The cookie is `__Host-`, Secure, HttpOnly, SameSite, for the whole site and without a domain."""
    kept = cookies(secure=True)
    kept.set(SESSION, "token", 86400)
    assert written(kept) == [
        f"{SECURE_NAME}=token; HttpOnly; Max-Age=86400; Path=/; SameSite=lax; Secure",
    ]


def test_cookie_on_loopback_has_every_attribute_http_allows() -> None:
    """Over plain http it has no prefix, which browsers would refuse."""
    kept = cookies()
    kept.set(SIGN_IN, "token", 300)
    assert written(kept) == [
        f"{cookie_name(HTTP.base_url, 'sign_in')}=token; HttpOnly; Max-Age=300; Path=/; SameSite=lax"
    ]


@pytest.mark.parametrize(
    "name",
    [
        SECURE_NAME.removeprefix("__Host-"),
        SECURE_NAME.lower(),
        SECURE_NAME.replace("Host", "Secure"),
        "twofold_session",
        "session",
    ],
)
def test_cookie_without_the_host_prefix_is_ignored_over_https(name: str) -> None:
    """A sibling host could have set it."""
    assert cookies(f"{name}=token", secure=True).get(SESSION) is None


@pytest.mark.parametrize("blank", ["\x85", "\xa0", "\x0b", "\x0c", "\x1c", "\x1f"])
def test_only_http_whitespace_is_stripped_before_a_cookie_name(blank: str) -> None:
    """A browser does not treat such a name as prefixed, so another host of the domain could set it."""
    assert cookies(f"{blank}{SECURE_NAME}=theirs", secure=True).get(SESSION) is None
    both = cookies(f"{SECURE_NAME}=ours; {blank}{SECURE_NAME}=theirs", secure=True)
    assert both.get(SESSION) == "ours"


def test_cookies_are_parsed_from_several_header_lines() -> None:
    """HTTP/2 may split the header."""
    session, browser, sign_in = (cookie_name(HTTP.base_url, kind) for kind in ("session", "browser", "sign_in"))
    kept = cookies(f"theme=dark; {session}=one;{browser}=two", f"{sign_in}=three")
    assert (kept.get(SESSION), kept.get(BROWSER), kept.get(SIGN_IN)) == ("one", "two", "three")


def test_absent_cookie_is_not_deleted() -> None:
    """An answer sets no unnecessary cookie."""
    kept = cookies(f"{cookie_name(HTTP.base_url, 'sign_in')}=three")
    kept.drop(SIGN_IN)
    kept.drop(SESSION)
    [line] = written(kept)
    assert line.startswith(f'{cookie_name(HTTP.base_url, "sign_in")}=""; ')
    assert "Max-Age=0" in line


@pytest.mark.parametrize(
    "name", ["twofold_browser", cookie_name(HTTP.base_url, "browser"), "twofold_computer_0123abcd"]
)
def test_only_cookies_of_this_instance_require_an_origin_check(name: str) -> None:
    """Cookies of other applications and other instances on this host authenticate nothing here."""
    assert not cookies("theme=dark; session=x")
    assert not cookies(f"{cookie_name('http://127.0.0.1:9999')}=x")
    assert cookies(f"{name}=x")


@pytest.mark.parametrize("other", ["a=b", "twofold_computer_{:08x}=x", "twofold_session_{:08x}=x"])
@pytest.mark.parametrize("before", [64, 5000])
def test_cookie_is_found_behind_any_number_of_others(other: str, before: int) -> None:
    """Another host of the domain may set as many cookies as a browser keeps."""
    theirs = [other.format(number) for number in range(before)]
    assert cookies("; ".join([*theirs, f"{NAME}=token", *theirs])).get(SESSION) == "token"


def test_at_most_sixty_four_trusted_computer_cookies_are_read() -> None:
    """This bounds the cost of a request."""
    planted = cookies("; ".join(f"twofold_computer_{number:08x}={number}" for number in range(5000)))
    assert planted.get("computer_00000000") == "0"
    assert planted.get("computer_00001000") is None


# ------------------------------------------------------------------ names of earlier versions


def test_former_cookie_names_are_read_after_the_current_one() -> None:
    """Sessions remain valid after an upgrade."""
    assert cookies("twofold_session=old").get(SESSION) == "old"
    assert cookies(f"{NAME}=new; twofold_session=old").get(SESSION) == "new"


def test_session_and_browser_cookies_move_to_their_current_names() -> None:
    """Both get their current names, and the former ones are deleted."""
    kept = cookies("twofold_session=token; twofold_browser=mark")
    assert written(kept) == []
    kept.move_session(600)
    browser = cookie_name(HTTP.base_url, "browser")
    assert [line.partition("; HttpOnly; ")[::2] for line in written(kept)] == [
        (f"{NAME}=token", "Max-Age=600; Path=/; SameSite=lax"),
        ('twofold_session=""', "Max-Age=0; Path=/; SameSite=lax"),
        (f"{browser}=mark", "Max-Age=31536000; Path=/; SameSite=lax"),
        ('twofold_browser=""', "Max-Age=0; Path=/; SameSite=lax"),
    ]


def test_current_session_cookie_leaves_the_former_name_unchanged() -> None:
    """It belongs to another instance on this host that has not been upgraded."""
    kept = cookies(f"{NAME}=ours; twofold_session=theirs")
    kept.move_session(600)
    kept.set(SESSION, "next", 600)
    kept.drop(SIGN_IN)
    assert [line.partition(";")[0] for line in written(kept)] == [f"{NAME}=next"]


def test_sign_out_deletes_the_session_cookie_under_both_names() -> None:
    """This includes one that was renamed in the same answer."""
    moved = cookies("twofold_session=token")
    moved.move_session(600)
    moved.drop(SESSION)
    assert {line.partition(";")[0] for line in written(moved)} == {f'{NAME}=""', 'twofold_session=""'}


def test_former_cookie_name_of_a_half_open_sign_in_is_not_read() -> None:
    """It belongs to another instance on this host that has not been upgraded."""
    assert cookies("twofold_sign_in=theirs").get(SIGN_IN) is None


@pytest.mark.parametrize("name", [SESSION, BROWSER, SIGN_IN])
def test_unrecognized_former_cookie_is_left_unchanged(name: str) -> None:
    """Neither setting nor deleting a cookie changes it."""
    kept = cookies(f"twofold_{name}=theirs")
    kept.drop(name)
    assert written(kept) == []
    kept.set(name, "next", 600)
    assert [line.partition("=")[0] for line in written(kept)] == [cookie_name(HTTP.base_url, name)]


def test_only_cookies_of_this_instance_show_that_a_browser_keeps_them() -> None:
    """Cookies of other instances and of earlier versions do not count."""
    other = cookie_name("http://127.0.0.1:9999")
    assert not cookies(f"twofold_session=x; twofold_browser=x; twofold_computer_0123abcd=x; {other}=x").are_kept
    assert cookies(f"{cookie_name(HTTP.base_url, 'browser')}=x").are_kept


@given(line=st.binary(max_size=200))
def test_any_cookie_header_is_parsed(line: bytes) -> None:
    """Parsing never raises an error."""
    kept = Cookies(HTTP_NAMES, [(b"cookie", line)])
    assert kept.get(SESSION) is None or isinstance(kept.get(SESSION), str)
