"""A return address always leads to a page of this site."""

import itertools
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.web.returns import safe_return

HOME = "/settings"
BASES = (
    "https://login.example.org/sign-in",
    "https://login.example.org/account/sign-in/code",
    "http://127.0.0.1:8000/",
)

EVIL = "evil.example"
SLASHES = [
    "/",
    "\\",
    "//",
    "\\\\",
    "/\\",
    "\\/",
    "///",
    "\\\\\\",
    "/ /",
    "/\t/",
    "/\n/",
    "/\r/",
    "/\x00/",
    "／／",
    "⁄⁄",
]
SLASHES += ["%2f", "%2F%2F", "/%2f", "/%2F", "%5c", "/%5c", "/%5C%5C", "/%09/", "/%0a/", "/%0d/", "/%00/", "/%20/"]
SLASHES += ["/%252f", "/%255c", "/.//", "/..//", "/%2e//", "/%2e%2e//", "/./", "/../", "/..;//", "/;//", "/:/", "/?//"]
PREFIXES = ["", " ", "\t", "\n", "\x00", "\x01", "\x1f", "\u00a0", "\u2028", "\ufeff"]
SCHEMES = ["https:", "http:", "HTTPS:", "hTTp:", "javascript:", "JaVaScRiPt:", "java\tscript:", "data:", "vbscript:"]
SCHEMES += ["file:", "ftp:", "blob:", "mailto:", "ws:", "wss:", "intent:", "otpauth:", "about:", "view-source:", "//"]
TAILS = [
    "",
    "/",
    "//evil.example",
    "alert(1)",
    "evil.example",
    "//login.example.org@evil.example",
    "text/html,<script>",
]
PEOPLE = ["@evil.example", "//a:b@evil.example", "/\\@evil.example", "///login.example.org@evil.example"]
PEOPLE += [
    "https://login.example.org.evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
]
PEOPLE += ["//evil.example:443/", "//[::1]/", "//0x7f.1/", "//2130706433/", "//evil。example", "//xn--evl-zva.example"]
PEOPLE += [".evil.example", "evil.example", "sign-in", "?x=//evil.example", "#//evil.example", "/#@evil.example", "*"]
PEOPLE += ["/settings#x", "/settings\r\nLocation: https://evil.example", "/settings\nSet-Cookie: a=b", "/settings\x00"]
PEOPLE += ["/settings/../../evil", "/static/..%2f..%2fevil", "/settings;evil", "/" + "a" * 2_100, "/<script>", '/"><b>']
PEOPLE += [
    "/+//evil.example",
    "/;/evil.example",
    "/&//evil.example",
    "/%2b//evil.example",
    "//evil.example/+;&",
    "+//a@b",
]
PEOPLE += [
    "/settings+//evil.example",
    "/settings;url=//evil.example",
    "/settings,//evil.example",
    "/settings@evil.example",
]
PEOPLE += ["/?a=\r\nLocation:https://evil.example", "/?a=\\evil.example", '/?"onload=x', "/?a='x", "/?a=<b>", "/?a=`x`"]
PEOPLE += [
    "/?a={b}",
    "/?a=|b",
    "/?a=^b",
    "/?a=\u00e9",
    "/?a=b#//evil.example",
    "/?a b",
    "/?a\tb",
    "/?a=\x7f",
    "/:@evil.example",
]

HOSTILE = sorted(
    {prefix + slash + EVIL for prefix, slash in itertools.product(PREFIXES, SLASHES)}
    | {scheme + tail for scheme, tail in itertools.product(SCHEMES, TAILS)}
    | set(PEOPLE)
)


def landing(target: str, base: str) -> tuple[str, str]:
    """Return scheme and host as browsers resolve them: without tabs and line breaks, backslashes read as slashes."""
    seen = target.strip("".join(map(chr, range(33))))
    seen = seen.replace("\t", "").replace("\n", "").replace("\r", "").replace("\\", "/")
    parts = urlsplit(urljoin(base, seen))
    return parts.scheme, parts.netloc


def stays(target: str) -> bool:
    """Return whether the address stays on our host under every base path, even after extra decoding by a proxy."""
    spellings = (target, unquote(target), unquote(unquote(target)))
    homes = [(urlsplit(base).scheme, urlsplit(base).netloc) for base in BASES]
    return all(landing(each, base) == home for each in spellings for base, home in zip(BASES, homes, strict=True))


def test_hostile_return_addresses_are_many_and_hostile() -> None:
    """The list has more than two hundred, many of which a browser would follow to another site."""
    assert len(HOSTILE) >= 200
    assert sum(not stays(target) for target in HOSTILE) >= 100


@pytest.mark.parametrize("target", ["/..", "/../x", "/settings/../../x", "/./settings", "/settings/..", "/.", "/.x"])
def test_return_address_never_leads_upwards(target: str) -> None:
    """Under a base path, it would lead out of Twofold, to another application on the same host."""
    assert safe_return(target) == "/settings"


@pytest.mark.parametrize("target", HOSTILE, ids=ascii)
def test_hostile_return_address_is_never_followed(target: str) -> None:
    """Slashes, backslashes, tabs, user parts, encodings and other schemes lead to the settings at worst."""
    answered = safe_return(target)
    assert stays(answered)
    assert EVIL not in urlsplit(answered).netloc
    assert answered.isascii()
    assert answered.isprintable()


@given(target=st.text(max_size=40) | st.text("/\\.%2fF5cC:@?#&=\t\n ;e", max_size=12).map("/{}".format))
def test_any_return_address_leads_to_a_local_page(target: str) -> None:
    """The result is a path from the root, or the settings."""
    answered = safe_return(target)
    assert stays(answered)
    assert answered in (target, HOME)
    assert answered.startswith("/")
    assert not {".", ".."} & set(urlsplit(answered).path.split("/"))


@pytest.mark.parametrize(
    "target",
    [
        *[
            "/",
            "/settings",
            "/settings/activity",
            "/settings/activity?before=0c4k",
            "/authenticate?return_to=%2Fsettings",
        ],
        *["/settings/factors/0123456789abcdefghijklmnop/verify", "/settings?done=factor_added", f"/{'a' * 1_999}"],
        *["/authorize?scope=openid+email&state=a%2Bb;c&redirect_uri=https%3A%2F%2Fapp.example~"],
    ],
)
def test_local_return_address_is_followed_with_its_query(target: str) -> None:
    """The query may contain question marks."""
    assert safe_return(target) == target


@given(path=st.from_regex(r"/[a-z-]{1,20}(/[0-9a-v]{26})?", fullmatch=True), value=st.text(max_size=20))
def test_return_address_with_any_encoded_query_is_followed(path: str, value: str) -> None:
    """Return addresses that we write ourselves are accepted."""
    target = f"{path}?before={quote(value, safe='')}".replace("~", "%7E")
    assert safe_return(target) == target


@pytest.mark.parametrize("target", ["/api", "/api?x=1", "/api/v1/account/export", "/api/v1/docs?done=x"])
def test_return_address_never_leads_to_a_call(target: str) -> None:
    """A link to the sign-in must not end in a call: an export would be recorded and mailed about."""
    assert safe_return(target) == HOME
    assert safe_return(f"{target[:4]}s") == f"{target[:4]}s"


@pytest.mark.parametrize("target", ["", "settings", "/settings/", "/a//b", "/a/./b"])
def test_return_address_outside_this_site_leads_to_the_settings(target: str) -> None:
    """No error is shown."""
    assert safe_return(target) == HOME
