"""`twofold gate`: find mistakes in the rules of the gate, and in the proxies that ask it."""

import asyncio
import os
import re
from typing import TextIO

import click

from twofold.accounts.rules import Account, normal_email
from twofold.accounts.store import by_email
from twofold.base.feature import Checked
from twofold.base.unit_of_work import UnitOfWork
from twofold.cli.doctor.findings import Finding
from twofold.cli.output import Failed, json_option, print_columns, print_json
from twofold.cli.runner import open_runner
from twofold.config import Config
from twofold.features import FEATURES
from twofold.gate.origins import InvalidOrigin, read_address
from twofold.gate.probe import run as probing
from twofold.gate.probe.client import Client
from twofold.gate.probe.forgeries import parse_cookies
from twofold.gate.reading import read_all_rules
from twofold.gate.rules import Asked, Decision, Require, Rule

_AFTER = {
    Require.SIGNED_IN: " after a sign-in",
    Require.TWO_FACTOR: " after a sign-in with two factors",
    Require.PHISHING_RESISTANT: " after a sign-in with a passkey",
}


@click.group("gate")
def command() -> None:
    """Find mistakes in the rules of the gate, and in the proxies that ask it."""


@command.command()
@click.argument("url")
@click.option("--account", "email", metavar="EMAIL", help="Also decide for the account with this address.")
@click.option("--method", default="GET", show_default=True, help="The method of the request.")
@click.option("--client", default="", metavar="ADDRESS", help="The address that the request comes from.")
@json_option
def test(url: str, email: str | None, method: str, client: str, *, as_json: bool) -> None:
    """Print which rule decides about a URL, and why.

    The exit status is 0 for every decision, and 2 if the URL is not valid.
    """
    config = FEATURES.read_settings(os.environ)[0]
    try:
        origin, target = read_address(url)
    except InvalidOrigin as fault:
        raise click.BadParameter(f"{fault}.", param_hint="URL") from None
    asked = Asked(origin, method, target.partition("?")[0], client)
    decision = read_all_rules(config).decide(asked)
    account = asyncio.run(_account(config, email)) if email else None
    allowed, reason = _explain(decision, account)
    name, require = (decision.rule.name, decision.rule.require.value) if decision.rule else (None, None)
    if as_json:
        shown = "allow" if allowed else "refuse"
        print_json({"rule": name, "require": require, "decision": shown, "reason": reason})
    else:
        click.echo(f"{'Allowed' if allowed else 'Refused'}: {reason}.")


@command.command()
@click.argument("url")
@click.option(
    "--cookie-file",
    type=click.File("r", encoding="utf-8"),
    help="Cookies of a browser that is signed in at the application: a Cookie header, or cookies.txt.",
)
@click.option("--echo", default="", metavar="PATH", help="A page of the application that shows the headers it gets.")
@click.option("--connect", default="", metavar="ADDRESS[:PORT]", help="Connect there instead of looking up the host.")
@json_option
def probe(url: str, cookie_file: TextIO | None, echo: str, connect: str, *, as_json: bool) -> None:
    """Ask for a URL of an application from outside, and report what the proxy lets through.

    Twofold must be running. The exit status is 1 if anything fails, and 2 if the URL is not valid.
    """
    config = FEATURES.read_settings(os.environ)[0]
    try:
        origin, target = read_address(url)
        _echo_origin, echo = read_address(f"{origin}{echo}") if echo else (origin, "")
    except InvalidOrigin as fault:
        raise click.BadParameter(f"{fault}.", param_hint="URL") from None
    if not read_all_rules(config).covers(origin):
        raise Failed(f"No rule is for {origin}: add its host to TWOFOLD_GATE_HOSTS, and restart Twofold.")
    client = Client(*_connection(connect))
    cookies = _cookies(cookie_file, origin.host) if cookie_file else ""

    async def run() -> list[Checked]:
        async with open_runner(config) as runner:
            return [each async for each in probing.probe(runner, client, origin, target, echo=echo, cookies=cookies)]

    findings = [Finding(*each) for each in asyncio.run(run())]
    print_json([each._asdict() for each in findings]) if as_json else print_columns(findings)
    if any(each.status == "fail" for each in findings):
        raise SystemExit(1)


def _connection(text: str) -> tuple[str, int]:
    """Return address and port to connect to; empty and 0 for those of the URL."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+)(?::([0-9]{1,5}))?", text)
    if text and match is None:
        raise click.BadParameter("must be an address such as 127.0.0.1:8443.", param_hint="'--connect'")
    return (match[1].strip("[]"), int(match[2] or 0)) if match else ("", 0)


def _cookies(file: TextIO, host: str) -> str:
    try:
        return parse_cookies(file.read(), host)
    except (UnicodeDecodeError, ValueError) as fault:
        reason = "it is not UTF-8 text" if isinstance(fault, UnicodeDecodeError) else str(fault)
        raise Failed(f"The cookie file cannot be used: {reason}.") from None


def _explain(decision: Decision, account: Account | None) -> tuple[bool, str]:
    """Return whether people pass, or this account, and the rest of a sentence that says why."""
    rule = decision.rule
    if rule is None:
        return False, decision.reason
    refusal = _why_refused(rule, account)
    passed = "everyone" if rule.require is Require.OPEN else account.username if account else _who(rule)
    if refusal is None:
        return True, f"{decision.reason}, and it lets {passed} pass{_AFTER.get(rule.require, '')}"
    return False, f"{decision.reason}, but {refusal}"


def _why_refused(rule: Rule, account: Account | None) -> str | None:
    """Return why the rule refuses everyone or this account, or None."""
    if rule.require is Require.DENY:
        return "it denies everyone"
    if rule.require is Require.OPEN or account is None:
        return None
    reasons = (
        (account.disabled_at is not None, "the account is disabled"),
        (not rule.admits(account.username, account.groups), f"it is only for {_who(rule)}"),
        (rule.user == "email" and not account.email_for_applications, "the address of the account is not proven"),
    )
    return next((reason for is_so, reason in reasons if is_so), None)


def _who(rule: Rule) -> str:
    """Return whom a rule is for, in words."""
    names = [f"user {name}" for name in sorted(rule.users)]
    groups = [f"members of {name}" for name in sorted(rule.groups)]
    return " who are ".join(" or ".join(each) for each in (names, groups) if each) or "everyone"


async def _account(config: Config, email: str) -> Account:
    async def find(uow: UnitOfWork) -> Account | None:
        return await by_email(uow.tx, normal_email(email))

    async with open_runner(config) as runner:
        account = await runner.read(find)
    if account is None:
        raise Failed(f"There is no account with the address {email}.")
    return account
