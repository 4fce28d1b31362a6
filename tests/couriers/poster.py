"""A node of its own to be killed: `python -m tests.couriers.poster NUMBER` serves an application without a door, puts
messages into the outbox as fast as they are committed, and prints each id after its commit. Its settings come from
the environment.
"""

import asyncio
import sys
from itertools import count

from twofold import Config, Twofold
from twofold.base.acts import Act
from twofold.base.outbox import Message, post


async def _post(act: Act, number: int) -> str:
    return await post(act, Message("sms", "+15551234567", str(number)), expires_at=act.now + 3600)


async def main(most: int) -> None:
    """Post so many, then stay."""
    async with Twofold(Config.from_env()) as twofold:
        for number in count():
            if number < most:
                print(await twofold.acts.write(_post, number), flush=True)  # noqa: T201 - its parent reads it
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
