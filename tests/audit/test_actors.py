"""Who caused an event: the account itself, another account, the command line, or the service."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request

from tests.support.clients import PASSWORD
from tests.support.in_process import LocalApp, in_process
from tests.support.mailbox import wait_for_mail
from tests.support.service import Service
from tests.support.users import User, new_user, protected
from twofold.admin import actions as admin
from twofold.assembly import open_site
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.actors import Actor
from twofold.base.unit_of_work import Caller, Runner, UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.config import load

YOU = {"kind": "account", "is_you": True}
ADMINISTRATOR = {"kind": "account", "is_you": False}
COMMAND_LINE = {"kind": "command_line", "is_you": False}
ACTIONS: dict[str, Callable[[UnitOfWork, str], Awaitable[Any]]] = {
    "password:reset_offered": admin.create_password_reset_link,
    "account:unlocked": admin.unlock,
    "session:all_ended": admin.sign_out,
    "two_factor:reset": admin.reset_two_factor,
    "account:disabled": admin.disable,
    "account:enabled": admin.enable,
}


def run_inside(service: Service, actor_id: str, *actions: Callable[[UnitOfWork], Awaitable[Any]]) -> None:
    """Run actions on the database of a running service as an account that is signed in elsewhere."""
    config, _ = load({f"TWOFOLD_{name.upper()}": str(value) for name, value in service.settings.items()})
    caller = Caller("203.0.113.9", "203.0.113.9", "Edge on Windows", actor=Actor(account_id=actor_id))

    async def run() -> None:
        async with open_site(config) as site:
            for action in actions:
                await Runner(site, caller).write(action)

    asyncio.run(run())


def administer(service: Service, administrator: User, person: User) -> None:
    """Do to a person all that an administrator can."""
    actor_id = administrator.api.session()["account"]["id"]
    run_inside(service, actor_id, *(lambda uow, act=act: act(uow, person.email) for act in ACTIONS.values()))


def actors(person: User) -> dict[str, dict[str, Any]]:
    """Return the newest event of each name in a person's own history."""
    return {each["name"]: each for each in reversed(person.api.events(limit="100").expect(200)["items"])}


def test_administrator_is_shown_without_ip_address_browser_or_account(moving: Service) -> None:
    """In the API by kind, on the page and in mails in words."""
    administrator, person = new_user(moving), protected(moving)
    administer(moving, administrator, person)
    person.sign_in()
    found = actors(person)
    for name in ACTIONS:
        assert (found[name]["actor"], found[name]["address"], found[name]["agent"]) == (ADMINISTRATOR, "", ""), name
    assert (found["sign_in:completed"]["actor"], found["sign_in:completed"]["address"]) == (YOU, "127.0.0.1")
    subjects = (
        "All your sessions were ended",
        "Two-factor authentication was reset",
        "Your account was disabled",
        "Your account was enabled",
    )
    mails = [wait_for_mail(moving, person.email, subject)["text"] for subject in subjects]
    assert all("By: an administrator of 127.0.0.1\n" in text and "From:" not in text for text in mails)
    page = person.pages().get("/settings/activity").expect(200)
    assert page.words.count("An administrator of 127.0.0.1") == len(ACTIONS)
    for hidden in ("203.0.113.9", "Edge on Windows", administrator.email, administrator.api.session()["account"]["id"]):
        assert hidden not in f"{page.html} {found} {mails}"


def test_command_line_actions_appear_in_the_history(moving: Service) -> None:
    """Without an address, and as an act of an administrator on the page."""
    person = protected(moving)
    assert moving.command("account", "unlock", person.email).returncode == 0
    unlocked = actors(person)["account:unlocked"]
    assert (unlocked["actor"], unlocked["address"], unlocked["agent"]) == (COMMAND_LINE, "", "Command line")
    assert "An administrator of 127.0.0.1" in person.pages().get("/settings/activity").expect(200).words


async def test_session_that_changes_another_account_is_the_actor(tmp_path: Path, database_url: str) -> None:
    """The actor is the account of the session, whichever account the event concerns."""
    async with in_process(tmp_path, database_url=database_url) as browser:
        ids = [await account(browser, f"{name}@example.com") for name in ("ann", "bob")]
        answer = await browser.http.post("/api/v1/sign-in", json={"email": "ann@example.com", "password": PASSWORD})
        bearer = f"Bearer {answer.json()['session']['token']}".encode()
        system = browser.twofold.system

        async def unlock(uow: UnitOfWork, _visitor: Visitor) -> None:
            await audit.record(uow, Event.ACCOUNT_UNLOCKED, ids[1])

        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "client": ("203.0.113.9", 1)}
        request = Request({**scope, "headers": [(b"authorization", bearer)]})
        await Context(request, system.site, Access.SIGNED_IN).write(unlock)
        (newest,), _next = await system.read(audit.history, ids[1], before=None, limit=1)
        assert (newest.actor, newest.actor_id, newest.client) == ("account", ids[0], ("", ""))


async def account(browser: LocalApp, email: str) -> str:
    """Sign up; return the id of the account."""
    answer = await browser.http.post("/api/v1/accounts", json={"email": email, "password": PASSWORD})
    return str(answer.json()["account"]["id"])


def test_events_of_older_versions_have_the_same_actors(moving: Service) -> None:
    """They have no actor: where an address was noted it was the account itself, else the command line."""
    person = protected(moving)
    assert moving.command("account", "unlock", person.email).returncode == 0
    before = person.api.events(limit="100").expect(200)["items"]
    assert {each["actor"]["kind"] for each in before} == {"account", "command_line"}

    async def forget(uow: UnitOfWork) -> None:
        forgotten = "UPDATE event SET actor = NULL, actor_id = NULL WHERE account_id = :id"
        assert await uow.tx.run(forgotten, id=person.api.session()["account"]["id"]) == len(before)

    run_inside(moving, "", forget)
    assert person.api.events(limit="100").expect(200)["items"] == before
