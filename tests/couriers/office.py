"""An application whose outbox a test fills, on a clock that stands still, and the courier that it goes to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.inside import Inside, inside
from twofold.base.acts import Act
from twofold.base.outbox import Carrier, Fate, Message, Outcome, fate, post, withdraw
from twofold.couriers.rules import LEASE
from twofold.couriers.sender import Sender

NUMBER = "+15551234567"
TEXT = "482913 is your code for login.example.org."
MAIL = Message(
    "mail", "ada@example.org", "Somebody signed in.\nWas it you?", "New sign-in", "<p>Somebody signed in.</p>"
)


class Office:
    """Puts messages into the outbox and sees what becomes of them."""

    def __init__(self, opened: Inside) -> None:
        self.inside = opened
        self.site = opened.twofold.acts.site
        self.acts = opened.twofold.acts

    async def post(self, message: Message | None = None, *, life: int = 300) -> str:
        """Put a message into the outbox; gives its id once it is committed."""

        async def posting(act: Act) -> str:
            return await post(act, message or Message("sms", NUMBER, TEXT), expires_at=act.now + life)

        return await self.acts.write(posting)

    async def outcome(self, message_id: str, within: float = 10.0) -> Outcome:
        """Wait as a request does."""
        return await self.site.part(Carrier).outcome(message_id, within)

    async def sent(self, message: Message | None = None) -> Outcome:
        """Post and wait."""
        return await self.outcome(await self.post(message))

    async def fate(self, message_id: str) -> Fate:
        """What is known of a message."""
        return await self.acts.read(fate, message_id)

    async def withdraw(self, message_id: str) -> None:
        """Take a message back."""
        await self.acts.write(withdraw, message_id)

    async def row(self, message_id: str) -> dict[str, object]:
        """The message as the database has it."""
        found = await self.site.db.read(lambda tx: tx.one("SELECT * FROM outbox WHERE id = :id", id=message_id))
        assert found is not None
        return {name: found[name] for name in found.keys()}  # noqa: SIM118 - a row is no dictionary

    def later(self, seconds: int) -> None:
        """Let time pass and have the sender look."""
        self.inside.clock.now += seconds
        self.site.part(Sender).wake()

    async def settled(self, message_id: str, within: float = 20.0) -> Fate:
        """Wait until a message is sent or refused; between two tries time passes at once."""
        async with asyncio.timeout(within):
            while (found := await self.fate(message_id)).outcome is Outcome.WAITING:
                row = await self.row(message_id)
                if not any(message_id in tasks for tasks in self.site.part(Sender)._under_way.values()):
                    self.later(max(int(str(row["next_at"])) - self.inside.clock.now, 0))
                await asyncio.sleep(0.02)
        return found

    async def tries(self, message_id: str, number: int, within: float = 10.0) -> None:
        """Wait until a message has come back from so many rounds; time stands still."""
        async with asyncio.timeout(within):
            while (row := await self.row(message_id))["tries"] != number or self.is_leased(row):
                assert row["outcome"] is None
                await asyncio.sleep(0.01)

    def is_leased(self, row: dict[str, object]) -> bool:
        """Whether a message is being sent just now."""
        return row["next_at"] == self.inside.clock.now + LEASE


@asynccontextmanager
async def office(folder: Path, **settings: str) -> AsyncIterator[Office]:
    """Opens an application; `sms_url` and the like are keywords."""
    async with inside(folder, **{"phone_countries": "*", **settings}) as opened:
        yield Office(opened)
