"""`twofold account`: what an administrator does for people. Links are printed; no password is ever chosen for anybody.

Works beside a running service, on the same database.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import click

from twofold.accounts.rules import normal_email
from twofold.admin import actions as admin
from twofold.admin.actions import Overview
from twofold.app import open_site
from twofold.base.acts import COMMAND_LINE, Act, Acts
from twofold.base.clock import rfc3339
from twofold.cli import installed
from twofold.cli.output import json_option, password_option, print_columns, print_json, take_password
from twofold.config import PREFIX, Config
from twofold.rooms import read_settings
from twofold.signup import actions as signup

_PAGE = 1_000


@click.group("account")
def command() -> None:
    """Add, invite, list, unlock, reset, disable accounts."""


@command.command()
@click.argument("email")
@click.option("--admin", "administrator", is_flag=True, help="An administrator of this service.")
@password_option
@json_option
def add(email: str, password_file: Any, *, administrator: bool, as_json: bool) -> None:  # noqa: ANN401 - an open file
    """Add an account with a password that is asked for; makes keys and database where there are none."""
    config = read_settings(os.environ)[0]
    address = normal_email(email)
    password = take_password(password_file)

    async def run() -> None:
        async with _acts(config, anew=True) as acts:
            await signup.add(acts, address, password, administrator=administrator)
            overview = await acts.read(admin.show, address)
        print_json(_as_json(overview)) if as_json else click.echo(f"Added {address}.")

    asyncio.run(run())


@command.command()
@click.argument("email")
@json_option
def invite(email: str, *, as_json: bool) -> None:
    """Print a link with which this person makes an account; one hour, one use."""
    _print_link(admin.invite, "invitation", email, as_json=as_json)


@command.command("reset-password")
@click.argument("email")
@json_option
def reset_password(email: str, *, as_json: bool) -> None:
    """Print a link with which the owner sets a new password; one hour, one use. 2FA stays."""
    _print_link(admin.offer_password_reset, "reset-password", email, as_json=as_json)


@command.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List all accounts by address."""
    found = asyncio.run(_listed())
    if as_json:
        print_json([_as_json(overview) for overview in found])
    elif found:
        print_columns(_columns(overview) for overview in found)
    else:
        click.echo("There is no account yet. If that is a surprise: `twofold doctor` names the data directory in use.")


@command.command()
@click.argument("email")
@json_option
def show(email: str, *, as_json: bool) -> None:
    """Show one account and how it signs in; no secret is shown."""

    async def run() -> Overview:
        async with _acts(read_settings(os.environ)[0]) as acts:
            return await acts.read(admin.show, email)

    shown = _as_json(asyncio.run(run()))
    if as_json:
        print_json(shown)
    else:
        print_columns((f"{name}:", _in_words(value)) for name, value in shown.items())


def _deed(name: str, action: Callable[[Act, str], Awaitable[None]], told: str, explained: str) -> None:
    """Add a command that does one thing to one account."""

    @command.command(name, help=explained, short_help=explained.partition(";")[0].rstrip(".") + ".")
    @click.argument("email")
    @json_option
    def deed(email: str, *, as_json: bool) -> None:
        async def run() -> None:
            async with _acts(read_settings(os.environ)[0]) as acts:
                await acts.write(action, email)

        asyncio.run(run())
        address = normal_email(email)
        print_json({"email": address, "done": name}) if as_json else click.echo(told.format(address))


_deed(
    "reset-2fa",
    admin.reset_two_factor,
    "2FA of {} is reset: the password alone signs in.",
    "Remove every authenticator and the recovery code; sessions and trusted computers end.",
)
_deed(
    "unlock",
    admin.unlock,
    "The limits on {} are lifted.",
    "Lift the limits on wrong passwords and codes, and time steps remembered from a wrong clock.",
)
_deed("disable", admin.disable, "{} is disabled.", "Keep an account out; its sessions and trusted computers end.")
_deed("enable", admin.enable, "{} is enabled.", "Let a disabled account in again.")
_deed(
    "sign-out", admin.sign_out, "{} is signed out everywhere.", "End all sessions and trusted computers of an account."
)


@asynccontextmanager
async def _acts(config: Config, *, anew: bool = False) -> AsyncIterator[Acts]:
    if not anew:
        await installed.must_be_there(config)
    async with open_site(config) as site:
        yield Acts(site, COMMAND_LINE)


async def _listed() -> list[Overview]:
    found: list[Overview] = []
    async with _acts(read_settings(os.environ)[0]) as acts:
        while page := await acts.read_long(admin.listed, after=found[-1].account.email if found else "", limit=_PAGE):
            found += page
    return found


def _print_link(action: Callable[[Act, str], Awaitable[str]], path: str, email: str, *, as_json: bool) -> None:
    config, places = read_settings(os.environ)

    async def run() -> str:
        async with _acts(config) as acts:
            return await acts.write(action, email)

    link = f"{config.base_url}/{path}/{asyncio.run(run())}"
    if as_json:
        print_json({"email": normal_email(email), "link": link})
    else:
        click.echo(f"Hand this link to {normal_email(email)} (one hour, one use):\n{link}")
    if places["base_url"] == "default":
        click.echo(f"The address is the default. If Twofold serves elsewhere, set {PREFIX}BASE_URL.", err=True)


def _as_json(overview: Overview) -> dict[str, Any]:
    account, two_factor = overview.account, overview.two_factor
    return {
        "id": account.id,
        "email": account.email,
        "administrator": bool(account.administrator),
        "created_at": rfc3339(account.created_at),
        "disabled_at": rfc3339(account.disabled_at) if account.disabled_at is not None else None,
        "policy": two_factor.policy.value,
        "active": two_factor.active,
        "factors": [{"id": factor.id, "kind": factor.kind, "name": factor.name} for factor in two_factor.factors],
    }


def _in_words(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, list):
        return ", ".join(factor["name"] for factor in value) or "none"
    return {True: "yes", False: "no", None: "-"}.get(value, str(value))


def _columns(overview: Overview) -> tuple[str, ...]:
    account, two_factor = overview.account, overview.two_factor
    role = "administrator" if account.administrator else "person"
    state = "disabled" if account.disabled_at is not None else "enabled"
    return account.email, role, state, "2FA on" if two_factor.active else "2FA off", rfc3339(account.created_at)
