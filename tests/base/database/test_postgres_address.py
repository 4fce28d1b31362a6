"""PostgreSQL is found by its URL alone, regardless of environment and HOME, and TLS is the default."""

import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.config.test_addresses import KEY
from tests.support.cluster import Cluster
from tests.support.programs import missing
from twofold.base.database.postgres_tls import tls_of
from twofold.config.addresses import database_url
from twofold.config.postgres import PostgresUrl
from twofold.config.values import InvalidSetting

STRAY = {
    "PGHOST": "192.0.2.1",
    "PGPORT": "1",
    "PGUSER": "stranger",
    "PGPASSWORD": "wrong",
    "PGDATABASE": "other",
    "PGSSLMODE": "bogus",
    "PGSSLROOTCERT": "/nowhere",
    "PGSSLCERT": "/nowhere",
    "PGSSLKEY": "/nowhere",
    "PGSSLNEGOTIATION": "bogus",
    "PGSSLMINPROTOCOLVERSION": "bogus",
    "PGTARGETSESSIONATTRS": "bogus",
    "PGGSSLIB": "bogus",
    "PGSERVICE": "x",
    "PGSERVICEFILE": "/nowhere",
    "PGPASSFILE": "/nowhere",
    "HTTPS_PROXY": "http://192.0.2.1:1",
    "ALL_PROXY": "socks5://192.0.2.1:1",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Yield a server of PostgreSQL."""
    with Cluster() as running:
        yield running


def twofold(
    url: str, folder: Path, command: str = "migrate", environ: Mapping[str, str] | None = None, *launcher: str
) -> tuple[int, str]:
    """Run a command on a database, and return its exit status and output."""
    given = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "TWOFOLD_DATA_DIR": str(folder / "data"),
        "TWOFOLD_SECRET_KEYS": f"k1:{KEY}",
        "TWOFOLD_DATABASE_URL": url,
        **(environ or {}),
    }
    line = [*launcher, sys.executable, "-m", "twofold", command]
    ran = subprocess.run(line, env=given, cwd=folder, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture
def nameless() -> tuple[str, ...]:
    """Return a launcher for a process whose user has a number but no name, and no root privileges."""
    launcher = ("unshare", "--user", "--map-user=12345", "--map-group=12345")
    if subprocess.run([*launcher, "true"], capture_output=True, check=False).returncode:
        missing("this machine makes no user namespaces")
    return launcher


def test_libpq_variables_are_ignored(cluster: Cluster, tmp_path: Path) -> None:
    """Variables set for other programs have no effect."""
    home = tmp_path / "home"
    (home / ".postgresql").mkdir(parents=True)
    for name in ("root.crt", "postgresql.crt", "postgresql.key"):
        (home / ".postgresql" / name).write_text("not a certificate")
    (home / ".pgpass").write_text("*:*:*:*:wrong")
    status, said = twofold(cluster.database(), tmp_path, "migrate", {**STRAY, "HOME": str(home)})
    assert status == 0, said


@pytest.mark.parametrize("options", ["", "?sslmode=prefer"])
def test_inaccessible_home_directory_is_ignored(
    options: str, cluster: Cluster, tmp_path: Path, nameless: tuple[str, ...]
) -> None:
    """Container images with their own user often keep the HOME of root."""
    home = tmp_path / "home"
    home.mkdir(mode=0o000)
    status, said = twofold(cluster.database() + options, tmp_path, "migrate", {"HOME": str(home)}, *nameless)
    assert status == 0, said


@pytest.mark.parametrize("command", ["migrate", "doctor"])
def test_missing_user_name_is_a_one_line_error(
    command: str, cluster: Cluster, tmp_path: Path, nameless: tuple[str, ...]
) -> None:
    """This is the case if the URL names no user either."""
    url = re.sub("//.*@", "//", cluster.database())
    status, said = twofold(url, tmp_path, command, {}, *nameless)
    assert status == 1
    assert "names no user, and this process has none: use postgresql://user@host/database." in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "url, expected",
    [
        ("postgresql://u@/db?host=/nowhere/there", "at /nowhere/there cannot be used"),
        ("postgresql://u@127.0.0.1:1/db", "at 127.0.0.1:1 cannot be used"),
        ("postgresql://u@[::1]:1/db", "at [::1]:1 cannot be used"),
    ],
)
def test_unreachable_server_is_named_in_the_error(url: str, expected: str, tmp_path: Path) -> None:
    """This includes a server behind a socket."""
    status, said = twofold(url, tmp_path)
    assert (status, expected in said, "Traceback" in said) == (1, True, False), said


# ------------------------------------------------------------------ TLS


@pytest.mark.parametrize(
    "rest, mode",
    [
        ("u@127.0.0.1/db", "disable"),
        ("u@[::1],localhost/db", "disable"),
        ("u@/db?host=/run/postgresql", "disable"),
        ("u@%2Frun%2Fpostgresql/db", "disable"),
        ("u@db.example.org/db", "verify-full"),
        ("u@127.0.0.1,db.example.org/db", "verify-full"),
        ("u@/db?host=10.0.0.7", "verify-full"),
        ("u@db.example.org/db?sslmode=disable", "disable"),
        ("u@db.example.org/db?sslmode=prefer", "prefer"),
        ("u@127.0.0.1/db?sslmode=verify-full", "verify-full"),
    ],
)
def test_remote_postgres_requires_tls_unless_disabled_in_the_url(rest: str, mode: str) -> None:
    """Hashes and sealed keys cross a network unencrypted only if the operator says so."""
    assert PostgresUrl.of(f"postgresql://{rest}").sslmode == mode


@pytest.mark.parametrize(
    "mode, tried",
    [
        ("verify-full", [(ssl.CERT_REQUIRED, True)]),
        ("verify-ca", [(ssl.CERT_REQUIRED, False)]),
        ("require", [(ssl.CERT_NONE, False)]),
        ("prefer", [(ssl.CERT_NONE, False), None]),
        ("allow", [None, (ssl.CERT_NONE, False)]),
        ("disable", [None]),
        ("require&sslrootcert=system", [(ssl.CERT_REQUIRED, True)]),
    ],
)
def test_each_sslmode_checks_the_certificate_as_in_libpq(
    mode: str, tried: list[tuple[ssl.VerifyMode, bool] | None]
) -> None:
    """Each sslmode behaves as in libpq."""
    url = PostgresUrl.of(f"postgresql://u@db.example.org/db?sslmode={mode}")
    found = [
        (tls.verify_mode, tls.check_hostname) if isinstance(tls, ssl.SSLContext) else None
        for tls in tls_of(url, url.servers[0])
    ]
    assert found == tried


@pytest.mark.parametrize("mode, status", [("verify-full", 1), ("require", 1), ("prefer", 0), ("allow", 0), ("", 0)])
def test_server_without_tls_is_refused_where_tls_is_required(
    mode: str, status: int, cluster: Cluster, tmp_path: Path
) -> None:
    """The error says what to do."""
    found, said = twofold(f"{cluster.database()}?{f'sslmode={mode}' if mode else ''}", tmp_path)
    assert found == status, said
    if status:
        assert "it does not support TLS." in said
        assert "?sslmode=disable" in said


# ------------------------------------------------------------------ what `config check` knows


@pytest.mark.parametrize(
    "rest, expected",
    [
        ("u@h/db?sslmode=require&channel_binding=require", "unknown option, channel_binding"),
        ("u@h/db?SSLMODE=require", "unknown option, after its ?"),
        ("u@h/db?passfile=/x", "unknown option, passfile"),
        ("u:p[ss@h/db", "write %5B for ["),
        ("u:p]ss@h/db", "write %5B for ["),
        ("u@h/db?sslrootcert=/nowhere/ca.pem", "names an sslrootcert that is not a readable PEM file"),
        ("u@h/db?sslkey=/nowhere/key.pem", "names an sslkey that is not a readable PEM file"),
        ("u@h/db?port=x", "must name hosts"),
        ("u@/db?host=", "must name hosts"),
        ("u@h,/db", "must name hosts"),
    ],
)
def test_invalid_postgresql_url_is_refused_when_settings_are_read(rest: str, expected: str) -> None:
    """`config check` reports it, not the first connection."""
    with pytest.raises(InvalidSetting) as refused:
        database_url(f"postgresql://{rest}")
    assert expected in str(refused.value)
    assert "p[ss" not in str(refused.value)


def test_every_part_of_a_postgresql_url_is_parsed() -> None:
    """This covers percent-encoding, brackets, several hosts and ports."""
    url = PostgresUrl.of("postgresql://me%40x:p%5Bss%25@[2001:db8::1]:5433,DB.example.org/my%20db?application_name=x")
    assert (url.user, url.password, url.database) == ("me@x", "p[ss%", "my db")
    assert url.servers == (("2001:db8::1", 5433), ("db.example.org", 5432))
    assert url.shown == "[2001:db8::1]:5433,db.example.org:5432"
    assert "p[ss" not in repr(url)
