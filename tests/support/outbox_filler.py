"""A node that can be killed: `python -m tests.support.outbox_filler NUMBER` serves an application without a port, puts
messages into the outbox as fast as they are committed, and prints each id after its commit. Its settings come from
the environment.
"""

import asyncio
import sys
from itertools import count

from twofold import Config, Twofold
from twofold.base.outbox import Message, post
from twofold.base.unit_of_work import UnitOfWork


async def _post(uow: UnitOfWork, number: int) -> str:
    return await post(uow, Message("sms", "+15551234567", str(number)), expires_at=uow.now + 3600)


async def main(most: int) -> None:
    """Put this many messages into the outbox, and keep running."""
    async with Twofold(Config.from_env()) as twofold:
        for number in count():
            if number < most:
                print(await twofold.system.write(_post, number), flush=True)  # noqa: T201 - the parent process reads it
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
