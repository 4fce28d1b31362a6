"""`twofold account`: its commands, their output as JSON, and passwords that do not appear in process lists."""

import json
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.command_line import refusal, twofold

PASSWORD = "four unrelated words here"


def added(folder: Path, email: str = "anna@example.org", *arguments: str) -> None:
    """Add an account with the command line."""
    run = twofold(folder, "account", "add", email, *arguments, "--password-file", "-", stdin=f"{PASSWORD}\n")
    assert run.returncode == 0, run.stderr


def test_added_account_is_shown_and_listed(tmp_path: Path) -> None:
    """Email addresses are normalised, and the list contains every account."""
    added(tmp_path, " Bert@Example.ORG ")
    added(tmp_path, "anna@example.org", "--admin")
    listed = json.loads(twofold(tmp_path, "account", "list", "--json").stdout)
    assert [(one["email"], one["administrator"]) for one in listed] == [
        ("anna@example.org", True),
        ("bert@example.org", False),
    ]
    shown = json.loads(twofold(tmp_path, "account", "show", "ANNA@example.org", "--json").stdout)
    assert shown == listed[0]
    assert (shown["policy"], shown["active"], shown["factors"], shown["disabled_at"]) == ("disabled", False, [], None)
    assert "anna@example.org" in twofold(tmp_path, "account", "list").stdout


def test_password_is_never_an_argument_or_printed(tmp_path: Path) -> None:
    """It is read from a file or a prompt; without a terminal, the error says so."""
    assert twofold(tmp_path, "account", "add", "anna@example.org", PASSWORD).returncode == 2
    asked = twofold(tmp_path, "account", "add", "anna@example.org")
    assert asked.returncode == 2
    assert "--password-file" in asked.stderr
    run = twofold(tmp_path, "account", "add", "a@example.org", "--json", "--password-file", "-", stdin=PASSWORD)
    assert run.returncode == 0
    assert PASSWORD not in run.stdout + run.stderr
    assert "password" not in run.stdout


@pytest.mark.parametrize(
    "email, password", [("nonsense", PASSWORD), ("anna@example.org", "short"), ("anna@example.org", "")]
)
def test_invalid_email_or_password_is_a_one_line_error(email: str, password: str, tmp_path: Path) -> None:
    """They are refused as on pages."""
    refusal(twofold(tmp_path, "account", "add", email, "--password-file", "-", stdin=f"{password}\n"))


def test_known_email_cannot_be_added_or_invited(tmp_path: Path) -> None:
    """Both commands fail with one line."""
    added(tmp_path)
    again = twofold(tmp_path, "account", "add", "anna@example.org", "--password-file", "-", stdin=f"{PASSWORD}\n")
    assert "already" in refusal(again)
    assert "already" in refusal(twofold(tmp_path, "account", "invite", "anna@example.org"))


@pytest.mark.parametrize("name, path", [("invite", "invitation"), ("reset-password", "reset-password")])
def test_printed_links_use_the_base_url(name: str, path: str, tmp_path: Path) -> None:
    """Administrators pass on a link instead of choosing a password."""
    added(tmp_path)
    email = "new@example.org" if name == "invite" else "anna@example.org"
    run = twofold(tmp_path, "account", name, email, "--json", BASE_URL="https://login.example.org/account")
    shown = json.loads(run.stdout)
    assert shown["email"] == email
    assert shown["link"].startswith(f"https://login.example.org/account/{path}/")


@pytest.mark.parametrize("arguments", [["list"], ["show", "a@example.org"], ["invite", "a@example.org"]])
def test_account_commands_create_nothing_in_an_empty_directory(arguments: list[str], tmp_path: Path) -> None:
    """In the wrong directory, all commands except `add` print the error of `migrate --check` and change nothing."""
    error = refusal(twofold(tmp_path, "account", *arguments))
    assert error == refusal(twofold(tmp_path, "migrate", "--check"))
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.db").touch()
    assert "empty" in refusal(twofold(tmp_path, "account", *arguments, DATABASE_URL="sqlite:///empty.db"))
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]


@pytest.mark.parametrize("keys", [{}, {"SECRET_KEYS": f"k1:{'A' * 43}"}], ids=["no keys", "other keys"])
@pytest.mark.parametrize(
    "command",
    ["account list", "account show a@example.org", "account unlock a@example.org", "doctor", "migrate --check"],
)
def test_account_commands_without_keys_for_a_used_postgresql_create_nothing(
    command: str, keys: dict[str, str], tmp_path: Path, cluster: Cluster
) -> None:
    """The error is one line, and no data directory is created."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.mkdir()
    wrong.mkdir()
    url = cluster.database()
    add = ["account", "add", "a@example.org", "--password-file", "-"]
    assert twofold(right, *add, stdin=PASSWORD, DATABASE_URL=url).returncode == 0
    run = twofold(wrong, *command.split(), DATABASE_URL=url, **keys)
    if command.startswith("account"):
        assert "key" in refusal(run)
    assert not list(wrong.iterdir())


def test_account_commands_need_no_data_directory_where_database_and_keys_are_given(
    tmp_path: Path, cluster: Cluster
) -> None:
    """A container may have both in its environment, and the command writes nothing to disk."""
    given = {"DATABASE_URL": cluster.database(), "SECRET_KEYS": f"k1:{'AbCdEfGh' * 5}ijk"}
    right, other = tmp_path / "right", tmp_path / "other"
    right.mkdir()
    other.mkdir()
    add = ["account", "add", "a@example.org", "--password-file", "-"]
    assert twofold(right, *add, stdin=PASSWORD, **given).returncode == 0
    assert "a@example.org" in twofold(other, "account", "list", **given).stdout
    assert not list(other.iterdir())


@pytest.mark.parametrize("name", ["reset-2fa", "unlock", "disable", "enable", "sign-out"])
def test_account_commands_work_on_known_and_refuse_unknown_emails(name: str, tmp_path: Path) -> None:
    """The error contains the unknown email."""
    added(tmp_path)
    done = twofold(tmp_path, "account", name, "anna@example.org", "--json")
    assert json.loads(done.stdout) == {"email": "anna@example.org", "done": name}
    assert "no account" in refusal(twofold(tmp_path, "account", name, "nobody@example.org"))
    shown = json.loads(twofold(tmp_path, "account", "show", "anna@example.org", "--json").stdout)
    assert (shown["disabled_at"] is None) == (name != "disable")
