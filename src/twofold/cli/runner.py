"""Run actions on the database directly, even while the service is running."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twofold.assembly import open_site
from twofold.base.unit_of_work import COMMAND_LINE, Runner
from twofold.cli import installed
from twofold.config import Config
from twofold.features import FEATURES


@asynccontextmanager
async def open_runner(config: Config | None = None, *, create: bool = False) -> AsyncIterator[Runner]:
    """Open the database of the settings. Raise Failed if there is none, unless it is to be created."""
    config = config or FEATURES.read_settings(os.environ)[0]
    if not create:
        await installed.require_installed(config)
    async with open_site(config, create=create) as site:
        yield Runner(site, COMMAND_LINE)
