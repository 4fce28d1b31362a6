"""Rows of a service's database, for data that no page or call shows."""

import asyncio
from typing import Any

from tests.support.service import Service
from twofold.base.database import Transaction, open_database


def run_sql(service: Service, sql: str, **values: str | int | bytes | None) -> list[dict[str, Any]]:
    """Run one statement in the database of a service, and return its rows."""

    async def work(tx: Transaction) -> list[dict[str, Any]]:
        return [dict(row) for row in await tx.all(sql, **values)]

    async def connect() -> list[dict[str, Any]]:
        url = service.settings.get("database_url", f"sqlite:///{service.data_dir}/twofold.db")
        db = await open_database(url, serving=False)
        try:
            return await db.write(work)
        finally:
            await db.close()

    return asyncio.run(connect())
