"""Only names and addresses of this machine are loopback hosts."""

import pytest

from twofold.config import Config
from twofold.config.hosts import is_loopback


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "a.b.localhost", "127.0.0.1", "127.255.255.254", "::1"])
def test_hosts_of_this_machine_are_loopback(host: str) -> None:
    """`localhost` and its subdomains (RFC 6761 6.3), 127.0.0.0/8 and ::1."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "localhost.example.org", "notlocalhost", "localhost.", "128.0.0.1", "10.0.0.1", "::", "::2", "fe80::1"],
)
def test_other_hosts_are_not_loopback(host: str) -> None:
    """This covers similar names and the addresses that mean every interface."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "base_url, registration",
    [
        ("http://localhost:8000", "open"),
        ("http://app.localhost:8000", "open"),
        ("http://127.0.0.2:8000/account", "open"),
        ("http://[::1]:8000", "open"),
        ("https://localhost", "open"),
        ("https://login.example.org", "invite"),
        ("https://192.0.2.7", "invite"),
    ],
)
def test_anyone_may_sign_up_only_on_loopback_unless_the_setting_says_so(base_url: str, registration: str) -> None:
    """Strangers who can reach a service cannot create accounts by default."""
    assert Config.from_env({"TWOFOLD_BASE_URL": base_url}).registration == registration
    for written in ("open", "invite", "closed"):
        given = {"TWOFOLD_BASE_URL": base_url, "TWOFOLD_REGISTRATION": written}
        assert Config.from_env(given).registration == written


@pytest.mark.parametrize(
    "base_url, origins",
    [
        ("http://localhost:8000", {"http://127.0.0.1:8000", "http://[::1]:8000"}),
        ("http://localhost/account", {"http://127.0.0.1", "http://[::1]"}),
        ("http://app.localhost:8000", set()),
        ("http://127.0.0.1:8000", set()),
        ("https://localhost", set()),
        ("https://localhost.example.org", set()),
    ],
)
def test_localhost_has_two_numeric_origins(base_url: str, origins: set[str]) -> None:
    """They have the port of the base URL; other base URLs have no such origins."""
    assert Config.from_env({"TWOFOLD_BASE_URL": base_url}).numeric_origins == origins
