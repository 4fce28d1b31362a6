"""`twofold config`: what is set, whether it is sound, what could be set. Never prints a secret."""

import os

import click

from twofold.cli.output import json_option, print_columns, print_json
from twofold.config import PREFIX, SETTINGS, ConfigError
from twofold.couriers.registry import forms
from twofold.rooms import DRIVERS, read_settings


@click.group("config")
def command() -> None:
    """Show, check and explain the settings."""


@command.command()
@json_option
def show(*, as_json: bool) -> None:
    """Print every setting in force and where it comes from; secrets are left out."""
    config, places = read_settings(os.environ)
    shown = {name: each.write(getattr(config, name)) for name, each in SETTINGS.items()}
    if as_json:
        print_json({PREFIX + name.upper(): {"value": shown[name], "from": places[name]} for name in SETTINGS})
    else:
        print_columns((PREFIX + name.upper(), shown[name], f"({places[name]})") for name in SETTINGS)


@command.command()
@json_option
def check(*, as_json: bool) -> None:
    """Read the settings and report all faults together."""
    try:
        read_settings(os.environ)
    except ConfigError as error:
        if as_json:
            print_json({"ok": False, "faults": error.faults})
        raise
    if as_json:
        print_json({"ok": True, "faults": []})
    else:
        click.echo("The settings are sound.")


@command.command()
@json_option
def reference(*, as_json: bool) -> None:
    """Explain every setting: variable, default, accepted form, meaning."""
    if as_json:
        print_json([_explained(name) for name in SETTINGS])
        return
    click.echo(
        "Environment over the TOML file that TWOFOLD_CONFIG names (the names in lower case without the prefix) over\n"
        "defaults. Every variable also as NAME_FILE: the path of a file that holds the value.\n"
    )
    for name, each in SETTINGS.items():
        click.echo(
            f"{PREFIX}{name.upper()}\n    {each.meaning}\n    Form: {_form(name)}\n    Default: {each.default}\n"
        )


def _explained(name: str) -> dict[str, str | bool]:
    each = SETTINGS[name]
    return {
        "variable": PREFIX + name.upper(),
        "file_variable": f"{PREFIX}{name.upper()}_FILE",
        "key": name,
        "default": each.default,
        "form": _form(name),
        "meaning": each.meaning,
        "secret": each.secret,
    }


def _form(name: str) -> str:
    """How a setting is written; of a courier's address its drivers know it."""
    return " | ".join(forms(name.removesuffix("_url"), DRIVERS)) or SETTINGS[name].form
