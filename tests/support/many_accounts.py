"""Add many accounts to a service's database from this process, with one password hash for all."""

import asyncio
import uuid

from tests.support.clients import PASSWORD
from tests.support.service import Service
from twofold.accounts import actions as accounts
from twofold.assembly import open_site
from twofold.base.unit_of_work import COMMAND_LINE, Runner
from twofold.config import Config


def many_accounts(service: Service, count: int) -> list[str]:
    """Create accounts that all have the usual password, and return their email addresses."""
    people = [f"person-{uuid.uuid4().hex[:12]}@example.com" for _ in range(count)]

    async def make() -> None:
        async with open_site(Config.from_env(service.environment())) as site:
            password_hash = await site.passwords.hash(PASSWORD)
            for email in people:
                await Runner(site, COMMAND_LINE).write(accounts.create, email, password_hash, email_proven=True)

    asyncio.run(make())
    return people
