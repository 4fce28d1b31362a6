"""The application for any ASGI server, with the settings of `serve`: `uvicorn --factory twofold.asgi:application`."""

from twofold.app import Twofold
from twofold.base.logs import set_up_logging
from twofold.config import Config


def application() -> Twofold:
    """Make the application of one process; it opens at lifespan start. Raises ConfigError."""
    config = Config.from_env()
    set_up_logging(config.log)
    return Twofold(config)
