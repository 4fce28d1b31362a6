"""Sessions as JSON."""

import msgspec

from twofold.base.clock import rfc3339
from twofold.base.visitor import Need, Visitor
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Call
from twofold.sessions import actions
from twofold.sessions.cookies import drop_session
from twofold.sessions.rules import is_unlocked


class Account(msgspec.Struct):
    """A person's account."""

    id: str
    email: str
    administrator: bool


class CurrentSession(msgspec.Struct):
    """Who is signed in here, and what was proven."""

    account: Account
    methods: list[str]
    trusted_computer: bool
    signed_in_at: str
    unlocked_until: str | None
    expires_at: str


class ListedSession(msgspec.Struct):
    """One of a person's sessions."""

    id: str
    name: str
    address: str
    signed_in_at: str
    last_used_at: str
    expires_at: str
    current: bool


class Sessions(msgspec.Struct):
    """All of a person's sessions."""

    items: list[ListedSession]
    next: str | None = None


async def current(ask: Ask) -> CurrentSession:
    """Answer with the session that asks."""
    return describe(ask.known_visitor, ask.now)


def describe(visitor: Visitor, now: int) -> CurrentSession:
    """Describe a session."""
    return CurrentSession(
        account=Account(visitor.account_id, visitor.email, visitor.administrator),
        methods=list(visitor.methods),
        trusted_computer=visitor.computer_id is not None,
        signed_in_at=rfc3339(visitor.signed_in_at),
        unlocked_until=rfc3339(visitor.unlocked_until) if is_unlocked(visitor, now) else None,
        expires_at=rfc3339(visitor.expires_at),
    )


async def sign_out(ask: Ask) -> None:
    """End the session that asks."""
    await ask.act(actions.sign_out)
    drop_session(ask)


async def listed(ask: Ask) -> Sessions:
    """List the sessions."""
    found = await ask.look(actions.listed)
    own = ask.known_visitor.session_id
    return Sessions(
        [
            ListedSession(
                id=each.id,
                name=each.name,
                address=each.source,
                signed_in_at=rfc3339(each.signed_in_at),
                last_used_at=rfc3339(each.last_used_at),
                expires_at=rfc3339(each.expires_at),
                current=each.id == own,
            )
            for each in found
        ]
    )


async def end_one(ask: Ask) -> None:
    """End one session."""
    await ask.act(actions.end_one, ask.id("id"))


async def end_others(ask: Ask) -> None:
    """End all sessions but the one that asks."""
    await ask.act(actions.end_others)


ROUTES = (
    Call(
        method="GET",
        path="/api/v1/session",
        handler=current,
        need=Need.SIGNED_IN,
        answer_type=CurrentSession,
        summary="Who is signed in, and what was proven",
    ),
    Call(
        method="DELETE",
        path="/api/v1/session",
        handler=sign_out,
        need=Need.SIGNED_IN,
        status=204,
        summary="Sign out",
    ),
    Call(
        method="GET",
        path="/api/v1/sessions",
        handler=listed,
        need=Need.SIGNED_IN,
        answer_type=Sessions,
        summary="List your sessions",
    ),
    Call(
        method="DELETE",
        path="/api/v1/sessions/{id}",
        handler=end_one,
        need=Need.UNLOCKED,
        status=204,
        summary="End one of your sessions",
    ),
    Call(
        method="DELETE",
        path="/api/v1/sessions",
        handler=end_others,
        need=Need.UNLOCKED,
        status=204,
        summary="End all your other sessions",
    ),
)
