"""`twofold group`: groups and who is in them, beside a running service."""

import json
from collections.abc import Awaitable
from pathlib import Path
from secrets import token_hex

import pytest

from tests.support.account_races import made
from tests.support.command_line import refusal, run_here
from tests.support.in_process import at_once, nodes_on
from tests.support.mailbox import wait_for_mail
from tests.support.service import Service
from tests.support.users import User, new_user
from twofold.admin import groups
from twofold.base.database import Transaction


def group(service: Service, *arguments: str) -> str:
    """Return what a command prints; it must succeed."""
    done = run_here(service, "group", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(service: Service, *arguments: str) -> str:
    """Return the line of a command that fails."""
    return refusal(run_here(service, "group", *arguments))


def groups_of(person: User) -> list[str]:
    """Return the groups in which a person is."""
    names: list[str] = person.api.session().expect(200)["account"]["groups"]
    return names


def new_group(service: Service, name: str = "") -> str:
    """Add a group, and return its name."""
    name = name or f"team-{token_hex(4)}"
    assert group(service, "add", name) == f"Added {name}.\n"
    return name


def test_member_of_groups_sees_them_at_the_next_request(moving: Service) -> None:
    """Sorted by name, in the session, in the settings, and on the command line."""
    person = new_user(moving)
    names = sorted(new_group(moving) for _ in range(3))
    for name in reversed(names):
        assert f"is in {name} now" in group(moving, "join", name, person.email)
    assert groups_of(person) == names
    assert f"Groups {' , '.join(names)}" in person.pages().get("/settings").words
    shown = json.loads(run_here(moving, "account", "show", person.email, "--json").stdout)
    assert shown["groups"] == names
    assert f"is not in {names[0]} any more" in group(moving, "leave", names[0], person.email)
    assert groups_of(person) == names[1:]


def test_groups_are_listed_with_the_number_of_their_members(moving: Service) -> None:
    """For people and for programs."""
    name, person = new_group(moving), new_user(moving)
    group(moving, "join", name, person.email)
    assert {"name": name, "members": 1} in json.loads(group(moving, "list", "--json"))
    assert [line.split() for line in group(moving, "list").splitlines() if name in line] == [[name, "1"]]
    printed = [json.loads(group(moving, act, name, person.email, "--json")) for act in ("join", "leave")]
    assert printed == [{"name": name, "email": person.email, "done": act} for act in ("join", "leave")]


def test_joining_and_leaving_twice_is_said_and_changes_nothing(moving: Service) -> None:
    """One event and one mail each."""
    name, person = new_group(moving), new_user(moving)
    for act, first, again in (("join", "now", "was in"), ("leave", "any more", "was not in")):
        assert first in group(moving, act, name, person.email)
        assert again in group(moving, act, name, person.email)
    events = [each["name"] for each in person.api.events()["items"]]
    assert (events.count("group:joined"), events.count("group:left")) == (1, 1)


def test_change_of_groups_locks_settings_and_is_mailed(moving: Service) -> None:
    """The session stays. The mail names the group."""
    name, person = new_group(moving, f"staff.{token_hex(4)}"), new_user(moving)
    for act, subject in (("join", "You were added to a group"), ("leave", "You were removed from a group")):
        person.unlock()
        group(moving, act, name, person.email)
        person.api.call("DELETE", "/sessions").refused(403, "locked_settings")
        text = wait_for_mail(moving, person.email, subject)["text"]
        assert f"Group: {name}\n" in text
        assert "By: an administrator of 127.0.0.1\n" in text


def test_removed_group_has_no_members(moving: Service) -> None:
    """Everyone is told, and a group of the same name begins empty."""
    name, people = new_group(moving), [new_user(moving) for _ in range(3)]
    for person in people:
        group(moving, "join", name, person.email)
    assert group(moving, "remove", name) == f"Removed {name}.\n"
    for person in people:
        assert groups_of(person) == []
        wait_for_mail(moving, person.email, "You were removed from a group")
    assert name not in group(moving, "list")
    new_group(moving, name)
    assert groups_of(people[0]) == []


def test_unknown_groups_accounts_and_wrong_names_are_refused(moving: Service) -> None:
    """In one line, with status 1."""
    name, person = new_group(moving), new_user(moving)
    assert "already a group" in refused(moving, "add", name)
    for wrong in ("Staff", "a b", "x" * 65, "é", ""):
        assert "Use 1 to 64 of a-z" in refused(moving, "add", wrong)
    for arguments in (["remove", "nothing"], ["join", "nothing", person.email], ["leave", "nothing", person.email]):
        assert "no group of this name" in refused(moving, *arguments)
    for act in ("join", "leave"):
        assert "no account with this email" in refused(moving, act, name, "nobody@example.org")
    assert run_here(moving, "group", "join", name).returncode == 2


def test_members_leave_with_their_account(moving: Service) -> None:
    """A deleted account is in no group."""
    name, person = new_group(moving), new_user(moving)
    group(moving, "join", name, person.email)
    person.unlock()
    person.api.call("DELETE", "/account").expect(204)
    assert {"name": name, "members": 0} in json.loads(group(moving, "list", "--json"))


async def copies_that_differ(tx: Transaction) -> int:
    """Return how many accounts have a copy of their groups that is not right."""
    rows = await tx.all(
        "SELECT id, group_names, group_name FROM account LEFT JOIN group_member ON account_id = id ORDER BY group_name"
    )
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row["id"], []).extend([row["group_name"]] if row["group_name"] else [])
    copies = {row["id"]: row["group_names"] for row in rows}
    return len([each for each in copies if copies[each].split() != names[each]])


@pytest.mark.anyio
async def test_groups_that_change_at_once_leave_no_wrong_copy(tmp_path: Path, database_url: str) -> None:
    """Joins, leaves and the removal of a group side by side; every membership is of a group that exists."""
    async with nodes_on(tmp_path, database_url) as (one, other):
        emails = [(await made(one, f"a@{number}.example.org")).email for number in range(10)]
        for _ in range(5):
            for name in ("red", "blue"):
                await one.write(groups.add, name)
            acts: list[Awaitable[object]] = [groups.remove(other, "blue")]
            for email in emails:
                acts.insert(0, one.write(groups.join, "red", email))
                acts.append(other.write(groups.join, "blue", email))
                acts.append(one.write(groups.leave, "red", email))
            await at_once(*acts)
            assert await one.site.db.read(copies_that_differ) == 0
            for each in await one.read(groups.listed):
                await groups.remove(one, each.name)
