"""An application with a manual clock, whose outbox is filled by tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.in_process import LocalApp, in_process
from twofold.base.outbox import DeliveryPort, DeliveryStatus, Message, Outcome, delivery_status, post, withdraw
from twofold.base.unit_of_work import UnitOfWork
from twofold.couriers.rules import LEASE
from twofold.couriers.sender import Sender

NUMBER = "+15551234567"
TEXT = "482913 is your code for login.example.org."
MAIL = Message(
    "mail", "ada@example.org", "Somebody signed in.\nWas it you?", "New sign-in", "<p>Somebody signed in.</p>"
)


class OutboxHarness:
    """Put messages into the outbox and follow their delivery."""

    def __init__(self, opened: LocalApp) -> None:
        self.app = opened
        self.site = opened.twofold.system.site
        self.system = opened.twofold.system

    async def post(self, message: Message | None = None, *, life: int = 300) -> str:
        """Put a message into the outbox and return its id after the commit."""

        async def posting(uow: UnitOfWork) -> str:
            return await post(uow, message or Message("sms", NUMBER, TEXT), expires_at=uow.now + life)

        return await self.system.write(posting)

    async def outcome(self, message_id: str, within: float = 10.0) -> Outcome:
        """Wait for the outcome of a message, as a request does."""
        return await self.site.part(DeliveryPort).outcome(message_id, within)

    async def sent(self, message: Message | None = None) -> Outcome:
        """Put a message into the outbox, and wait for its outcome."""
        return await self.outcome(await self.post(message))

    async def status(self, message_id: str) -> DeliveryStatus:
        """Return the delivery status of a message."""
        return await self.system.read(delivery_status, message_id)

    async def withdraw(self, message_id: str) -> None:
        """Withdraw a message."""
        await self.system.write(withdraw, message_id)

    async def row(self, message_id: str) -> dict[str, object]:
        """Return the message's row in the database."""
        found = await self.site.db.read(lambda tx: tx.one("SELECT * FROM outbox WHERE id = :id", id=message_id))
        assert found is not None
        return {name: found[name] for name in found.keys()}  # noqa: SIM118 - a row is not a dictionary

    def pass_time(self, seconds: int) -> None:
        """Advance the clock and wake the sender."""
        self.app.clock.now += seconds
        self.site.part(Sender).wake()

    async def settled(self, message_id: str, within: float = 20.0) -> DeliveryStatus:
        """Wait until a message is sent or refused, advancing the clock to each retry."""
        async with asyncio.timeout(within):
            while (found := await self.status(message_id)).outcome is Outcome.WAITING:
                row = await self.row(message_id)
                if not any(message_id in tasks for tasks in self.site.part(Sender)._in_progress.values()):
                    self.pass_time(max(int(str(row["next_at"])) - self.app.clock.now, 0))
                await asyncio.sleep(0.02)
        return found

    async def tries(self, message_id: str, number: int, within: float = 10.0) -> None:
        """Wait until this many attempts to send a message have ended, without advancing the clock."""
        async with asyncio.timeout(within):
            while (row := await self.row(message_id))["tries"] != number or self.is_leased(row):
                assert row["outcome"] is None
                await asyncio.sleep(0.01)

    def is_leased(self, row: dict[str, object]) -> bool:
        """Return whether a message is being sent."""
        return row["next_at"] == self.app.clock.now + LEASE


@asynccontextmanager
async def open_outbox(folder: Path, **settings: str) -> AsyncIterator[OutboxHarness]:
    """Open an application with these courier settings, such as `sms_url`."""
    async with in_process(folder, **{"phone_countries": "*", **settings}) as opened:
        yield OutboxHarness(opened)
