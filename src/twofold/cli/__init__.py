"""The command line. Each command's module is loaded only when it runs, so `--help` is fast.

Exit status 0: success. 1: failure, with one plain sentence on standard error. 2: wrong usage.
"""

from importlib import import_module
from typing import Any

import click

from twofold.cli.output import Failed

COMMANDS = {
    "serve": "Set up what is missing, migrate, and serve until Ctrl-C or SIGTERM.",
    "account": "Add, invite, list, change, unlock, reset and disable accounts.",
    "group": "List, add and remove groups and their members.",
    "gate": "Find mistakes in the rules of the gate, and in the proxies that ask it.",
    "config": "Show, check and explain the settings.",
    "doctor": "Check settings, database, durability, clock, keys and couriers.",
    "healthcheck": "Check whether a running service is ready.",
    "migrate": "Migrate the database to this version.",
}


class Commands(click.Group):
    """A group that loads each command from the module of its name, and reports known failures in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Load the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"twofold.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run a command. Raise Failed with one sentence for a known failure; let any other exception through."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from twofold.cli.failures import sentence_for  # noqa: PLC0415 - needed only after a failure

            if sentence := sentence_for(error):
                raise Failed(sentence) from error
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="twofold", prog_name="twofold", message="%(prog)s %(version)s")
def main() -> None:
    """Sign-in with two-factor authentication for your own users."""
