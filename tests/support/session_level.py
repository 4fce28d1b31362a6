"""A session's level and proofs as its client sees them, and changes as made by an earlier version."""

import asyncio
from collections.abc import Mapping

from tests.support.clients import Api
from tests.support.service import Service
from tests.support.users import HOUR, User
from twofold.base.clock import rfc3339
from twofold.base.database import open_database


def level_of(api: Api) -> tuple[str, str, str]:
    """Return the level, methods and `amr` of a session."""
    session = api.session().expect(200)
    return session["level"], " ".join(session["methods"]), " ".join(session["amr"])


def proof_age(service: Service, api: Api) -> int:
    """Return the age in seconds of the level's oldest proof by the service's clock, rounded down to even numbers."""
    at, now = api.session()["authenticated_at"], int(service.clock())
    return next(seconds for seconds in range(10 * HOUR) if rfc3339(now - seconds) == at) // 2 * 2


def run_as_earlier_version(service: Service, statement: str, **values: str) -> None:
    """Change rows as a node of an earlier version would."""

    async def change() -> None:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            await db.write(lambda tx: tx.run(statement, **values))
        finally:
            await db.close()

    asyncio.run(change())


def account_of(person: User) -> Mapping[str, str]:
    """Return a user's account id as a parameter of a statement."""
    return {"account_id": person.api.session()["account"]["id"]}
