"""The command line. A command's file is loaded when the command is called: `--help` answers at once.

Exit status 0: done. 1: refused or failed, with one plain sentence on standard error. 2: wrong usage.
"""

from importlib import import_module
from typing import Any

import click

from twofold.cli.output import Failed

COMMANDS = {
    "serve": "Make what is missing, migrate, and serve until Ctrl-C or SIGTERM.",
    "account": "Add, invite, list, unlock, reset, disable accounts.",
    "config": "Show, check and explain the settings.",
    "doctor": "Look at settings, database, durability, clock, keys and couriers.",
    "healthcheck": "Ask a running service whether it is ready.",
    "migrate": "Bring the database up to this version; it never goes back.",
}


class Commands(click.Group):
    """Commands that live in files of their own names; what they cannot do ends in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Load the file of one command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"twofold.cli.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run a command; known failures become one sentence, anything else is a fault of ours and shows itself."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from twofold.cli.failures import sentence_for  # noqa: PLC0415 - only failures pay for knowing them all

            if sentence := sentence_for(error):
                raise Failed(sentence) from error
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="twofold", prog_name="twofold", message="%(prog)s %(version)s")
def main() -> None:
    """Sign-in with two-factor authentication for your own users."""
