"""What commands share: printing for people or for programs, and asking for a password."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Failed(click.ClickException):
    """Refused or failed: the sentence goes to standard error as it is."""

    def show(self, file: Any = None) -> None:  # noqa: ANN401 - click's signature
        """Print the sentence without decoration."""
        click.echo(self.message, err=True, file=file)


def json_option(function: F) -> F:
    """Add `--json` to a command that prints data."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def print_json(data: object) -> None:
    """Print data for programs."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_columns(rows: Iterable[Sequence[str]]) -> None:
    """Print rows with their columns under each other; the last one runs free."""
    listed = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in list(zip(*listed, strict=True))[:-1]]
    for *cells, last in listed:
        click.echo("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), last]).rstrip())


def password_option(function: F) -> F:
    """Add `--password-file` to a command that needs a password; none is ever an argument."""
    return click.option(
        "--password-file",
        type=click.File("r", encoding="utf-8"),
        help="Read the password from this file's first line, `-` for standard input; else it is asked for.",
    )(function)


def take_password(file: Any) -> str:  # noqa: ANN401 - an open text file
    """Read the password from a file, or ask for it twice without showing it. Raises Failed."""
    if file is not None:
        return _first_line(file)
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: give the password with --password-file -.")
    password = click.prompt("Password", hide_input=True, type=str)
    if click.prompt("The same again", hide_input=True, type=str) != password:
        raise Failed("The two passwords differ; nothing was changed.")
    return str(password)


def _first_line(file: Any) -> str:  # noqa: ANN401 - an open text file
    try:
        return str(file.readline().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError:
        raise Failed("The password file is not UTF-8 text.") from None
