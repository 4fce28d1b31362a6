"""`twofold migrate`: migrate the database to this version, separately from `serve`."""

import asyncio

import click

from twofold.accounts import composed, earlier_addresses
from twofold.accounts.usernames.actions import open_usernames
from twofold.base.clock import now
from twofold.base.database import open_database
from twofold.base.database.migrate import NewerDatabase, Status, migrate
from twofold.base.keystore import open_keyring
from twofold.cli import installed
from twofold.cli.output import Failed, json_option, print_json
from twofold.config import Config


@click.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit status 1 if migrations are pending.")
@json_option
def command(*, check: bool, as_json: bool) -> None:
    """Migrate the database to this version."""
    config = Config.from_env()
    if check:
        _report(asyncio.run(installed.database_status(config)), as_json=as_json)
        return
    taken, clashes = asyncio.run(_migrate(config))
    if as_json:
        print_json({"taken": taken, "clashes": clashes})
        return
    for sentence in clashes:
        click.echo(sentence, err=True)
    click.echo(f"Migrated: {', '.join(taken)}." if taken else "The database is up to date.")


def _report(database: Status, *, as_json: bool) -> None:
    if as_json:
        print_json({"current": database.current, "known": database.known})
    if database.current > database.known:
        raise NewerDatabase(database.current, database.known)
    if database.current < database.known:
        raise Failed(f"The database has version {database.current} of {database.known}: run `twofold migrate`.")
    if not as_json:
        click.echo("The database is up to date.")


async def _migrate(config: Config) -> tuple[list[str], list[str]]:
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = await open_database(config.database_url, serving=False, connections=1)
    try:
        taken = await migrate(db, finish=composed.compose)
        await earlier_addresses.decide(db, mail_is_delivered=config.mails_links)
        if installed.has_keys(config):  # else the next start assigns usernames
            await open_usernames(db, await open_keyring(config, db, now()))
        return taken, await db.read_long(composed.clashes)
    finally:
        await db.close()
