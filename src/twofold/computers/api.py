"""Trusted computers as JSON."""

import msgspec

from twofold.base.clock import rfc3339
from twofold.base.problems import InvalidRequest, NotFound
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Call
from twofold.computers import actions
from twofold.computers.cookies import is_here
from twofold.computers.store import Computer


class Name(msgspec.Struct, forbid_unknown_fields=True):
    """A new name."""

    name: str


class TrustedComputer(msgspec.Struct):
    """A computer on which no code is asked for."""

    id: str
    name: str
    address: str
    created_at: str
    last_used_at: str
    expires_at: str
    current: bool


class TrustedComputers(msgspec.Struct):
    """All trusted computers."""

    items: list[TrustedComputer]
    next: str | None = None


async def listed(ask: Ask) -> TrustedComputers:
    """List the trusted computers."""
    return TrustedComputers([_shown(ask, each) for each in await ask.look(actions.listed)])


async def rename(ask: Ask, body: Name) -> TrustedComputer:
    """Rename one computer."""
    return _shown(ask, await ask.act(actions.rename, ask.id("id"), body.name))


async def forget(ask: Ask) -> None:
    """Forget one computer."""
    await ask.act(actions.forget, ask.id("id"))


async def forget_all(ask: Ask) -> None:
    """Forget every computer."""
    await ask.act(actions.forget_all)


def _shown(ask: Ask, computer: Computer) -> TrustedComputer:
    return TrustedComputer(
        id=computer.id,
        name=computer.name,
        address=computer.source,
        created_at=rfc3339(computer.created_at),
        last_used_at=rfc3339(computer.last_used_at),
        expires_at=rfc3339(computer.expires_at),
        current=is_here(ask, ask.known_visitor.account_id, computer.token_hash),
    )


ROUTES = (
    Call(
        method="GET",
        path="/api/v1/trusted-computers",
        handler=listed,
        need=Need.SIGNED_IN,
        answer_type=TrustedComputers,
        summary="List your trusted computers",
    ),
    Call(
        method="PATCH",
        path="/api/v1/trusted-computers/{id}",
        handler=rename,
        need=Need.UNLOCKED,
        body=Name,
        answer_type=TrustedComputer,
        problems=(NotFound, InvalidRequest),
        summary="Rename a trusted computer",
    ),
    Call(
        method="DELETE",
        path="/api/v1/trusted-computers/{id}",
        handler=forget,
        need=Need.UNLOCKED,
        status=204,
        problems=(NotFound,),
        summary="Forget a trusted computer",
    ),
    Call(
        method="DELETE",
        path="/api/v1/trusted-computers",
        handler=forget_all,
        need=Need.UNLOCKED,
        status=204,
        summary="Forget every trusted computer",
    ),
)
