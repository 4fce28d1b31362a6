"""`twofold account set`: usernames, names and roles, beside a running service."""

import json
from secrets import token_hex
from typing import Any

import pytest

from tests.audit.test_actors import run_inside
from tests.support.command_line import refusal, run_here
from tests.support.mailbox import mails_to, wait_for_mail
from tests.support.service import Service
from tests.support.users import User, new_user, protected
from twofold.accounts.store import set_name
from twofold.admin import people
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Role


def account(person: User) -> Any:  # noqa: ANN401 - JSON
    """Return what `GET /session` says about the account."""
    return person.api.session().expect(200)["account"]


def username() -> str:
    """Return a username that no account had."""
    return f"name.{token_hex(5)}"


def command(service: Service, *arguments: str, stdin: str = "") -> str:
    """Return what a command prints; it must succeed."""
    done = run_here(service, "account", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(service: Service, person: User) -> Any:  # noqa: ANN401 - JSON
    """Return what `account show --json` prints."""
    return json.loads(command(service, "show", person.email, "--json"))


def refused(service: Service, *arguments: str) -> str:
    """Return the line of a command that fails."""
    return refusal(run_here(service, "account", *arguments))


def test_profile_is_changed_and_shown_everywhere(moving: Service) -> None:
    """All at once; `show` and `list` print what the session says."""
    person, wanted = new_user(moving), username()
    printed = command(
        moving, "set", person.email, "--username", wanted, "--name", "Ada L.", "--role", "auditor", "--json"
    )
    expected = {"username": wanted, "name": "Ada L.", "groups": [], "role": "auditor", "administrator": False}
    assert expected.items() <= json.loads(printed).items()
    assert expected.items() <= account(person).items()
    assert expected.items() <= shown(moving, person).items()
    assert json.loads(command(moving, "show", person.email, "--json")) in json.loads(command(moving, "list", "--json"))
    assert wanted in command(moving, "list")
    assert "Ada L." in command(moving, "show", person.email)


def test_new_account_has_a_username_made_of_its_address(moving: Service) -> None:
    """It is the name until another is set, and an empty one removes that again."""
    local = f"o'{token_hex(5)}"
    person = new_user(moving, f"{local}@example.org")
    assert (account(person)["username"], account(person)["name"]) == (local.replace("'", ""),) * 2
    command(moving, "set", person.email, "--name", "Ada")
    assert account(person)["name"] == "Ada"
    command(moving, "set", person.email, "--name", "")
    assert account(person)["name"] == account(person)["username"]


def test_second_account_with_the_local_part_gets_a_number(moving: Service) -> None:
    """As does an account whose local part is a reserved name."""
    local = token_hex(5)
    assert [account(new_user(moving, f"{local}@{domain}.org"))["username"] for domain in "ab"] == [local, f"{local}2"]
    reserved = account(new_user(moving, f"postgres@{token_hex(5)}.org"))["username"]
    assert reserved.startswith("postgres")
    assert reserved.removeprefix("postgres").isdigit()


@pytest.mark.parametrize("option, value", [("--username", "new"), ("--role", "help_desk")])
def test_change_of_rights_locks_settings_and_ends_nothing(moving: Service, option: str, value: str) -> None:
    """Sessions and trusted computers stay, and the person authenticates again before the next change."""
    person = protected(moving, "once_per_computer")
    person.sign_in(trust_this_computer=True)
    other = person.another_browser()
    person.sign_in(other)
    for each in (person.api, other):
        each.unlock(person.password, code=person.code()).expect(200)
    command(moving, "set", person.email, option, username() if value == "new" else value)
    for each in (person.api, other):
        each.call("DELETE", "/sessions").refused(403, "locked_settings")
        assert each.session().expect(200)["unlocked_until"] is None
    assert len(person.api.sessions()["items"]) >= 2
    assert len(person.api.trusted_computers()["items"]) == 1


def test_repeated_change_changes_nothing(moving: Service) -> None:
    """No event, no mail, and unlocked settings stay so."""
    person = new_user(moving)
    same = ["--username", account(person)["username"], "--name", "", "--role", "member"]
    command(moving, "set", person.email, *same)
    assert person.api.session()["unlocked_until"] is not None
    assert not {each["name"] for each in person.api.events()["items"]} & {"username:changed", "role:changed"}


def test_person_is_mailed_what_changed_and_by_whom(moving: Service) -> None:
    """The command line and people without a name are an administrator of the site."""
    person, wanted = new_user(moving), username()
    command(moving, "set", person.email, "--username", wanted, "--role", "help_desk", "--name", "Ada")
    changed = wait_for_mail(moving, person.email, "Your username was changed")["text"]
    assert f"Username: {wanted}\n" in changed
    assert "By: an administrator of 127.0.0.1\n" in changed
    assert "Role: Help desk\n" in wait_for_mail(moving, person.email, "Your role was changed")["text"]
    assert not mails_to(moving, person.email, "Your name")
    page = person.pages().get("/settings/activity").expect(200).words
    for text in (f"Username changed {wanted}", "Role changed Help desk", "Name changed"):
        assert text in page


def test_mail_names_an_administrator_who_has_a_name(moving: Service) -> None:
    """By that name alone, which cannot become a link."""
    boss, person = new_user(moving), new_user(moving)
    boss_id = account(boss)["id"]
    run_inside(
        moving,
        boss_id,
        lambda uow: set_name(uow.tx, boss_id, "Grace <https://evil.example>"),
        lambda uow: people.change(uow, person.email, role=Role.AUDITOR),
    )
    text = wait_for_mail(moving, person.email, "Your role was changed")["text"]
    assert "By: Grace" in text
    assert "evil.example" not in text
    assert boss.email not in text


def test_username_is_never_given_to_another_account(moving: Service) -> None:
    """Not while an account has it, not after it was renamed, and not after it was deleted."""
    one, other = new_user(moving), new_user(moving)
    old, new = account(one)["username"], username()
    assert "Another account has this username" in refused(moving, "set", other.email, "--username", old)
    command(moving, "set", one.email, "--username", new)
    assert "had it before" in refused(moving, "set", other.email, "--username", old)
    command(moving, "set", one.email, "--username", old)
    one.api.unlock(one.password).expect(200)
    one.api.call("DELETE", "/account").expect(204)
    for name in (old, new):
        assert "had it before" in refused(moving, "set", other.email, "--username", name)
    again = new_user(moving, one.email)
    assert account(again)["username"] not in (old, new)
    assert account(again)["username"].startswith(old)


@pytest.mark.parametrize(
    "arguments, status",
    [
        ([], 2),
        (["--role", "king"], 2),
        (["--username", "Not a name"], 1),
        (["--username", ""], 1),
        (["--name", "x" * 129], 1),
        (["--name", "a\u202eb"], 1),
    ],
)
def test_wrong_value_changes_nothing(moving: Service, arguments: list[str], status: int) -> None:
    """Wrong usage is status 2, a value of the wrong form 1; of several changes none is made."""
    person = new_user(moving)
    before = shown(moving, person)
    valid = ["--username", username()] if "--username" not in arguments and arguments else []
    done = run_here(moving, "account", "set", person.email, *valid, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert shown(moving, person) == before
    assert "no account with this email" in refused(moving, "set", "nobody@example.org", "--name", "x")


# ------------------------------------------------------------------ owners


@pytest.fixture
def alone(moving: Service) -> User:
    """Return the only owner of the service, with 2FA."""
    person = protected(moving)
    command(moving, "set", person.email, "--role", "owner")
    for each in json.loads(command(moving, "list", "--json")):
        if each["role"] == "owner" and each["email"] != person.email:
            command(moving, "set", each["email"], "--role", "member")
    return person


@pytest.mark.parametrize("arguments", [["disable"], ["set", "--role", "admin"], ["set", "--role", "member"]])
def test_last_owner_stays_an_owner(moving: Service, alone: User, arguments: list[str]) -> None:
    """Neither disabled nor demoted, and the sentence says how to go on; a disabled owner does not count."""
    name, *options = arguments
    disabled = User(moving)
    disabled.api.sign_up(disabled.email).expect(201)
    command(moving, "set", disabled.email, "--role", "owner")
    command(moving, "disable", disabled.email)
    assert "twofold account set EMAIL --role owner" in refused(moving, name, alone.email, *options)
    assert shown(moving, alone)["role"] == "owner"
    command(moving, "enable", disabled.email)
    command(moving, name, alone.email, *options)


def test_lone_owner_can_be_helped(moving: Service, alone: User) -> None:
    """Resetting 2FA, signing out and lifting limits take no owner away."""
    for name in ("reset-2fa", "sign-out", "unlock"):
        command(moving, name, alone.email)
    assert alone.sign_in()["status"] == "signed_in"


def test_owner_is_made_on_the_command_line_when_there_is_none(moving: Service, alone: User) -> None:
    """The way back, by whatever accident all owners were lost."""

    async def lose_all(uow: UnitOfWork) -> None:
        await uow.tx.run("UPDATE account SET role = 'member', administrator = 0")

    run_inside(moving, "", lose_all)
    assert account(alone)["role"] == "member"
    command(moving, "set", alone.email, "--role", "owner")
    assert account(alone)["role"] == "owner"


def test_first_administrator_is_an_owner_and_later_ones_are_not(moving: Service, alone: User) -> None:
    """`account add --admin` makes an administrator while there is an owner."""
    person = User(moving)
    command(moving, "add", person.email, "--admin", "--password-file", "-", stdin=person.password)
    assert (shown(moving, person)["role"], shown(moving, person)["administrator"]) == ("admin", True)

    async def lose_all(uow: UnitOfWork) -> None:
        await uow.tx.run("UPDATE account SET role = 'member', administrator = 0")

    run_inside(moving, "", lose_all)
    other = User(moving)
    command(moving, "add", other.email, "--admin", "--password-file", "-", stdin=other.password)
    assert shown(moving, other)["role"] == "owner"
    command(moving, "set", alone.email, "--role", "owner")
