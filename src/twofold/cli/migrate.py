"""`twofold migrate`: brings the database up to this version, for those who want it apart from `serve`."""

import asyncio

import click

from twofold.base.database import open_database
from twofold.base.database.migrate import NewerDatabase, Status, migrate
from twofold.cli import installed
from twofold.cli.output import Failed, json_option, print_json
from twofold.config import Config


@click.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit status 1 if there is something to do.")
@json_option
def command(*, check: bool, as_json: bool) -> None:
    """Bring the database up to this version; it never goes back."""
    config = Config.from_env()
    if check:
        _report(asyncio.run(installed.found(config)), as_json=as_json)
        return
    taken = asyncio.run(_migrate(config))
    if as_json:
        print_json({"taken": taken})
    else:
        click.echo(f"Migrated: {', '.join(taken)}." if taken else "The database is up to date.")


def _report(found: Status, *, as_json: bool) -> None:
    if as_json:
        print_json({"current": found.current, "known": found.known})
    if found.current > found.known:
        raise NewerDatabase(found.current, found.known)
    if found.current < found.known:
        raise Failed(f"The database has version {found.current} of {found.known}: run `twofold migrate`.")
    if not as_json:
        click.echo("The database is up to date.")


async def _migrate(config: Config) -> list[str]:
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = await open_database(config.database_url, serving=False, connections=1)
    try:
        return await migrate(db)
    finally:
        await db.close()
