"""The recipes of docs/doors, adapted to ports, certificates and names of the tests, and how each proxy is started."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.programs import missing

DOCUMENTS = Path(__file__).parents[2] / "docs" / "doors"
APACHE_MODULES = "/usr/lib/apache2/modules"
APACHE_NEEDS = ("mpm_event", "authz_core", "lua", "proxy", "proxy_http", "socache_shmcb", "ssl")
APPLICATION, TWOFOLD = "app.example.org", "auth.example.org"


class Place(NamedTuple):
    """What a recipe is adapted to: the ports, the certificate, and all hosts of applications."""

    folder: Path
    public: Path  # also readable by the user as whom Apache serves
    certificate: Path
    port: int
    twofold: int
    application: int
    hosts: Sequence[str]


class Recipe(NamedTuple):
    """How a proxy is started: its program, its document, and what surrounds the block there."""

    program: str
    write: Callable[[Place], Path]
    command: Callable[[str, Place, Path], list[str]]
    listens_early: bool = False  # before it has read its routes


def block(document: str, language: str, number: int = 0) -> str:
    """Return a block of code from a document below docs/doors."""
    text = (DOCUMENTS / document).read_text("utf-8")
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return found[number]


def adapt(text: str, replacements: Mapping[str, str]) -> str:
    """Return a block with other ports, certificates and names. Raise AssertionError if one is not in it."""
    for old, new in replacements.items():
        assert old in text, f"the recipe no longer contains {old!r}"
        text = text.replace(old, new)
    return text


def _write_nginx(place: Place) -> Path:
    recipe = adapt(
        block("nginx.md", "nginx"),
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{place.port} ssl;",
            "/etc/ssl/example.org.pem": str(place.certificate),
            "/etc/ssl/example.org.key": str(place.certificate),
            f"server_name {APPLICATION};": f"server_name {' '.join(place.hosts)};",
            "127.0.0.1:8000": f"127.0.0.1:{place.twofold}",
            "127.0.0.1:8001": f"127.0.0.1:{place.application}",
        },
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {place.folder}/{kind};\n" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    settings = place.folder / "nginx.conf"
    settings.write_text(
        f"{user}\ndaemon off;\npid {place.folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n"
        f"server_names_hash_bucket_size 128;\n{temporary}{recipe}}}\n"
    )
    return settings


def _write_caddy(place: Place) -> Path:
    tls = f"\ttls {place.certificate} {place.certificate}\n"
    recipe = adapt(
        block("caddy.md", "caddy"),
        {
            f"{TWOFOLD} {{\n": f"{TWOFOLD} {{\n{tls}",
            f"{APPLICATION} {{\n": f"{', '.join(place.hosts)} {{\n{tls}",
            "127.0.0.1:8000": f"127.0.0.1:{place.twofold}",
            "127.0.0.1:8001": f"127.0.0.1:{place.application}",
        },
    )
    options = f"admin off\n\thttps_port {place.port}\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1"
    settings = place.folder / "Caddyfile"
    settings.write_text(f"{{\n\t{options}\n}}\n{recipe}")
    return settings


def _write_haproxy(place: Place) -> Path:
    script = place.folder / "twofold.lua"
    script.write_text(adapt(block("haproxy.md", "lua"), {"127.0.0.1:8000": f"127.0.0.1:{place.twofold}"}))
    recipe = adapt(
        block("haproxy.md", "haproxy"),
        {
            "/etc/haproxy/twofold.lua": str(script),
            "/etc/haproxy/example.org.pem": str(place.certificate),
            "bind :443": f"bind 127.0.0.1:{place.port}",
            APPLICATION: " ".join(place.hosts),
            "127.0.0.1:8000": f"127.0.0.1:{place.twofold}",
            "127.0.0.1:8001": f"127.0.0.1:{place.application}",
        },
    )
    settings = place.folder / "haproxy.cfg"
    settings.write_text(recipe)
    return settings


def _write_envoy(place: Place) -> Path:
    recipe = adapt(
        block("envoy.md", "yaml"),
        {
            "/etc/envoy/example.org.pem": str(place.certificate),
            "/etc/envoy/example.org.key": str(place.certificate),
            "address: 0.0.0.0, port_value: 443": f"address: 127.0.0.1, port_value: {place.port}",
            APPLICATION: ", ".join(place.hosts),
            "http://127.0.0.1:8000": f"http://127.0.0.1:{place.twofold}",
            "port_value: 8000": f"port_value: {place.twofold}",
            "port_value: 8001": f"port_value: {place.application}",
        },
    )
    settings = place.folder / "envoy.yaml"
    settings.write_text(recipe)
    return settings


def _write_apache(place: Place) -> Path:
    lua_socket()
    script = place.public / "twofold.lua"
    script.write_text(adapt(block("apache.md", "lua"), {"127.0.0.1:8000": f"127.0.0.1:{place.twofold}"}))
    recipe = adapt(
        block("apache.md", "apache"),
        {
            "/etc/apache2/twofold.lua": str(script),
            "/etc/ssl/example.org.pem": str(place.certificate),
            "/etc/ssl/example.org.key": str(place.certificate),
            "*:443": f"127.0.0.1:{place.port}",
            f"ServerName {APPLICATION}": f"ServerName {place.hosts[0]}\nServerAlias {' '.join(place.hosts[1:])}",
            "127.0.0.1:8000": f"127.0.0.1:{place.twofold}",
            "127.0.0.1:8001": f"127.0.0.1:{place.application}",
        },
    )
    user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""  # Apache refuses to serve as root
    modules = "".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n" for name in APACHE_NEEDS)
    settings = place.folder / "apache.conf"
    settings.write_text(
        f"{modules}{user}ServerRoot {place.folder}\nServerName localhost\nPidFile {place.folder}/pid\n"
        f"Listen 127.0.0.1:{place.port}\nErrorLog {place.folder}/log\nStartServers 1\n{recipe}"
    )
    return settings


def _write_traefik(place: Place) -> Path:
    routes = " || ".join(f"Host(`{host}`)" for host in place.hosts)
    dynamic = place.folder / "dynamic.yml"
    dynamic.write_text(
        adapt(
            block("traefik.md", "yaml", 1),
            {
                "/etc/traefik/example.org.pem": str(place.certificate),
                "/etc/traefik/example.org.key": str(place.certificate),
                f"app: {{rule: Host(`{APPLICATION}`)": f"app: {{rule: '{routes}'",
                "http://127.0.0.1:8000": f"http://127.0.0.1:{place.twofold}",
                "http://127.0.0.1:8001": f"http://127.0.0.1:{place.application}",
            },
        )
    )
    recipe = adapt(
        block("traefik.md", "yaml"),
        {
            "/etc/traefik/dynamic.yml": str(dynamic),
            "address: :443": f"address: 127.0.0.1:{place.port}",
            "providers:\n": "providers:\n  providersThrottleDuration: 50ms\n",  # it waits as long before it is ready
        },
    )
    settings = place.folder / "traefik.yml"
    settings.write_text(f"{recipe}global:\n  checkNewVersion: false\n")
    return settings


def lua_socket() -> None:
    """Skip the test if the library that Apache's recipe needs is not installed."""
    if not Path("/usr/share/lua/5.3/socket/http.lua").exists():
        missing("lua-socket is not installed (Debian package lua-socket)")


RECIPES: Mapping[str, Recipe] = {
    "nginx": Recipe(
        "nginx",
        _write_nginx,
        lambda program, place, settings: [program, "-p", str(place.folder), "-e", "stderr", "-c", str(settings)],
    ),
    "caddy": Recipe(
        "caddy",
        _write_caddy,
        lambda program, _place, settings: [program, "run", "--adapter", "caddyfile", "--config", str(settings)],
    ),
    "apache": Recipe(
        "apache2",
        _write_apache,
        lambda program, _place, settings: [program, "-DFOREGROUND", "-f", str(settings)],
    ),
    "haproxy": Recipe("haproxy", _write_haproxy, lambda program, _place, settings: [program, "-f", str(settings)]),
    "envoy": Recipe(
        "envoy",
        _write_envoy,
        lambda program, _place, settings: [program, "--disable-hot-restart", "--concurrency", "1", "-c", str(settings)],
    ),
    "traefik": Recipe(
        "traefik",
        _write_traefik,
        lambda program, _place, settings: [program, f"--configFile={settings}"],
        listens_early=True,
    ),
}
