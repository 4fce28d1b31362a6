"""Who acts: an account, the command line, or the service itself."""

from enum import StrEnum

import msgspec


class ActorKind(StrEnum):
    """The kinds of actor, as the database and the API name them."""

    ACCOUNT = "account"
    COMMAND_LINE = "command_line"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True):
    """Who acts. A request without a session acts as the account that it concerns, and `account_id` is None."""

    kind: ActorKind = ActorKind.ACCOUNT
    account_id: str | None = None


SYSTEM = Actor(ActorKind.SYSTEM)
