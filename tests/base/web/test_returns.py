"""Where a page sends a browser on to is a page of ours, whatever was asked for."""

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
PEOPLE += ["/settings/../../evil", "/static/..%2f..%2fevil", "/settings;evil", "/" + "a" * 600, "/<script>", '/"><b>']

HOSTILE = sorted(
    {prefix + slash + EVIL for prefix, slash in itertools.product(PREFIXES, SLASHES)}
    | {scheme + tail for scheme, tail in itertools.product(SCHEMES, TAILS)}
    | set(PEOPLE)
)


def landing(target: str, base: str) -> tuple[str, str]:
    """Scheme and host where a browser lands: it drops tabs and line ends, and takes a backslash for a slash."""
    seen = target.strip("".join(map(chr, range(33))))
    seen = seen.replace("\t", "").replace("\n", "").replace("\r", "").replace("\\", "/")
    parts = urlsplit(urljoin(base, seen))
    return parts.scheme, parts.netloc


def stays(target: str) -> bool:
    """True if no base, and no proxy that decodes once more or twice, is led to another host."""
    spellings = (target, unquote(target), unquote(unquote(target)))
    homes = [(urlsplit(base).scheme, urlsplit(base).netloc) for base in BASES]
    return all(landing(each, base) == home for each in spellings for base, home in zip(BASES, homes, strict=True))


def test_there_are_enough_hostile_targets_and_they_are_hostile() -> None:
    """More than two hundred, many of which a browser would follow out."""
    assert len(HOSTILE) >= 200
    assert sum(not stays(target) for target in HOSTILE) >= 100


@pytest.mark.parametrize("target", HOSTILE, ids=ascii)
def test_no_hostile_target_is_followed(target: str) -> None:
    """Slashes, backslashes, tabs, user parts, encodings, other schemes: at worst they lead to the settings."""
    answered = safe_return(target)
    assert stays(answered)
    assert EVIL not in urlsplit(answered).netloc
    assert answered.isascii()
    assert answered.isprintable()


@given(target=st.text(max_size=40) | st.text("/\\.%2fF5cC:@?#&=\t\n ;e", max_size=12).map("/{}".format))
def test_any_text_leads_to_a_page_of_ours(target: str) -> None:
    """The answer is one path from the root, or the settings."""
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
        *["/settings/factors/0123456789abcdefghijklmnop/verify", "/settings?done=factor_added", f"/{'a' * 511}"],
    ],
)
def test_our_own_pages_are_returned_to(target: str) -> None:
    """With their question marks."""
    assert safe_return(target) == target


@given(path=st.from_regex(r"/[a-z-]{1,20}(/[0-9a-v]{26})?", fullmatch=True), value=st.text(max_size=20))
def test_a_page_with_any_encoded_value_is_returned_to(path: str, value: str) -> None:
    """What we write ourselves is never refused."""
    target = f"{path}?before={quote(value, safe='')}".replace("~", "%7E")
    assert safe_return(target) == target


@pytest.mark.parametrize("target", ["", "settings", "/settings/", "/a//b", "/a/./b"])
def test_what_is_none_of_our_paths_leads_to_the_settings(target: str) -> None:
    """Without a fault told: a page was asked for, and a page is shown."""
    assert safe_return(target) == HOME
