"""Whether there is an installation yet: commands that only look or change people's accounts make none."""

from twofold.base.database import open_database
from twofold.base.database.migrate import Status, status
from twofold.cli.output import Failed
from twofold.config import Config


async def found(config: Config) -> Status:
    """Look at the database and make nothing. Raises Failed where there is none, CannotOpen where it is away."""
    if config.sqlite_path and not config.sqlite_path.exists():
        raise Failed(f"There is no database at {config.sqlite_path} yet: run `twofold migrate` or `twofold serve`.")
    db = await open_database(config.database_url, serving=False, connections=1)
    try:
        return await status(db)
    finally:
        await db.close()


async def must_be_there(config: Config) -> None:
    """Raise Failed where no Twofold has been yet: an empty database is none."""
    if not (await found(config)).current:
        raise Failed("The database is empty: run `twofold migrate` or `twofold serve`.")
