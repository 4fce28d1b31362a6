"""Check that Twofold is installed: commands that only read or change accounts must not create a database."""

from twofold.base.database import open_database
from twofold.base.database.migrate import Status, status
from twofold.base.keystore import KEY_FILE
from twofold.cli.output import Failed
from twofold.config import PREFIX, Config


async def database_status(config: Config) -> Status:
    """Return the status of the database. Raise Failed if there is none, CannotOpen if it cannot be reached."""
    if config.sqlite_path and not config.sqlite_path.exists():
        raise Failed(f"There is no database at {config.sqlite_path} yet: run `twofold migrate` or `twofold serve`.")
    db = await open_database(config.database_url, serving=False, connections=1)
    try:
        return await status(db)
    finally:
        await db.close()


async def require_installed(config: Config) -> None:
    """Raise Failed if the database is empty or the data directory has no keys."""
    if not (await database_status(config)).current:
        raise Failed("The database is empty: run `twofold migrate` or `twofold serve`.")
    if not has_keys(config):
        raise Failed(
            f"There is no {KEY_FILE} in {config.data_dir}: run this command where the service runs,"
            f" or set {PREFIX}DATA_DIR or {PREFIX}SECRET_KEYS as the service does."
        )


def has_keys(config: Config) -> bool:
    """Return whether there are secret keys in the settings or the data directory."""
    return bool(config.secret_keys) or (config.data_dir / KEY_FILE).exists()
