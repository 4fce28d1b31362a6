"""`twofold group`: groups, and who is in them."""

import asyncio
from collections.abc import Awaitable, Callable

import click

from twofold.accounts.rules import normal_email
from twofold.admin import groups
from twofold.admin.groups import Group
from twofold.base.unit_of_work import UnitOfWork
from twofold.cli.output import json_option, print_columns, print_json
from twofold.cli.runner import open_runner


@click.group("group")
def command() -> None:
    """List, add and remove groups and their members."""


@command.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List all groups, with the number of their members."""

    async def run() -> list[Group]:
        async with open_runner() as runner:
            return await runner.read(groups.listed)

    found = asyncio.run(run())
    if as_json:
        print_json([{"name": group.name, "members": group.members} for group in found])
    elif found:
        print_columns((group.name, str(group.members)) for group in found)
    else:
        click.echo("There are no groups. Add one: `twofold group add NAME`.")


@command.command()
@click.argument("name")
@json_option
def add(name: str, *, as_json: bool) -> None:
    """Add an empty group."""

    async def run() -> None:
        async with open_runner() as runner:
            await runner.write(groups.add, name)

    asyncio.run(run())
    print_json({"name": name, "members": 0}) if as_json else click.echo(f"Added {name}.")


@command.command()
@click.argument("name")
@json_option
def remove(name: str, *, as_json: bool) -> None:
    """Remove a group, and everyone from it."""

    async def run() -> None:
        async with open_runner() as runner:
            await groups.remove(runner, name)

    asyncio.run(run())
    print_json({"name": name, "done": "remove"}) if as_json else click.echo(f"Removed {name}.")


@command.command()
@click.argument("name")
@click.argument("email")
@json_option
def join(name: str, email: str, *, as_json: bool) -> None:
    """Add an account to a group."""
    joined = _change_members(groups.join, name, email)
    _report("join", name, email, f"is in {name} now." if joined else f"was in {name} before.", as_json=as_json)


@command.command()
@click.argument("name")
@click.argument("email")
@json_option
def leave(name: str, email: str, *, as_json: bool) -> None:
    """Remove an account from a group."""
    left = _change_members(groups.leave, name, email)
    _report("leave", name, email, f"is not in {name} any more." if left else f"was not in {name}.", as_json=as_json)


def _change_members(action: Callable[[UnitOfWork, str, str], Awaitable[bool]], name: str, email: str) -> bool:
    async def run() -> bool:
        async with open_runner() as runner:
            return await runner.write(action, name, email)

    return asyncio.run(run())


def _report(done: str, name: str, email: str, sentence: str, *, as_json: bool) -> None:
    address = normal_email(email)
    print_json({"name": name, "email": address, "done": done}) if as_json else click.echo(f"{address} {sentence}")
