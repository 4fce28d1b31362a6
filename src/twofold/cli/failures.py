"""The failures that a command reports in one sentence. Any other exception is a bug in Twofold."""

from twofold.base.database import AlreadyServed, CannotOpen
from twofold.base.database.migrate import MigrationFailed, NewerDatabase
from twofold.base.keys import KeyFileError
from twofold.base.problems import Problem
from twofold.config import ConfigError


def sentence_for(error: Exception) -> str | None:
    """Return one sentence for a known failure (for settings, one per fault), or None for any other."""
    match error:
        case ConfigError() | KeyFileError() | CannotOpen() | AlreadyServed() | NewerDatabase() | MigrationFailed():
            return str(error)
        case Problem():
            return error.detail
        case OSError(filename=str() as path, strerror=str() as reason):
            return f"{path} cannot be used: {reason}."
    return None
