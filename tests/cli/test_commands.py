"""The command line as operators and scripts use it: exit status, one sentence for a failure, never a secret."""

import json
import socket
import sqlite3
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from tests.cli.run import refusal, twofold
from twofold.cli.healthcheck import on_this_machine
from twofold.config import SETTINGS, Config

MARKER = "marker0123456789"


def test_help_names_every_command(tmp_path: Path) -> None:
    """The contract's commands are there, and each explains itself."""
    shown = twofold(tmp_path, "--help").stdout
    for command in ("serve", "migrate", "doctor", "config", "account", "healthcheck"):
        assert f"\n  {command}" in shown
    for explained in (["config", "--help"], ["doctor", "--help"], ["healthcheck", "--help"], ["migrate", "-h"]):
        assert twofold(tmp_path, *explained).stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["config", "nonsense"], ["migrate", "--nonsense"], ["config", "show", "x"]]
)
def test_wrong_usage_is_status_2(arguments: list[str], tmp_path: Path) -> None:
    """Scripts tell a mistyped command from a failed one."""
    run = twofold(tmp_path, *arguments)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("arguments", [["config", "check"], ["config", "show"], ["migrate"], ["migrate", "--check"]])
def test_bad_settings_are_one_sentence_each_and_status_1(arguments: list[str], tmp_path: Path) -> None:
    """Every command refuses them alike, all together, without a traceback."""
    run = twofold(tmp_path, *arguments, TRUST="never", TRUSST="30d")
    assert run.returncode == 1
    assert [line.split()[0] for line in run.stderr.splitlines()] == ["TWOFOLD_TRUSST", "TWOFOLD_TRUST"]
    assert "did you mean TWOFOLD_TRUST?" in run.stderr
    assert not list(tmp_path.iterdir())


def test_countries_that_do_not_exist_are_told_by_name(tmp_path: Path) -> None:
    """Each wrong code is named; whoever writes UK is told that it is GB."""
    run = twofold(tmp_path, "config", "check", PHONE_COUNTRIES="GB,UK,XX")
    assert run.returncode == 1
    uk, xx = run.stderr.splitlines()
    assert uk == "TWOFOLD_PHONE_COUNTRIES names UK, which is no country with phone numbers: write GB."
    assert "names XX," in xx
    assert twofold(tmp_path, "config", "check", PHONE_COUNTRIES="GB,GR,US").returncode == 0


def test_a_check_tells_programs_the_faults(tmp_path: Path) -> None:
    """`config check --json` prints them as a list."""
    run = twofold(tmp_path, "config", "check", "--json", TRUST="never")
    shown = json.loads(run.stdout)
    assert (run.returncode, shown["ok"], len(shown["faults"])) == (1, False, 1)
    assert json.loads(twofold(tmp_path, "config", "check", "--json").stdout) == {"ok": True, "faults": []}


@pytest.mark.parametrize("arguments", [["show"], ["show", "--json"], ["check"], ["check", "--json"], ["reference"]])
def test_no_config_command_prints_a_secret(arguments: list[str], tmp_path: Path) -> None:
    """A marked password and a marked key appear nowhere."""
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


def test_show_tells_where_a_setting_comes_from(tmp_path: Path) -> None:
    """An operator sees which of several places won."""
    (tmp_path / "t.toml").write_text('unlocked = "5m"\ntrust = "1d"\n', "utf-8")
    run = twofold(tmp_path, "config", "show", "--json", CONFIG="t.toml", TRUST="7d")
    shown = json.loads(run.stdout)
    assert shown["TWOFOLD_TRUST"] == {"value": "7d", "from": "TWOFOLD_TRUST"}
    assert shown["TWOFOLD_UNLOCKED"] == {"value": "5m", "from": "unlocked in t.toml"}
    assert shown["TWOFOLD_LOG"]["from"] == "default"


def test_the_reference_covers_every_setting(tmp_path: Path) -> None:
    """Each setting has its variable, form, default and meaning, for people and for programs."""
    text = twofold(tmp_path, "config", "reference").stdout
    listed = json.loads(twofold(tmp_path, "config", "reference", "--json").stdout)
    assert [entry["key"] for entry in listed] == list(SETTINGS)
    for entry in listed:
        assert f"\n{entry['variable']}\n" in text
        assert all(entry[part] for part in ("meaning", "form", "default", "file_variable"))


def test_a_migration_is_asked_for_then_done(tmp_path: Path) -> None:
    """`--check` changes nothing and says what to do; afterwards there is nothing to do."""
    assert "run `twofold migrate`" in refusal(twofold(tmp_path, "migrate", "--check"))
    assert not list(tmp_path.iterdir())
    assert twofold(tmp_path, "migrate").returncode == 0
    assert (tmp_path / "twofold-data").stat().st_mode & 0o777 == 0o700
    assert twofold(tmp_path, "migrate", "--check").returncode == 0
    assert json.loads(twofold(tmp_path, "migrate", "--json").stdout) == {"taken": []}


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """Going back to an older Twofold does not touch what the newer one wrote."""
    twofold(tmp_path, "migrate")
    with sqlite3.connect(tmp_path / "twofold-data" / "twofold.db") as db:
        db.execute("INSERT INTO schema_version VALUES (9999, 'later', 0)")
    db.close()
    for arguments in (["migrate"], ["migrate", "--check"]):
        assert "9999" in refusal(twofold(tmp_path, *arguments))


def test_a_data_dir_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """A file in the way, or a read-only place, is told by name."""
    (tmp_path / "file").write_text("x", "utf-8")
    assert "file" in refusal(twofold(tmp_path, "migrate", DATA_DIR="file"))
    assert "/proc/nowhere" in refusal(twofold(tmp_path, "migrate", DATA_DIR="/proc/nowhere"))


def test_a_database_that_is_away_is_one_sentence_without_its_password(tmp_path: Path) -> None:
    """The host is named, the password is not."""
    url = f"postgresql://me:{MARKER}@127.0.0.1:1/db"
    line = refusal(twofold(tmp_path, "migrate", DATABASE_URL=url))
    assert "127.0.0.1" in line
    assert MARKER not in line


def test_doctor_looks_at_everything_and_changes_nothing(tmp_path: Path) -> None:
    """In an empty folder all is ok or to be made; with a database its promises are asked for."""
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


def test_doctor_asks_either_database_for_its_promises(database_url: str, tmp_path: Path) -> None:
    """Durability, schema and clock are looked at on SQLite and on PostgreSQL."""
    assert twofold(tmp_path, "migrate", DATABASE_URL=database_url).returncode == 0
    run = twofold(tmp_path, "doctor", "--json", DATABASE_URL=database_url)
    found = {line["name"]: line["status"] for line in json.loads(run.stdout)}
    asked = {name: told for name, told in found.items() if name.startswith("durability: ")}
    assert (run.returncode, found["database"], found["clock"]) == (0, "ok", "ok")
    assert len(asked) >= 3
    assert {told for name, told in asked.items() if name != "durability: sqlite version"} <= {"ok", "fail"}


@pytest.mark.parametrize(
    "name, settings",
    [
        ("settings", {"TRUST": "never"}),
        ("database", {"DATABASE_URL": f"postgresql://me:{MARKER}@127.0.0.1:1/db"}),
        ("keys", {}),
    ],
)
def test_doctor_fails_when_something_is_broken(name: str, settings: dict[str, str], tmp_path: Path) -> None:
    """One line that begins with fail, and exit status 1."""
    twofold(tmp_path, "migrate")
    (tmp_path / "twofold-data" / "secret.keys").write_text(MARKER, "utf-8")
    run = twofold(tmp_path, "doctor", **settings)
    assert run.returncode == 1
    assert any(line.startswith("fail") and name in line for line in run.stdout.splitlines())
    assert MARKER not in run.stdout + run.stderr


def test_doctor_fails_for_the_keys_of_another_database(tmp_path: Path) -> None:
    """Missing, exchanged and unknown keys are told apart from the right ones."""
    words = ("account", "add", "anna@example.org", "--password-file", "-")
    assert twofold(tmp_path, *words, stdin="four words for Anna").returncode == 0  # makes keys and database
    keys = tmp_path / "twofold-data" / "secret.keys"
    right, other = keys.read_text("ascii").strip(), urlsafe_b64encode(bytes(range(32))).decode()
    name = right.partition(":")[0]

    def told(**settings: str) -> str:
        lines = json.loads(twofold(tmp_path, "doctor", "--json", **settings).stdout)
        return next(str(line["status"]) for line in lines if line["name"] == "keys")

    assert told() == told(SECRET_KEYS=right) == told(SECRET_KEYS=f"new:{other} {right}") == "ok"
    assert told(SECRET_KEYS=f"{name}:{other}") == told(SECRET_KEYS=f"new:{other}") == "fail"
    keys.chmod(0o644)
    assert told() == "fail"
    keys.unlink()
    assert told() == "fail"


def test_doctor_warns_of_proxies_that_reach_nobody(tmp_path: Path) -> None:
    """On a public address, missing proxies are worth a warning."""
    run = twofold(tmp_path, "doctor", "--json", BASE_URL="https://login.example.org")
    found = {line["name"]: line["status"] for line in json.loads(run.stdout)}
    assert found["proxies"] == "warn"


@pytest.mark.parametrize("status, code", [(200, 0), (503, 1), (302, 1), (404, 1)])
def test_healthcheck_says_ready_only_for_200(status: int, code: int, tmp_path: Path) -> None:
    """A container runtime reads the exit status; redirects are not followed."""
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


def test_healthcheck_asks_where_the_settings_say(tmp_path: Path) -> None:
    """The base URL when it is this machine; else the service behind the proxy, at its own port."""
    local = refusal(twofold(tmp_path, "healthcheck", BASE_URL="http://127.0.0.1:1/account"))
    assert "http://127.0.0.1:1/account/readyz" in local
    assert on_this_machine(Config.from_env({"TWOFOLD_BASE_URL": "https://a.example.org/in"})) == (
        "http://127.0.0.1:8000/in"
    )
    assert on_this_machine(Config.from_env({})) == "http://127.0.0.1:8000"


def test_healthcheck_of_nobody_is_one_sentence(tmp_path: Path) -> None:
    """A service that is down is told, not traced."""
    assert "Nothing answers" in refusal(twofold(tmp_path, "healthcheck", "--url", "http://127.0.0.1:1"))
    assert twofold(tmp_path, "healthcheck", "--url", "nonsense").returncode == 2
