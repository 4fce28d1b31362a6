"""Sessions as JSON."""

import msgspec

from twofold.base.clock import rfc3339
from twofold.base.problems import InvalidRequest
from twofold.base.proofs import Level
from twofold.base.visitor import Access, Role, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import call
from twofold.sessions import actions
from twofold.sessions.cookies import delete_session_cookie
from twofold.sessions.rows import Session
from twofold.sessions.rules import is_unlocked


class Account(msgspec.Struct):
    """The account of the user; `name` is the username if no name is set. Applications see a verified address only."""

    id: str
    email: str
    email_verified: bool
    username: str
    name: str
    groups: list[str]
    role: Role
    administrator: bool


class CurrentSession(msgspec.Struct):
    """Who is signed in, at which level, and since when; `amr` has the values of RFC 8176."""

    id: str
    account: Account
    level: Level
    methods: list[str]
    amr: list[str]
    authenticated_at: str
    trusted_computer: bool
    signed_in_at: str
    unlocked_until: str | None
    expires_at: str


class ListedSession(msgspec.Struct):
    """One of the user's sessions."""

    id: str
    name: str
    address: str
    signed_in_at: str
    last_used_at: str
    expires_at: str
    current: bool


class Sessions(msgspec.Struct):
    """A page of the user's sessions."""

    items: list[ListedSession]
    next: str | None


@call("GET", "/session", Access.SIGNED_IN)
async def current(ctx: Context) -> CurrentSession:
    """Return who is signed in, and how."""
    return describe(ctx.known_visitor, ctx.now)


def describe(visitor: Visitor, now: int) -> CurrentSession:
    """Return the description of a session."""
    assurance = visitor.assurance
    return CurrentSession(
        id=visitor.session_id,
        account=describe_account(visitor),
        level=assurance.level,
        methods=list(assurance.methods),
        amr=assurance.amr.split(),
        authenticated_at=rfc3339(assurance.authenticated_at),
        trusted_computer=visitor.computer_id is not None,
        signed_in_at=rfc3339(visitor.signed_in_at),
        unlocked_until=rfc3339(visitor.unlocked_until) if is_unlocked(visitor, now) else None,
        expires_at=rfc3339(visitor.expires_at),
    )


def describe_account(visitor: Visitor) -> Account:
    """Return the description of the visitor's account."""
    return Account(
        id=visitor.account_id,
        email=visitor.email,
        email_verified=bool(visitor.email_for_applications),
        username=visitor.username,
        name=visitor.name,
        groups=list(visitor.groups),
        role=visitor.role,
        administrator=visitor.administrator,
    )


@call("DELETE", "/session", Access.SIGNED_IN)
async def sign_out(ctx: Context) -> None:
    """Sign out."""
    await ctx.write(actions.sign_out)
    delete_session_cookie(ctx)


@call("GET", "/sessions", Access.SIGNED_IN, query=("before", "limit"), problems=(InvalidRequest,))
async def listed(ctx: Context) -> Sessions:
    """List your sessions."""
    page, following = await ctx.read(actions.listed, before=ctx.cursor, limit=ctx.limit)
    return Sessions([describe_listed(each, ctx.known_visitor) for each in page], following)


def describe_listed(session: Session, visitor: Visitor) -> ListedSession:
    """Return the description of one of the visitor's sessions."""
    return ListedSession(
        id=session.id,
        name=session.name,
        address=session.source,
        signed_in_at=rfc3339(session.signed_in_at),
        last_used_at=rfc3339(session.last_used_at),
        expires_at=rfc3339(session.expires_at),
        current=session.id == visitor.session_id,
    )


@call("DELETE", "/sessions/{id}", Access.UNLOCKED)
async def end_one(ctx: Context) -> None:
    """End one of your sessions."""
    await ctx.write(actions.end_one, ctx.id("id"))


@call("DELETE", "/sessions", Access.UNLOCKED)
async def end_others(ctx: Context) -> None:
    """End all your other sessions."""
    await ctx.write(actions.end_others)


ROUTES = (current, sign_out, listed, end_one, end_others)
