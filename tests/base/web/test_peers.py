"""Who a request comes from is the peer, or what a trusted proxy says; a program is named, never quoted."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.acts import Origin
from twofold.base.languages import Languages
from twofold.base.web.peers import origin_of, program_name
from twofold.config import Network

PROXIES: tuple[Network, ...] = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
PEER = "203.0.113.7"
AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36": "Chrome on Windows",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0": "Edge on Windows",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 OPR/120.0": "Opera on Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15": "Safari on Mac",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1": "Safari on iPhone",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140.0 Mobile Safari/604.1": "Chrome on iPhone",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) FxiOS/140.0 Mobile Safari/605": "Firefox on iPhone",
    "Mozilla/5.0 (Linux; Android 15) SamsungBrowser/27.0 Chrome/125.0 Safari": "Samsung Internet on Android",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/140.0 Safari/537.36": "Chrome on ChromeOS",
    "curl/8.5.0": "curl",
    "python-httpx/0.28": "Python",
    "Mozilla/5.0 (X11; Linux x86_64) SomethingNew/1.0": "Browser on Linux",
    "": "Unknown program",
    "<script>alert(1)</script>\r\nX: y": "Unknown program",
}


def origin(peer: str | None, *headers: tuple[str, str], trusted: tuple[Network, ...] = PROXIES) -> Origin:
    """Where a request with these headers comes from."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return origin_of(
        {"type": "http", "client": (peer, 4711) if peer is not None else None, "headers": raw}, trusted, Languages()
    )


def forwarded(value: str) -> tuple[str, str]:
    """The header that proxies write."""
    return ("x-forwarded-for", value)


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_a_stranger_cannot_forge_an_address(name: str) -> None:
    """Headers from anybody but a trusted proxy are ignored."""
    assert origin(PEER, (name, "10.1.1.1")).source == PEER
    assert origin(PEER, (name, "198.51.100.1"), trusted=()).source == PEER


@pytest.mark.parametrize(
    "value, source",
    [
        ("198.51.100.1", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1, 10.2.2.2", "198.51.100.1"),
        ("2001:db8::7, fd00::5", "2001:db8::7"),
        (" 198.51.100.1 ", "198.51.100.1"),
    ],
)
def test_behind_trusted_proxies_the_last_untrusted_hop_is_the_client(value: str, source: str) -> None:
    """What stands further left was written by the client itself."""
    assert origin("10.0.0.1", forwarded(value)).source == source


def test_several_lines_are_read_as_one_list() -> None:
    """A proxy may add a line instead of a word."""
    assert origin("10.0.0.1", forwarded("1.1.1.1"), forwarded("198.51.100.1")).source == "198.51.100.1"


@pytest.mark.parametrize(
    "value", ["", "unknown", "198.51.100.1:443", "<b>", "10.1.1.1, 10.2.2.2", ",,,", "198.51.100.1%x", "::1%<b>"]
)
def test_what_a_proxy_garbles_counts_for_the_proxy(value: str) -> None:
    """No word that is not an address is ever taken for one."""
    assert origin("10.0.0.1", forwarded(value)).source == "10.0.0.1"


def test_a_proxy_that_says_nothing_is_the_source() -> None:
    """Nothing is made up."""
    assert origin("10.0.0.1").source == "10.0.0.1"
    assert origin(None).source == ""


@pytest.mark.parametrize(
    "source, network",
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "not an address"),
    ],
)
def test_limits_count_ipv6_by_its_network(source: str, network: str) -> None:
    """Its owner has 2^64 of them (CVE-2021-22915)."""
    assert origin(source).source_network == network


@given(low=st.integers(0, 2**64 - 1))
def test_no_address_of_a_network_is_counted_apart(low: int) -> None:
    """All of a /64 are one source."""
    words = ":".join(f"{low >> shift & 0xFFFF:x}" for shift in (48, 32, 16, 0))
    assert origin(f"2001:db8:0:1:{words}").source_network == "2001:db8:0:1::/64"


@given(peer=st.text(max_size=40) | st.ip_addresses().map(str), value=st.text(max_size=60))
def test_any_header_gives_the_peer_or_an_address(peer: str, value: str) -> None:
    """Nothing raises, and no free text of a client becomes a source."""
    source = origin(peer, forwarded(value.encode("utf-8", "replace").decode("latin-1"))).source
    assert source == peer.partition("%")[0] or set(source) <= set("0123456789abcdefABCDEF:.")


# ------------------------------------------------------------------ programs


@pytest.mark.parametrize("agent, name", AGENTS.items(), ids=AGENTS.values())
def test_usual_programs_are_named(agent: str, name: str) -> None:
    """As people call them."""
    assert program_name(agent) == name


@given(agent=st.text(max_size=200))
def test_no_program_is_quoted(agent: str) -> None:
    """Whatever is sent, the name is made of our own words (H07)."""
    programs = "Edge Opera Firefox Samsung Internet Chrome Safari curl Python Browser Unknown program on"
    systems = "iPhone iPad Android ChromeOS Windows Mac Linux"
    assert set(program_name(agent).split()) <= {*programs.split(), *systems.split()}
