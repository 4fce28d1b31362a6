"""Which failures a command may end with, and their one sentence. What is not here is a fault of Twofold."""

from twofold.base.database import AlreadyServed, CannotOpen
from twofold.base.database.migrate import MigrationFailed, NewerDatabase
from twofold.base.keys import KeyFileError
from twofold.base.problems import Problem
from twofold.config import ConfigError


def sentence_for(error: Exception) -> str | None:
    """Say in one plain sentence (for settings one each) what failed; None for what nobody foresaw."""
    match error:
        case ConfigError() | KeyFileError() | CannotOpen() | AlreadyServed() | NewerDatabase() | MigrationFailed():
            return str(error)
        case Problem():
            return error.detail
        case OSError(filename=str() as path, strerror=str() as reason):
            return f"{path} cannot be used: {reason}."
    return None
