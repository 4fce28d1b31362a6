"""Base URL, database, proxies and keys: which values are accepted, and that errors do not repeat secrets."""

from base64 import urlsafe_b64encode
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.config import SecretKey, addresses, hosts, values
from twofold.config.hosts import is_loopback
from twofold.config.values import InvalidSetting

KEY = urlsafe_b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "text, url",
    [
        ("https://login.example.org", "https://login.example.org"),
        ("https://LOGIN.Example.org:443/", "https://login.example.org"),
        ("https://example.org:8443/account/", "https://example.org:8443/account"),
        ("https://example.org/a/b-c", "https://example.org/a/b-c"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://127.9.9.9:80", "http://127.9.9.9"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://intranet", "https://intranet"),
    ],
)
def test_base_url_is_normalized(text: str, url: str) -> None:
    """Case, default ports and a trailing slash do not change the origin."""
    assert addresses.base_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "login.example.org",
            "ftp://example.org",
            "https://",
            "https:example.org",
            "https:///path",
            "//example.org",
        ],
        *["http://example.org", "http://localhost.example.org", "http://128.0.0.1", "http://[::2]", "http://0.0.0.0"],
        *["https://user@example.org", "https://user:pass@example.org", "https://@example.org"],
        *["https://example.org?x=1", "https://example.org/?", "https://example.org#x", "https://example.org/#"],
        *["https://example.org:0", "https://example.org:65536", "https://example.org:x"],
        *["https://example.org/../a", "https://example.org/a//b", "https://example.org/%41", "https://example.org/a b"],
        *[
            "https://exa mple.org",
            "https://-a.org",
            "https://a..org",
            "https://a.org.",
            "https://127.1",
            "https://1.2.3.256",
        ],
        *[
            "https://[::1",
            "https://[fe80::1%25eth0]",
            "https://example.org\\@evil.org",
            "https://exämple.org",
            "https://a[::1]",
            "https://a.org:08",
        ],
    ],
)
def test_unsafe_base_url_is_refused(text: str) -> None:
    """Plain http to other machines, user names, queries and hosts that browsers parse differently are refused."""
    with pytest.raises(InvalidSetting):
        addresses.base_url(text)


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=40).map("https://{}".format),
        st.text(max_size=40).map("http://{}".format),
    )
)
def test_any_base_url_is_parsed_or_refused(text: str) -> None:
    """Any other error is a bug, and parsing the result again changes nothing."""
    try:
        url = addresses.base_url(text)
    except InvalidSetting:
        return
    assert addresses.base_url(url) == url
    assert url.startswith("https://") or is_loopback(hosts.host_of(url))


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused_by_every_parser_of_addresses(text: str) -> None:
    """Any other error is a bug."""
    parsers = (addresses.networks, values.secret_keys, values.countries, values.site_name)
    for parse in (*parsers, lambda given: addresses.database_url(f"postgresql://{given}"), addresses.database_url):
        try:
            parse(text)
        except InvalidSetting:
            continue


@pytest.mark.parametrize("text", ["login.example.org", "My Shop_2", "a"])
def test_site_name_safe_for_every_authenticator_app_is_accepted(text: str) -> None:
    """Letters, digits, dots, dashes, underscores and spaces are allowed."""
    assert values.site_name(text) == text


@pytest.mark.parametrize("text", ["", "a:b", "a&b", "a%b", "a?b", "a#b", "a/b", "a+b", "a=b", "a" * 65, "a\nb"])
def test_site_name_that_breaks_an_authenticator_app_is_refused(text: str) -> None:
    """Characters that an app decodes twice or treats as a separator are refused."""
    with pytest.raises(InvalidSetting):
        values.site_name(text)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "http://[::1]", "https://[2001:db8::1]", "https://login.example.org"]
)
def test_site_name_derived_from_any_host_is_valid(url: str) -> None:
    """Every base URL yields a name that authenticator apps accept."""
    assert values.site_name(hosts.site_name_of(url)) == hosts.site_name_of(url)


def test_sqlite_url_with_three_slashes_is_relative_and_with_four_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The path of the embedded database is resolved when settings are read."""
    monkeypatch.chdir(tmp_path)
    assert addresses.database_url("sqlite:///data/x.db") == f"sqlite:///{tmp_path}/data/x.db"
    assert addresses.database_url("sqlite:////var/x.db") == "sqlite:////var/x.db"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://user:pa%23ss@host1,host2/db?target_session_attrs=read-write",
        "postgresql://host:5432/db",
        "postgresql://u@[::1]:5432/db",
        "postgresql:///db?host=/run/postgresql",
    ],
)
def test_postgresql_url_is_kept_unchanged(text: str) -> None:
    """The driver parses it, including several hosts and sockets."""
    assert addresses.database_url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "mysql://host/db",
            "sqlite://",
            "sqlite:///",
            "sqlite://x.db",
            "sqlite:///:memory:",
            "sqlite:///a.db?x=1",
        ],
        *[
            "postgresql://",
            "postgresql://host",
            "postgresql:///db",
            "postgresql://host:x/db",
            "postgresql://h:70000/db",
        ],
        *["postgresql://u:p#x@host/db", "postgresql://u:p/x@host/db", "postgresql:host/db"],
        *["postgresql://host/db?sslmode=bogus", "postgresql://host/db?target_session_attrs="],
        "postgresql://host/db?statement_cache_size=100",
    ],
)
def test_unusable_database_url_is_refused(text: str) -> None:
    """Other databases, missing names and unescaped passwords are refused."""
    with pytest.raises(InvalidSetting):
        addresses.database_url(text)


def test_displayed_database_url_contains_no_password() -> None:
    """User name, password and options are hidden."""
    shown = addresses.write_database_url("postgresql://me:marker@host1,host2/db?password=marker")
    assert shown == "postgresql://host1,host2/db"


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "::/0", "10.0.0.0/8 ::/0", "::ffff:0:0/96", "10.0.0.1/8", "proxy", "10.0.0.0/33"]
)
def test_trusting_every_address_as_a_proxy_is_refused(text: str) -> None:
    """Networks that contain every address, or that are malformed, are refused."""
    with pytest.raises(InvalidSetting):
        addresses.networks(text)


def test_trusted_proxies_are_addresses_or_networks() -> None:
    """Single addresses and networks, IPv4 and IPv6, are accepted."""
    read = addresses.networks("10.0.0.0/8, 192.0.2.7 fd00::/8")
    assert read == (ip_network("10.0.0.0/8"), ip_network("192.0.2.7/32"), ip_network("fd00::/8"))


def test_secret_keys_are_newest_first_and_hidden_in_repr() -> None:
    """A key consists of a name and bytes, and its repr shows only the name."""
    keys = values.secret_keys(f"b:{KEY} a:{KEY.rstrip('=')}")
    assert keys == (("b", bytes(range(32))), ("a", bytes(range(32))))
    assert repr(SecretKey("b", b"marker")) == "SecretKey('b')"


@pytest.mark.parametrize(
    "text", [KEY, f":{KEY}", f"a:{KEY[:-2]}", f"a:{KEY}A", f"a:{KEY} a:{KEY}", f"a:{'+' * 43}", "a:"]
)
def test_malformed_secret_keys_are_refused(text: str) -> None:
    """A key has a unique name and 32 bytes in base64url; the error does not repeat it."""
    with pytest.raises(InvalidSetting) as refused:
        values.secret_keys(text)
    assert KEY[:8] not in str(refused.value)


@pytest.mark.parametrize("text", ["US,CA,GB", "US CA GB", "US, CA,GB"])
def test_countries_are_separated_by_commas_or_spaces(text: str) -> None:
    """Both separators are accepted."""
    assert values.countries(text) == ("US", "CA", "GB")


@pytest.mark.parametrize("text", ["us", "USA", "*,US", "", "U$"])
def test_malformed_country_code_is_refused(text: str) -> None:
    """Lower-case letters, names and a star among codes are refused."""
    with pytest.raises(InvalidSetting):
        values.countries(text)
