"""`twofold account`: every deed by its name, with data for programs, and passwords that no process list shows."""

import json
from pathlib import Path

import pytest

from tests.cli.run import refusal, twofold

PASSWORD = "four unrelated words here"


def added(folder: Path, email: str = "anna@example.org", *arguments: str) -> None:
    """Add an account."""
    run = twofold(folder, "account", "add", email, *arguments, "--password-file", "-", stdin=f"{PASSWORD}\n")
    assert run.returncode == 0, run.stderr


def test_an_account_is_added_shown_and_listed(tmp_path: Path) -> None:
    """Addresses are kept in one form; the list holds everybody."""
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


def test_no_password_is_an_argument_and_none_is_printed(tmp_path: Path) -> None:
    """It comes from a file or is asked for; without a terminal to ask on the command says so."""
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
def test_what_cannot_be_taken_is_one_sentence(email: str, password: str, tmp_path: Path) -> None:
    """Bad addresses and weak passwords are refused as they are on the pages."""
    refusal(twofold(tmp_path, "account", "add", email, "--password-file", "-", stdin=f"{password}\n"))


def test_a_known_address_is_refused(tmp_path: Path) -> None:
    """Neither added twice nor invited."""
    added(tmp_path)
    again = twofold(tmp_path, "account", "add", "anna@example.org", "--password-file", "-", stdin=f"{PASSWORD}\n")
    assert "already" in refusal(again)
    assert "already" in refusal(twofold(tmp_path, "account", "invite", "anna@example.org"))


@pytest.mark.parametrize("name, path", [("invite", "invitation"), ("reset-password", "reset-password")])
def test_a_link_is_printed_under_the_public_address(name: str, path: str, tmp_path: Path) -> None:
    """An administrator hands on a link and never chooses a password."""
    added(tmp_path)
    email = "new@example.org" if name == "invite" else "anna@example.org"
    run = twofold(tmp_path, "account", name, email, "--json", BASE_URL="https://login.example.org/account")
    shown = json.loads(run.stdout)
    assert shown["email"] == email
    assert shown["link"].startswith(f"https://login.example.org/account/{path}/")


@pytest.mark.parametrize("arguments", [["list"], ["show", "a@example.org"], ["invite", "a@example.org"]])
def test_where_nothing_is_nothing_is_made(arguments: list[str], tmp_path: Path) -> None:
    """In a wrong directory all but `add` say what `migrate --check` says, and leave it as it was."""
    told = refusal(twofold(tmp_path, "account", *arguments))
    assert told == refusal(twofold(tmp_path, "migrate", "--check"))
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.db").touch()
    assert "empty" in refusal(twofold(tmp_path, "account", *arguments, DATABASE_URL="sqlite:///empty.db"))
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]


@pytest.mark.parametrize("name", ["reset-2fa", "unlock", "disable", "enable", "sign-out"])
def test_a_deed_is_done_or_names_what_is_missing(name: str, tmp_path: Path) -> None:
    """Each works on a known address and refuses an unknown one."""
    added(tmp_path)
    done = twofold(tmp_path, "account", name, "anna@example.org", "--json")
    assert json.loads(done.stdout) == {"email": "anna@example.org", "done": name}
    assert "no account" in refusal(twofold(tmp_path, "account", name, "nobody@example.org"))
    shown = json.loads(twofold(tmp_path, "account", "show", "anna@example.org", "--json").stdout)
    assert (shown["disabled_at"] is None) == (name != "disable")
