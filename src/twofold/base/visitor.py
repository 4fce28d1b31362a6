"""Who is asking."""

from enum import IntEnum

import msgspec


class Need(IntEnum):
    """What a route asks of its visitor."""

    NOBODY = 0
    SIGNED_IN = 1
    UNLOCKED = 2


class Visitor(msgspec.Struct, frozen=True):
    """A signed-in person; times are epoch seconds."""

    account_id: str
    email: str
    administrator: bool
    stamp: int
    session_id: str
    session_hash: bytes
    methods: tuple[str, ...]
    computer_id: str | None
    signed_in_at: int
    expires_at: int
    unlocked_until: int
