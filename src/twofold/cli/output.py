"""Print results as text or JSON, and ask for passwords."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Failed(click.ClickException):
    """A failed command; its sentence is printed on standard error as it is."""

    def show(self, file: Any = None) -> None:  # noqa: ANN401 - click's signature
        """Print the sentence without click's prefix."""
        click.echo(self.message, err=True, file=file)


def json_option(function: F) -> F:
    """Add `--json` to a command that prints data."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def print_json(data: object) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_columns(rows: Iterable[Sequence[str]]) -> None:
    """Print rows with aligned columns; the last column is not padded."""
    listed = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in list(zip(*listed, strict=True))[:-1]]
    for *cells, last in listed:
        click.echo("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), last]).rstrip())


def password_option(function: F) -> F:
    """Add `--password-file` to a command. Passwords are never arguments, since other users can see those."""
    return click.option(
        "--password-file",
        type=click.File("r", encoding="utf-8"),
        help="Read the password from the first line of this file (`-`: standard input) instead of asking for it.",
    )(function)


def read_password(file: Any) -> str:  # noqa: ANN401 - an open text file
    """Read the password from a file, or ask for it twice without showing it. Raise Failed if the two differ."""
    if file is not None:
        return _first_line(file)
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: pass the password with --password-file -.")
    password = click.prompt("Password", hide_input=True, type=str)
    if click.prompt("Repeat the password", hide_input=True, type=str) != password:
        raise Failed("The two passwords differ. Nothing was changed.")
    return str(password)


def _first_line(file: Any) -> str:  # noqa: ANN401 - an open text file
    try:
        return str(file.readline().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError:
        raise Failed("The password file is not UTF-8 text.") from None
