"""A request's client address is the peer's, or that of a trusted proxy's header; program names are never quoted."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.languages import Languages
from twofold.base.sightings import IGNORED_FORWARDING, NO_FORWARDING, UNREADABLE_FORWARDING
from twofold.base.unit_of_work import Caller
from twofold.base.web.peers import caller_of, forwarding_fault, program_name
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


def caller(peer: str | None, *headers: tuple[str, str], trusted: tuple[Network, ...] = PROXIES) -> Caller:
    """Return the Caller of a request with these headers."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return caller_of(
        {"type": "http", "client": (peer, 4711) if peer is not None else None, "headers": raw}, trusted, Languages()
    )


def fault(peer: str, *headers: tuple[str, str]) -> str | None:
    """Return what the operator sees about a request with these headers."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return forwarding_fault({"type": "http", "client": (peer, 4711), "headers": raw}, PROXIES)


def forwarded(value: str) -> tuple[str, str]:
    """Return the header that proxies write."""
    return ("x-forwarded-for", value)


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_forwarded_headers_from_an_untrusted_peer_are_ignored(name: str) -> None:
    """Only a trusted proxy can set the address of the client."""
    assert caller(PEER, (name, "10.1.1.1")).source == PEER
    assert caller(PEER, (name, "198.51.100.1"), trusted=()).source == PEER


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
def test_last_untrusted_hop_is_the_client(value: str, source: str) -> None:
    """Entries further left were written by the client."""
    assert caller("10.0.0.1", forwarded(value)).source == source


def test_repeated_forwarded_headers_are_one_list() -> None:
    """A proxy may add a line instead of an entry."""
    assert caller("10.0.0.1", forwarded("1.1.1.1"), forwarded("198.51.100.1")).source == "198.51.100.1"


@pytest.mark.parametrize(
    "value",
    ["", "unknown", "for=_hidden", "<b>", "10.1.1.1, 10.2.2.2", ",,,", "198.51.100.1%x", "198.51.100.1:x", "[::1]x"],
)
def test_malformed_forwarded_address_falls_back_to_the_proxy(value: str) -> None:
    """Only valid addresses are used."""
    assert caller("10.0.0.1", forwarded(value)).source == "10.0.0.1"


@pytest.mark.parametrize(
    "written, source",
    [
        ("198.51.100.1:51234", "198.51.100.1"),
        ("[2001:db8::9]:443", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("2001:DB8::9", "2001:db8::9"),
        ("2001:db8:0:0:0:0:0:9", "2001:db8::9"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:443", "fe80::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("::FFFF:C633:6401", "198.51.100.1"),
        ("[::ffff:198.51.100.1]:443", "198.51.100.1"),
        ('for="[2001:db8::9]:4711"', "2001:db8::9"),
        ("For=198.51.100.1;proto=https", "198.51.100.1"),
        ('"198.51.100.1"', "198.51.100.1"),
        ("198.51.100.1:51234, ::ffff:10.0.0.9, [fd00::5]:443", "198.51.100.1"),
    ],
)
def test_forwarded_address_is_parsed_in_every_spelling(written: str, source: str) -> None:
    """A client is the same source with or without a port, and trusted proxies are recognised in any spelling."""
    assert caller("10.0.0.1", forwarded(written)).source == source
    assert fault("10.0.0.1", forwarded(written)) is None


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "::ffff:a00:1", "::FFFF:10.0.0.1%eth0"])
def test_trusted_proxy_is_recognized_on_a_dual_stack_socket(peer: str) -> None:
    """A server that listens on :: sees IPv4 written as IPv6."""
    assert caller(peer, forwarded("198.51.100.1")).source == "198.51.100.1"
    assert caller(peer).source == "10.0.0.1"


def test_ipv4_mapped_client_is_the_same_source_as_ipv4() -> None:
    """Sessions, history and limits use one spelling."""
    assert caller("::ffff:203.0.113.7") == caller("203.0.113.7")


@pytest.mark.parametrize("address", ["64:ff9b::203.0.113.7", "64:ff9b::cb00:7107", "64:FF9B:0:0:0:0:203.0.113.7"])
def test_client_behind_nat64_is_its_own_source(address: str) -> None:
    """Otherwise all of IPv4 would be one /64, and one client could exhaust everyone's limits (RFC 6052)."""
    assert caller(address) == caller("203.0.113.7")
    assert caller("10.0.0.1", forwarded(f"[{address}]:443")).source == "203.0.113.7"


@pytest.mark.parametrize("address", ["64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::203.0.113.7"])
def test_no_private_address_is_read_out_of_nat64(address: str) -> None:
    """No spelling of an address makes a client a trusted proxy."""
    assert caller(address, forwarded("198.51.100.1")).source.startswith("64:ff9b:")


@pytest.mark.parametrize(
    "peer, headers, name",
    [
        (PEER, [forwarded("198.51.100.1")], IGNORED_FORWARDING),
        (PEER, [], None),
        ("10.0.0.1", [forwarded("198.51.100.1")], None),
        ("10.0.0.1", [forwarded("unknown")], UNREADABLE_FORWARDING),
        ("10.0.0.1", [forwarded("198.51.100.1, unknown")], UNREADABLE_FORWARDING),
        ("10.0.0.1", [], NO_FORWARDING),
        ("10.0.0.1", [forwarded(" , ")], NO_FORWARDING),
        ("10.0.0.1", [("forwarded", "for=198.51.100.1")], NO_FORWARDING),
        ("::ffff:10.0.0.1", [], NO_FORWARDING),
    ],
)
def test_proxy_that_hides_all_clients_is_reported(peer: str, headers: list[tuple[str, str]], name: str | None) -> None:
    """Otherwise limits would silently count all users together."""
    assert fault(peer, *headers) == name


def test_proxy_without_forwarded_headers_is_the_source() -> None:
    """No address is invented."""
    assert caller("10.0.0.1").source == "10.0.0.1"
    assert caller(None).source == ""


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
def test_ipv6_limits_count_by_network(source: str, network: str) -> None:
    """Its owner has 2^64 addresses (CVE-2021-22915)."""
    assert caller(source).source_network == network


@given(low=st.integers(0, 2**64 - 1))
def test_all_addresses_of_an_ipv6_network_are_one_source(low: int) -> None:
    """All of a /64 are one source."""
    words = ":".join(f"{low >> shift & 0xFFFF:x}" for shift in (48, 32, 16, 0))
    assert caller(f"2001:db8:0:1:{words}").source_network == "2001:db8:0:1::/64"


@given(peer=st.just(str(PROXIES[0][1])) | st.text(max_size=40) | st.ip_addresses().map(str), value=st.text(max_size=60))
def test_any_forwarded_header_yields_the_peer_or_an_address(peer: str, value: str) -> None:
    """Parsing never fails, and no free text from a client becomes a source."""
    source = caller(peer, forwarded(value.encode("utf-8", "replace").decode("latin-1"))).source
    assert source == caller(peer).source or set(source) <= set("0123456789abcdefABCDEF:.")


# ------------------------------------------------------------------ programs


@pytest.mark.parametrize("agent, name", AGENTS.items(), ids=AGENTS.values())
def test_common_programs_are_named(agent: str, name: str) -> None:
    """Common browsers, systems and programs get their usual names."""
    assert program_name(agent) == name


@given(agent=st.text(max_size=200))
def test_program_name_never_quotes_the_user_agent(agent: str) -> None:
    """The name is always one from our own list (H07)."""
    programs = "Edge Opera Firefox Samsung Internet Chrome Safari curl Python Browser Unknown program on"
    systems = "iPhone iPad Android ChromeOS Windows Mac Linux"
    assert set(program_name(agent).split()) <= {*programs.split(), *systems.split()}
