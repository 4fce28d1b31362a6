"""Public address, database, proxies and keys: what is taken, and what is refused without being repeated."""

from base64 import urlsafe_b64encode
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.config import SecretKey, places
from twofold.config.units import Refused

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
def test_an_address_is_kept_in_one_form(text: str, url: str) -> None:
    """Case, default ports and a closing stroke do not make another origin."""
    assert places.base_url(text) == url


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
def test_an_unsound_address_is_refused(text: str) -> None:
    """Plain http off this machine, user names, queries and hosts that browsers read otherwise are refused."""
    with pytest.raises(Refused):
        places.base_url(text)


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=40).map("https://{}".format),
        st.text(max_size=40).map("http://{}".format),
    )
)
def test_any_address_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail otherwise, and what is read once stays as it is."""
    try:
        url = places.base_url(text)
    except Refused:
        return
    assert places.base_url(url) == url
    assert url.startswith("https://") or places.is_loopback(places.host_of(url))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes another parser fail otherwise."""
    parsers = (places.networks, places.secret_keys, places.countries, places.site_name)
    for parse in (*parsers, lambda given: places.database_url(f"postgresql://{given}"), places.database_url):
        try:
            parse(text)
        except Refused:
            continue


@pytest.mark.parametrize("text", ["login.example.org", "My Shop_2", "a"])
def test_a_site_name_survives_every_authenticator_app(text: str) -> None:
    """Letters, digits, dots, dashes, underscores and spaces pass."""
    assert places.site_name(text) == text


@pytest.mark.parametrize("text", ["", "a:b", "a&b", "a%b", "a?b", "a#b", "a/b", "a+b", "a=b", "a" * 65, "a\nb"])
def test_a_site_name_that_breaks_apps_is_refused(text: str) -> None:
    """Marks that an app decodes twice or takes for a separator are refused."""
    with pytest.raises(Refused):
        places.site_name(text)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "http://[::1]", "https://[2001:db8::1]", "https://login.example.org"]
)
def test_the_site_name_made_from_a_host_is_a_site_name(url: str) -> None:
    """Every address gives a name that apps take."""
    assert places.site_name(places.site_name_of(url)) == places.site_name_of(url)


def test_three_strokes_begin_a_path_from_here_and_four_from_the_root(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The path of the embedded database is fixed when it is read."""
    monkeypatch.chdir(tmp_path)
    assert places.database_url("sqlite:///data/x.db") == f"sqlite:///{tmp_path}/data/x.db"
    assert places.database_url("sqlite:////var/x.db") == "sqlite:////var/x.db"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://user:pa%23ss@host1,host2/db?target_session_attrs=read-write",
        "postgresql://host:5432/db",
        "postgresql://u@[::1]:5432/db",
        "postgresql:///db?host=/run/postgresql",
    ],
)
def test_a_postgresql_address_is_kept_as_it_is(text: str) -> None:
    """The driver reads it, several hosts and sockets included."""
    assert places.database_url(text) == text


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
def test_an_unusable_database_address_is_refused(text: str) -> None:
    """Other databases, missing names and unescaped passwords are refused."""
    with pytest.raises(Refused):
        places.database_url(text)


def test_a_shown_database_address_has_no_password() -> None:
    """Name, password and options stay hidden."""
    shown = places.write_database_url("postgresql://me:marker@host1,host2/db?password=marker")
    assert shown == "postgresql://host1,host2/db"


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "::/0", "10.0.0.0/8 ::/0", "::ffff:0:0/96", "10.0.0.1/8", "proxy", "10.0.0.0/33"]
)
def test_trusting_everybody_is_refused(text: str) -> None:
    """Networks that hold every address, or that are misspelt, are refused."""
    with pytest.raises(Refused):
        places.networks(text)


def test_proxies_are_networks() -> None:
    """Single addresses and networks of both families are read."""
    read = places.networks("10.0.0.0/8, 192.0.2.7 fd00::/8")
    assert read == (ip_network("10.0.0.0/8"), ip_network("192.0.2.7/32"), ip_network("fd00::/8"))


def test_secret_keys_come_newest_first_and_hide_themselves() -> None:
    """Keys unpack into name and bytes, and their repr shows only the name."""
    keys = places.secret_keys(f"b:{KEY} a:{KEY.rstrip('=')}")
    assert keys == (("b", bytes(range(32))), ("a", bytes(range(32))))
    assert repr(SecretKey("b", b"marker")) == "SecretKey('b')"


@pytest.mark.parametrize(
    "text", [KEY, f":{KEY}", f"a:{KEY[:-2]}", f"a:{KEY}A", f"a:{KEY} a:{KEY}", f"a:{'+' * 43}", "a:"]
)
def test_damaged_secret_keys_are_refused(text: str) -> None:
    """A key is 32 bytes in base64url under a name of its own; the refusal does not repeat it."""
    with pytest.raises(Refused) as refused:
        places.secret_keys(text)
    assert KEY[:8] not in str(refused.value)


@pytest.mark.parametrize("text", ["US,CA,GB", "US CA GB", "US, CA,GB"])
def test_countries_are_codes(text: str) -> None:
    """Commas and spaces both separate them."""
    assert places.countries(text) == ("US", "CA", "GB")


@pytest.mark.parametrize("text", ["us", "USA", "*,US", "", "U$"])
def test_what_is_no_country_code_is_refused(text: str) -> None:
    """Small letters, names and mixtures with the star are refused."""
    with pytest.raises(Refused):
        places.countries(text)
