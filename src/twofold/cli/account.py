"""`twofold account`: manage accounts. Links are printed; an administrator never chooses another person's password."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import click

from twofold.accounts.rules import normal_email
from twofold.admin import actions as admin
from twofold.admin import people
from twofold.admin.actions import Overview
from twofold.base.clock import rfc3339, rfc3339_or_none
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import ADMINISTRATORS, Role
from twofold.cli.output import json_option, password_option, print_columns, print_json, read_password
from twofold.cli.runner import open_runner
from twofold.config import PREFIX
from twofold.features import FEATURES
from twofold.signup import actions as signup

_PAGE = 1_000


@click.group("account")
def command() -> None:
    """Add, invite, list, unlock, reset and disable accounts."""


@command.command()
@click.argument("email")
@click.option(
    "--admin", "administrator", is_flag=True, help="Make the account an administrator, or an owner while there is none."
)
@password_option
@json_option
def add(email: str, password_file: Any, *, administrator: bool, as_json: bool) -> None:  # noqa: ANN401 - an open file
    """Add an account and ask for its password. Create keys and database if they do not exist."""
    config = FEATURES.read_settings(os.environ)[0]
    address = normal_email(email)
    password = read_password(password_file)

    async def run() -> None:
        async with open_runner(config, create=True) as runner:
            await signup.add(runner, address, password, administrator=administrator)
            overview = await runner.read(admin.show, address)
        print_json(_as_json(overview)) if as_json else click.echo(f"Added {address}.")

    asyncio.run(run())


@command.command()
@click.argument("email")
@json_option
def invite(email: str, *, as_json: bool) -> None:
    """Print a link for creating an account, which works once, within one hour."""
    _print_link(admin.invite, "invitation", email, as_json=as_json)


@command.command("reset-password")
@click.argument("email")
@json_option
def reset_password(email: str, *, as_json: bool) -> None:
    """Print a link for setting a new password, which works once, within one hour. 2FA stays on."""
    _print_link(admin.create_password_reset_link, "reset-password", email, as_json=as_json)


@command.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List all accounts by email address."""
    overviews = asyncio.run(_listed())
    if as_json:
        print_json([_as_json(overview) for overview in overviews])
    elif overviews:
        print_columns(_columns(overview) for overview in overviews)
    else:
        click.echo("There are no accounts. If you expected some, `twofold doctor` shows which data directory is used.")


@command.command()
@click.argument("email")
@json_option
def show(email: str, *, as_json: bool) -> None:
    """Show one account and how it signs in, without secrets."""

    async def run() -> Overview:
        async with open_runner() as runner:
            return await runner.read(admin.show, email)

    _print_account(asyncio.run(run()), as_json=as_json)


@command.command("set")
@click.argument("email")
@click.option("--username", help="The name by which applications know the account.")
@click.option("--name", help="What the person is called; empty to remove it.")
@click.option("--role", type=click.Choice([role.value for role in Role]), help="What the account may do.")
@json_option
def set_(email: str, username: str | None, name: str | None, role: str | None, *, as_json: bool) -> None:
    """Change the username, name or role of an account; its user gets a mail, and its settings lock."""
    if username is None and name is None and role is None:
        raise click.UsageError("Say what to change: --username, --name or --role.")

    async def run() -> Overview:
        async with open_runner() as runner:
            wanted = Role(role) if role else None
            await runner.write(people.change, email, username=username, name=name, role=wanted)
            return await runner.read(admin.show, email)

    _print_account(asyncio.run(run()), as_json=as_json)


def _add_command(name: str, action: Callable[[UnitOfWork, str], Awaitable[None]], done: str, about: str) -> None:
    """Add a command that runs one action on one account."""

    @command.command(name, help=about, short_help=about.partition(";")[0].rstrip(".") + ".")
    @click.argument("email")
    @json_option
    def run_action(email: str, *, as_json: bool) -> None:
        async def run() -> None:
            async with open_runner() as runner:
                await runner.write(action, email)

        asyncio.run(run())
        address = normal_email(email)
        print_json({"email": address, "done": name}) if as_json else click.echo(done.format(address))


_add_command(
    "reset-2fa",
    admin.reset_two_factor,
    "2FA was reset for {}. The user now signs in with the password alone.",
    "Remove all authenticators and the recovery code, end all sessions and forget all trusted computers.",
)
_add_command(
    "unlock",
    admin.unlock,
    "The limits were lifted for {}.",
    "Clear the limits on wrong passwords and codes, and any used time step that lies in the future.",
)
_add_command(
    "disable",
    admin.disable,
    "{} is disabled.",
    "Disable an account, end its sessions and forget its trusted computers.",
)
_add_command(
    "confirm-email",
    admin.confirm_email,
    "The email address {} is confirmed.",
    "Confirm that the email address of an account belongs to its owner. Applications can then see it.",
)
_add_command("enable", admin.enable, "{} is enabled.", "Enable a disabled account.")
_add_command(
    "sign-out",
    admin.sign_out,
    "{} is signed out everywhere.",
    "End all sessions of an account and forget its trusted computers.",
)


async def _listed() -> list[Overview]:
    overviews: list[Overview] = []
    last = ""
    async with open_runner() as runner:
        while page := await runner.read_long(admin.listed, after=last, limit=_PAGE):
            overviews += page
            last = page[-1].account.email
    return overviews


def _print_link(action: Callable[[UnitOfWork, str], Awaitable[str]], path: str, email: str, *, as_json: bool) -> None:
    config, sources = FEATURES.read_settings(os.environ)

    async def run() -> str:
        async with open_runner(config) as runner:
            return await runner.write(action, email)

    link = f"{config.base_url}/{path}/{asyncio.run(run())}"
    if as_json:
        print_json({"email": normal_email(email), "link": link})
    else:
        click.echo(f"Send this link to {normal_email(email)} (it works once, within one hour):\n{link}")
    if sources["base_url"] == "default":
        click.echo(f"The link uses the default address. If Twofold has another one, set {PREFIX}BASE_URL.", err=True)


def _print_account(overview: Overview, *, as_json: bool) -> None:
    shown = _as_json(overview)
    if as_json:
        print_json(shown)
    else:
        print_columns((f"{name}:", _in_words(value)) for name, value in shown.items())


def _as_json(overview: Overview) -> dict[str, Any]:
    account, two_factor = overview.account, overview.two_factor
    return {
        "id": account.id,
        "email": account.email,
        "email_verified": account.email_proven_at is not None,
        "username": account.username,
        "name": account.shown_name,
        "groups": list(account.groups),
        "role": account.role,
        "administrator": account.role in ADMINISTRATORS,
        "created_at": rfc3339(account.created_at),
        "disabled_at": rfc3339_or_none(account.disabled_at),
        "policy": two_factor.policy.value,
        "active": two_factor.active,
        "factors": [{"id": factor.id, "kind": factor.kind, "name": factor.name} for factor in two_factor.factors],
    }


def _in_words(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return ", ".join(each if isinstance(each, str) else each["name"] for each in value) or "none"
    return {True: "yes", False: "no", None: "-"}.get(value, str(value))


def _columns(overview: Overview) -> tuple[str, ...]:
    account, two_factor = overview.account, overview.two_factor
    state = "disabled" if account.disabled_at is not None else "enabled"
    active = "2FA on" if two_factor.active else "2FA off"
    return account.email, account.username, account.role, state, active, rfc3339(account.created_at)
