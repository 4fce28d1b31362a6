"""Variables injected by container platforms are distinguished from settings by name and value."""

import pytest

from twofold.config import ConfigError, load

KUBERNETES = {
    "TWOFOLD_SERVICE_HOST": "10.0.0.1",
    "TWOFOLD_SERVICE_PORT": "8000",
    "TWOFOLD_SERVICE_PORT_HTTP": "8000",
    "TWOFOLD_PORT": "tcp://10.0.0.1:8000",
    "TWOFOLD_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "TWOFOLD_PORT_8000_TCP_ADDR": "10.0.0.1",
    "TWOFOLD_PORT_8000_TCP_PORT": "8000",
    "TWOFOLD_PORT_8000_TCP_PROTO": "tcp",
}
NEIGHBOUR = {name.replace("TWOFOLD_", "TWOFOLD_POSTGRESQL_HL_"): value for name, value in KUBERNETES.items()}
UDP = {
    "TWOFOLD_DNS_PORT": "udp://10.0.0.3:53",
    "TWOFOLD_DNS_PORT_53_UDP": "udp://10.0.0.3:53",
    "TWOFOLD_DNS_PORT_53_UDP_PROTO": "udp",
}
SCTP = {
    name.replace("TWOFOLD_", "TWOFOLD_REDIS_").replace("TCP", "SCTP"): value.replace("tcp", "sctp")
    for name, value in KUBERNETES.items()
}
RANGE = {  # of a container that exposes a range of ports
    "TWOFOLD_DB_PORT": "udp://172.17.0.2:53",
    "TWOFOLD_DB_PORT_53_UDP_START": "udp://172.17.0.2:53",
    "TWOFOLD_DB_PORT_53_UDP_ADDR": "172.17.0.2",
    "TWOFOLD_DB_PORT_53_UDP_PROTO": "udp",
    "TWOFOLD_DB_PORT_53_UDP_PORT_START": "53",
    "TWOFOLD_DB_PORT_53_UDP_END": "udp://172.17.0.2:55",
    "TWOFOLD_DB_PORT_53_UDP_PORT_END": "55",
    "TWOFOLD_DB_PORT_54_UDP": "udp://172.17.0.2:54",
    "TWOFOLD_DB_NAME": "/twofold/db",
}
DOCKER = {
    "TWOFOLD_REDIS_PORT": "tcp://172.17.0.2:6379",
    "TWOFOLD_REDIS_NAME": "/twofold/redis",
    "TWOFOLD_REDIS_ENV_REDIS_VERSION": "7.2",
    "TWOFOLD_REDIS_ENV_SITE_NAME": "x",
    "TWOFOLD_NAME": "/web/twofold",
    "TWOFOLD_PORT": "tcp://172.17.0.3:8000",
    "TWOFOLD_ENV_PATH": "/bin",
}


@pytest.mark.parametrize(
    "environ",
    [KUBERNETES, NEIGHBOUR, UDP, SCTP, DOCKER, RANGE],
    ids=["own", "neighbour", "udp", "sctp", "link", "range"],
)
def test_variables_injected_by_a_platform_are_ignored(environ: dict[str, str]) -> None:
    """Those of a service named twofold, its database and its cache do not prevent startup."""
    config, places = load(environ)
    assert config == load({})[0]
    assert set(places.values()) == {"default"}


@pytest.mark.parametrize(
    "environ",
    [
        {"TWOFOLD_PORT": "8000"},
        {"TWOFOLD_PORT": "http://10.0.0.1"},
        {"TWOFOLD_HTTP_PORT": "8000"},
        {"TWOFOLD_REPORT": "tcp://10.0.0.1:1"},
        {"TWOFOLD_STIE_NAME": "Acme"},
        {"TWOFOLD_STIE_NAME": "/acme"},
        {"TWOFOLD_STIE_NAME": "Acme", "TWOFOLD_STIE_PORT": "tcp://10.0.0.1:1"},
        {"TWOFOLD_STIE_NAME": "/acme", "TWOFOLD_STIE_PORT_1_TCP": "tcp://10.0.0.1:1"},
        {"TWOFOLD_REDIS_PORT_6379_TCP_ADDR": "10.0.0.1"},
        {"TWOFOLD_REDIS_ENV_VERSION": "7", "TWOFOLD_MAIL_PORT": "tcp://10.0.0.1:1"},
        {"TWOFOLD_SERVICE_HOSTS": "10.0.0.1"},
        {"TWOFOLD_REDIS_PORT_6379_DCCP": "dccp://10.0.0.1:1"},
        {"TWOFOLD_REDIS_PORT_6379_SCTP": "10.0.0.1:1"},
        {"TWOFOLD_DB_PORT_53_UDP_START": "53"},
        {"TWOFOLD_DB_PORT_53_UDP_PORT_START": "53"},
        {"TWOFOLD_DB_PORT_START": "udp://10.0.0.1:53"},
    ],
    ids=str,
)
def test_misspelt_setting_that_looks_injected_is_reported(environ: dict[str, str]) -> None:
    """A misspelt setting is named in the error, whatever else is set."""
    with pytest.raises(ConfigError, match="is not a setting"):
        load(environ)


def test_known_setting_is_read_even_if_it_looks_injected() -> None:
    """Its name and value may have the form of an injected variable."""
    with pytest.raises(ConfigError, match="TWOFOLD_SITE_NAME must be"):
        load({"TWOFOLD_SITE_NAME": "/x/y", "TWOFOLD_SITE_PORT": "tcp://10.0.0.1:1"})
