"""The application for any ASGI server, with the settings of `serve`: `uvicorn --factory twofold.asgi:application`."""

from twofold.app import Twofold
from twofold.base.logs import set_up_logging
from twofold.config import Config
from twofold.features import FEATURES


def application() -> Twofold:
    """Return the application of one process, which opens at lifespan startup. Raise ConfigError."""
    config = Config.from_env()
    set_up_logging(config.log)
    for line in FEATURES.announcements(config):
        print(line, flush=True)  # noqa: T201 - as `serve` does, since logs must not contain secrets
    return Twofold(config)
