"""`twofold config`: show, check and explain the settings. Secrets are never printed."""

import os

import click

from twofold.cli.output import json_option, print_columns, print_json
from twofold.config import PREFIX, SETTINGS, ConfigError
from twofold.couriers.registry import forms
from twofold.features import DRIVERS, FEATURES


@click.group("config")
def command() -> None:
    """Show, check and explain the settings."""


@command.command()
@json_option
def show(*, as_json: bool) -> None:
    """Print the value and source of every setting, without secrets."""
    config, sources = FEATURES.read_settings(os.environ)
    shown = {name: each.write(getattr(config, name)) for name, each in SETTINGS.items()}
    if as_json:
        print_json({PREFIX + name.upper(): {"value": shown[name], "from": sources[name]} for name in SETTINGS})
    else:
        print_columns((PREFIX + name.upper(), shown[name], f"({sources[name]})") for name in SETTINGS)


@command.command()
@json_option
def check(*, as_json: bool) -> None:
    """Check the settings, and report all faults together, and what is valid but probably a mistake."""
    try:
        config, _sources = FEATURES.read_settings(os.environ)
    except ConfigError as error:
        if as_json:
            print_json({"ok": False, "faults": error.faults, "warnings": []})
        raise
    warnings = list(FEATURES.warnings(config))
    if as_json:
        print_json({"ok": True, "faults": [], "warnings": warnings})
    else:
        click.echo("The settings are valid.")
        for warning in warnings:
            click.echo(f"Warning: {warning}")


@command.command()
@json_option
def reference(*, as_json: bool) -> None:
    """Explain every setting: variable, meaning, form and default."""
    if as_json:
        print_json([_explained(name) for name in SETTINGS])
        return
    click.echo(
        "Environment variables override the TOML file named by TWOFOLD_CONFIG, which overrides the defaults.\n"
        "Keys in the TOML file are in lower case, without the prefix.\n"
        "Any variable NAME can be set as NAME_FILE instead: the path of a file with the value.\n"
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
    """Return the form of a setting; the drivers define the forms of courier addresses."""
    return " | ".join(forms(name.removesuffix("_url"), DRIVERS)) or SETTINGS[name].form
