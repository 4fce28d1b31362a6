"""The command line for operators and scripts: exit statuses, one-line errors, never a secret."""

import json
import socket
import sqlite3
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from tests.support.command_line import refusal, twofold
from tests.support.service import Service
from twofold.cli.healthcheck import local_url
from twofold.config import SETTINGS, Config

MARKER = "marker0123456789"


def test_help_lists_every_command(tmp_path: Path) -> None:
    """Every command of the contract is listed with an explanation."""
    shown = twofold(tmp_path, "--help").stdout
    for command in ("serve", "migrate", "doctor", "config", "account", "healthcheck"):
        assert f"\n  {command}" in shown
    for explained in (["config", "--help"], ["doctor", "--help"], ["healthcheck", "--help"], ["migrate", "-h"]):
        assert twofold(tmp_path, *explained).stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["config", "nonsense"], ["migrate", "--nonsense"], ["config", "show", "x"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    """Scripts can distinguish a mistyped command from a failed one."""
    run = twofold(tmp_path, *arguments)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("arguments", [["config", "check"], ["config", "show"], ["migrate"], ["migrate", "--check"]])
def test_invalid_settings_are_one_line_each_and_exit_with_1(arguments: list[str], tmp_path: Path) -> None:
    """Every command reports all of them, without a traceback."""
    run = twofold(tmp_path, *arguments, TRUST="never", TRUSST="30d")
    assert run.returncode == 1
    assert [line.split()[0] for line in run.stderr.splitlines()] == ["TWOFOLD_TRUSST", "TWOFOLD_TRUST"]
    assert "did you mean TWOFOLD_TRUST?" in run.stderr
    assert not list(tmp_path.iterdir())


def test_unknown_country_codes_are_named(tmp_path: Path) -> None:
    """For UK, the error suggests GB."""
    run = twofold(tmp_path, "config", "check", PHONE_COUNTRIES="GB,UK,XX")
    assert run.returncode == 1
    uk, xx = run.stderr.splitlines()
    assert uk == "TWOFOLD_PHONE_COUNTRIES names UK, which is not a country with phone numbers: write GB."
    assert "names XX," in xx
    assert twofold(tmp_path, "config", "check", PHONE_COUNTRIES="GB,GR,US").returncode == 0


def test_config_check_lists_errors_as_json(tmp_path: Path) -> None:
    """The output of `config check --json` is a list."""
    run = twofold(tmp_path, "config", "check", "--json", TRUST="never")
    shown = json.loads(run.stdout)
    assert (run.returncode, shown["ok"], len(shown["faults"])) == (1, False, 1)
    assert json.loads(twofold(tmp_path, "config", "check", "--json").stdout) == {
        "ok": True,
        "faults": [],
        "warnings": [],
    }


@pytest.mark.parametrize("arguments", [["show"], ["show", "--json"], ["check"], ["check", "--json"], ["reference"]])
def test_config_commands_print_no_secret(arguments: list[str], tmp_path: Path) -> None:
    """Neither the password nor the key appears in any output."""
    key = urlsafe_b64encode((MARKER * 2).encode()).decode().rstrip("=")
    url = f"postgresql://me:{MARKER}@db.example.org/twofold?password={MARKER}"
    run = twofold(tmp_path, "config", *arguments, DATABASE_URL=url, SECRET_KEYS=f"k1:{key}")
    assert run.returncode == 0
    assert MARKER not in run.stdout + run.stderr
    assert key[:10] not in run.stdout + run.stderr
    bad = twofold(
        tmp_path, "config", *arguments, DATABASE_URL=f"mysql://{MARKER}", SECRET_KEYS=key, MAIL_URL=f"x:{MARKER}"
    )
    assert MARKER not in bad.stdout + bad.stderr
    assert key[:10] not in bad.stdout + bad.stderr


def test_config_show_prints_the_source_of_each_setting(tmp_path: Path) -> None:
    """Operators see which of several sources won."""
    (tmp_path / "t.toml").write_text('unlocked = "5m"\ntrust = "1d"\n', "utf-8")
    run = twofold(tmp_path, "config", "show", "--json", CONFIG="t.toml", TRUST="7d")
    shown = json.loads(run.stdout)
    assert shown["TWOFOLD_TRUST"] == {"value": "7d", "from": "TWOFOLD_TRUST"}
    assert shown["TWOFOLD_UNLOCKED"] == {"value": "5m", "from": "unlocked in t.toml"}
    assert shown["TWOFOLD_LOG"]["from"] == "default"


def test_config_reference_covers_every_setting(tmp_path: Path) -> None:
    """Each setting is listed with variable, form, default and meaning, as text and as JSON."""
    text = twofold(tmp_path, "config", "reference").stdout
    listed = json.loads(twofold(tmp_path, "config", "reference", "--json").stdout)
    assert [entry["key"] for entry in listed] == list(SETTINGS)
    for entry in listed:
        assert f"\n{entry['variable']}\n" in text
        assert all(entry[part] for part in ("meaning", "form", "default", "file_variable"))


def test_migrate_check_reports_pending_steps_and_migrate_applies_them(tmp_path: Path) -> None:
    """`--check` changes nothing and says what to do; after `migrate`, nothing is pending."""
    assert "run `twofold migrate`" in refusal(twofold(tmp_path, "migrate", "--check"))
    assert not list(tmp_path.iterdir())
    assert twofold(tmp_path, "migrate").returncode == 0
    assert (tmp_path / "twofold-data").stat().st_mode & 0o777 == 0o700
    assert twofold(tmp_path, "migrate", "--check").returncode == 0
    assert json.loads(twofold(tmp_path, "migrate", "--json").stdout) == {"taken": [], "clashes": []}


def test_migrate_refuses_a_newer_database(tmp_path: Path) -> None:
    """An older version does not change the schema of a newer one."""
    twofold(tmp_path, "migrate")
    with sqlite3.connect(tmp_path / "twofold-data" / "twofold.db") as db:
        db.execute("INSERT INTO schema_version VALUES (9999, 'later', 0)")
    db.close()
    for arguments in (["migrate"], ["migrate", "--check"]):
        assert "9999" in refusal(twofold(tmp_path, *arguments))


def test_data_dir_that_cannot_be_created_is_a_one_line_error(tmp_path: Path) -> None:
    """The error names the conflicting file or the read-only directory."""
    (tmp_path / "file").write_text("x", "utf-8")
    assert "file" in refusal(twofold(tmp_path, "migrate", DATA_DIR="file"))
    assert "/proc/nowhere" in refusal(twofold(tmp_path, "migrate", DATA_DIR="/proc/nowhere"))


def test_unreachable_database_is_a_one_line_error_without_its_password(tmp_path: Path) -> None:
    """The error names the host."""
    url = f"postgresql://me:{MARKER}@127.0.0.1:1/db"
    line = refusal(twofold(tmp_path, "migrate", DATABASE_URL=url))
    assert "127.0.0.1" in line
    assert MARKER not in line


def test_doctor_checks_everything_and_changes_nothing(tmp_path: Path) -> None:
    """In an empty folder, no check fails; with a database, its durability is checked, too."""
    empty = twofold(tmp_path, "doctor", "--json")
    assert empty.returncode == 0
    assert not list(tmp_path.iterdir())
    twofold(tmp_path, "migrate")
    found = {line["name"]: line["status"] for line in json.loads(twofold(tmp_path, "doctor", "--json").stdout)}
    assert {
        "settings",
        "data directory",
        "proxies",
        "mail",
        "sms",
        "voice",
        "database",
        "durability: synchronous",
        "clock",
        "keys",
    } <= {*found}
    assert found["database"] == found["data directory"] == found["durability: synchronous"] == "ok"


def test_doctor_checks_durability_schema_and_clock_of_each_database(database_url: str, tmp_path: Path) -> None:
    """This covers SQLite and PostgreSQL."""
    assert twofold(tmp_path, "migrate", DATABASE_URL=database_url).returncode == 0
    run = twofold(tmp_path, "doctor", "--json", DATABASE_URL=database_url)
    found = {line["name"]: line["status"] for line in json.loads(run.stdout)}
    asked = {name: status for name, status in found.items() if name.startswith("durability: ")}
    assert (run.returncode, found["database"], found["clock"]) == (0, "ok", "ok")
    assert len(asked) >= 3
    assert {status for name, status in asked.items() if name != "durability: sqlite version"} <= {"ok", "fail"}


@pytest.mark.parametrize(
    "name, settings",
    [
        ("settings", {"TRUST": "never"}),
        ("database", {"DATABASE_URL": f"postgresql://me:{MARKER}@127.0.0.1:1/db"}),
        ("keys", {}),
    ],
)
def test_doctor_exits_with_1_when_a_check_fails(name: str, settings: dict[str, str], tmp_path: Path) -> None:
    """The check is one line that starts with `fail`."""
    twofold(tmp_path, "migrate")
    (tmp_path / "twofold-data" / "secret.keys").write_text(MARKER, "utf-8")
    run = twofold(tmp_path, "doctor", **settings)
    assert run.returncode == 1
    assert any(line.startswith("fail") and name in line for line in run.stdout.splitlines())
    assert MARKER not in run.stdout + run.stderr


def test_doctor_fails_when_keys_do_not_match_the_database(tmp_path: Path) -> None:
    """This covers missing, swapped and unknown keys."""
    words = ("account", "add", "anna@example.org", "--password-file", "-")
    assert twofold(tmp_path, *words, stdin="four words for Anna").returncode == 0  # creates keys and database
    keys = tmp_path / "twofold-data" / "secret.keys"
    right, other = keys.read_text("ascii").strip(), urlsafe_b64encode(bytes(range(32))).decode()
    name = right.partition(":")[0]

    def key_check(**settings: str) -> str:
        lines = json.loads(twofold(tmp_path, "doctor", "--json", **settings).stdout)
        return next(str(line["status"]) for line in lines if line["name"] == "keys")

    assert key_check() == key_check(SECRET_KEYS=right) == key_check(SECRET_KEYS=f"new:{other} {right}") == "ok"
    assert key_check(SECRET_KEYS=f"{name}:{other}") == key_check(SECRET_KEYS=f"new:{other}") == "fail"
    keys.chmod(0o644)
    assert key_check() == "fail"
    keys.unlink()
    assert key_check() == "fail"


def test_doctor_warns_of_missing_trusted_proxies_on_a_public_address(tmp_path: Path) -> None:
    """On a loopback address, there is no warning."""
    run = twofold(tmp_path, "doctor", "--json", BASE_URL="https://login.example.org")
    found = {line["name"]: line["status"] for line in json.loads(run.stdout)}
    assert found["proxies"] == "warn"


@pytest.mark.parametrize("status, code", [(200, 0), (503, 1), (302, 1), (404, 1)])
def test_healthcheck_succeeds_only_for_200(status: int, code: int, tmp_path: Path) -> None:
    """Container runtimes read the exit status, and redirects are not followed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "twofold",
            "healthcheck",
            "--json",
            "--url",
            f"http://127.0.0.1:{port}/account",
        ]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as asking:
            client, _ = server.accept()
            with client:
                assert client.recv(1_000).startswith(b"GET /account/readyz HTTP/1.1\r\n")
                client.sendall(f"HTTP/1.1 {status} x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".encode())
            output, _ = asking.communicate(timeout=20)
    assert asking.returncode == code
    assert json.loads(output) == {"ready": code == 0, "status": status}


def test_healthcheck_requests_the_configured_address(tmp_path: Path) -> None:
    """It is the base URL on this machine, or else the service's own port behind the proxy."""
    local = refusal(twofold(tmp_path, "healthcheck", BASE_URL="http://127.0.0.1:1/account"))
    assert "http://127.0.0.1:1/account/readyz" in local
    assert local_url(Config.from_env({"TWOFOLD_BASE_URL": "https://a.example.org/in"})) == ("http://127.0.0.1:8000/in")
    assert local_url(Config.from_env({})) == "http://localhost:8000"
    assert local_url(Config.from_env({"TWOFOLD_BASE_URL": "http://[::1]:8000"})) == "http://[::1]:8000"


def test_healthcheck_reaches_a_subdomain_of_localhost(sqlite_service: Service, tmp_path: Path) -> None:
    """Not every system resolves `app.localhost` to this machine, as browsers do."""
    run = twofold(tmp_path, "healthcheck", BASE_URL=sqlite_service.url.replace("127.0.0.1", "app.localhost"))
    assert run.returncode == 0, run


def test_healthcheck_of_a_stopped_service_is_a_one_line_error(tmp_path: Path) -> None:
    """There is no traceback."""
    assert "No answer from" in refusal(twofold(tmp_path, "healthcheck", "--url", "http://127.0.0.1:1"))
    assert twofold(tmp_path, "healthcheck", "--url", "nonsense").returncode == 2
