"""Our cookies: named so that no other host can set them over https, and read whatever a client sends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from twofold.base.web.cookies import BROWSER, SESSION, SIGN_IN, Cookies
from twofold.config import load

HTTP, _ = load({})
HTTPS = replace(HTTP, base_url="https://login.example.org")


def cookies(*lines: str, secure: bool = False) -> Cookies:
    """The cookies of a request with these header lines."""
    return Cookies(HTTPS if secure else HTTP, [(b"cookie", line.encode("latin-1")) for line in lines])


def written(kept: Cookies) -> list[str]:
    """The lines that go out with an answer."""
    response = Response()
    kept.write(response)
    return [value for name, value in response.headers.items() if name == "set-cookie"]


def test_over_https_a_cookie_has_every_guard() -> None:
    """`__Host-`, Secure, HttpOnly, SameSite, the whole site, no domain (contract, section 5)."""
    kept = cookies(secure=True)
    kept.set(SESSION, "token", 86400)
    assert written(kept) == [
        "__Host-twofold_session=token; HttpOnly; Max-Age=86400; Path=/; SameSite=lax; Secure",
    ]


def test_on_loopback_a_cookie_has_every_guard_that_http_knows() -> None:
    """Plain http without the prefix, which browsers refuse there."""
    kept = cookies()
    kept.set(SIGN_IN, "token", 300)
    assert written(kept) == ["twofold_sign_in=token; HttpOnly; Max-Age=300; Path=/; SameSite=lax"]


@pytest.mark.parametrize("name", ["twofold_session", "__host-twofold_session", "__Secure-twofold_session", "session"])
def test_over_https_a_cookie_without_the_prefix_is_not_ours(name: str) -> None:
    """A neighbouring host could have set it."""
    assert cookies(f"{name}=token", secure=True).get(SESSION) is None


@pytest.mark.parametrize("blank", ["\x85", "\xa0", "\x0b", "\x0c", "\x1c", "\x1f"])
def test_over_https_a_blank_that_is_none_in_http_does_not_make_a_cookie_ours(blank: str) -> None:
    """To a browser that name has no prefix: a neighbouring host may set it, and it must not stand in for ours."""
    assert cookies(f"{blank}__Host-twofold_session=theirs", secure=True).get(SESSION) is None
    both = cookies(f"__Host-twofold_session=ours; {blank}__Host-twofold_session=theirs", secure=True)
    assert both.get(SESSION) == "ours"


def test_cookies_are_found_among_others_and_on_several_lines() -> None:
    """HTTP/2 may split the header."""
    kept = cookies("theme=dark; twofold_session=one;twofold_browser=two", "twofold_sign_in=three")
    assert (kept.get(SESSION), kept.get(BROWSER), kept.get(SIGN_IN)) == ("one", "two", "three")


def test_a_cookie_that_the_browser_does_not_have_is_not_taken_back() -> None:
    """An answer sets nothing without need."""
    kept = cookies("twofold_sign_in=three")
    kept.drop(SIGN_IN)
    kept.drop(SESSION)
    [line] = written(kept)
    assert line.startswith('twofold_sign_in=""; ')
    assert "Max-Age=0" in line


def test_only_our_cookies_make_a_request_one_that_needs_an_origin() -> None:
    """Others' cookies prove nobody."""
    assert not cookies("theme=dark; session=x")
    assert cookies("twofold_browser=x")


def test_thousands_of_cookies_are_not_looked_at() -> None:
    """A client may send what it likes; it costs us little."""
    assert cookies("; ".join([*["a=b"] * 5000, "twofold_session=token"])).get(SESSION) is None


@given(line=st.binary(max_size=200))
def test_any_header_is_read(line: bytes) -> None:
    """Nothing raises."""
    kept = Cookies(HTTP, [(b"cookie", line)])
    assert kept.get(SESSION) is None or isinstance(kept.get(SESSION), str)
