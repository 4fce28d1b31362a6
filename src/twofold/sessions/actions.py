"""Starting, recognising, unlocking and ending sessions; and carrying out what a change of credentials ends."""

import msgspec
from msgspec.structs import replace

from twofold.accounts import store as accounts
from twofold.accounts.rules import CONSEQUENCES, Change, Sessions
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act
from twofold.base.ids import new_id, new_token, token_hash
from twofold.base.problems import NotFound
from twofold.base.site import Site
from twofold.base.slack import SLACK
from twofold.base.visitor import Need, Visitor
from twofold.sessions import store
from twofold.sessions.last_use import LastUse
from twofold.sessions.rules import LockedSettings, NotSignedIn, is_alive, is_of_our_time, is_unlocked
from twofold.sessions.store import Found, Session


class Token(msgspec.Struct, frozen=True):
    """A session's secret, as the browser or client keeps it; `expires_at` is epoch seconds."""

    token: str
    expires_at: int


async def start(
    act: Act,
    account_id: str,
    methods: tuple[str, ...],
    *,
    unlocked: bool,
    computer_id: str | None = None,
    **evidence: str,
) -> Token:
    """Sign a person in: a new session with a new token. `evidence` goes into the record."""
    config = act.site.config
    token = Token(new_token(), act.now + config.session_max)
    await store.insert(
        act.tx,
        token_hash=token_hash(token.token),
        session_id=new_id(),
        account_id=account_id,
        name=act.origin.agent,
        source=act.origin.source,
        methods=" ".join(methods),
        computer_id=computer_id,
        now=act.now,
        expires_at=token.expires_at,
        unlocked_until=act.now + config.unlocked if unlocked else 0,
    )
    await audit.record(act, Event.SIGNED_IN, account_id, methods=" ".join(methods), **evidence)
    return token


async def identify(act: Act, token: str | None) -> Visitor | None:
    """Tell who holds this token: one indexed read, no write."""
    if not token:
        return None
    found = token_hash(token)
    return holder(act.site, act.now, found, await store.find(act.tx, found))


def holder(site: Site, now: int, found: bytes, session: Found | None) -> Visitor | None:
    """Tell who holds a session that was found by its token; None when it is over."""
    if session is None:
        return None
    uses, idle = site.part(LastUse), site.config.session_idle
    used_at = uses.latest(found, session.last_used_at)
    if not is_alive(last_used_at=used_at, expires_at=session.expires_at, idle=idle, now=now):
        return None
    if not is_of_our_time(session.signed_in_at, now):
        return None
    unlocked = is_of_our_time(session.unlocked_until - site.config.unlocked, now)
    uses.note(found, used_at, now)
    return Visitor(
        account_id=session.account_id,
        email=session.email,
        administrator=bool(session.administrator),
        stamp=session.stamp,
        session_id=session.id,
        session_hash=found,
        methods=tuple(session.methods.split()),
        computer_id=session.computer_id,
        signed_in_at=session.signed_in_at,
        expires_at=session.expires_at,
        unlocked_until=session.unlocked_until if unlocked else 0,
    )


async def require(act: Act, token: str | None, need: Need) -> Visitor:
    """Tell who asks for a page or call. Raises NotSignedIn, LockedSettings."""
    return _fit(act, await identify(act, token), need)


async def admit(act: Act, token: str | None, need: Need) -> Visitor:
    """Tell who acts, and keep the account to this transaction. Raises NotSignedIn, LockedSettings."""
    found = token_hash(token or "")
    return _fit(act, holder(act.site, act.now, found, await store.hold(act.tx, found)), need)


async def note_refusal(act: Act, token: str | None, route: str, reason: str) -> None:
    """Note that somebody who is signed in was refused a change. Raises NotSignedIn."""
    visitor = await admit(act, token, Need.SIGNED_IN)
    await audit.record_cheap_refusal(act, Event.SETTINGS_CHANGE, visitor.account_id, reason=reason, route=route)


async def unlock(act: Act, visitor: Visitor) -> Token:
    """Unlock settings for this session alone, under a new token; the old one is dead. Raises NotSignedIn."""
    token = Token(new_token(), visitor.expires_at)
    until = act.now + act.site.config.unlocked
    renewed = await store.renew(
        act.tx,
        visitor.account_id,
        visitor.session_hash,
        token_hash(token.token),
        unlocked_until=until,
        now=act.now,
    )
    if not renewed:
        raise NotSignedIn
    await audit.record(act, Event.SETTINGS_UNLOCKED, visitor.account_id)
    return token


async def lock(act: Act, visitor: Visitor) -> None:
    """Lock settings again before their time."""
    await store.lock(act.tx, visitor.account_id, visitor.session_hash)
    await audit.record(act, Event.SETTINGS_LOCKED, visitor.account_id)


async def listed(act: Act, visitor: Visitor) -> list[Session]:
    """List the living sessions of the visitor's account, last used first, by what is only noted too."""
    uses, idle = act.site.part(LastUse), act.site.config.session_idle
    found = await store.of_account(act.tx, visitor.account_id, now=act.now, latest=act.now + SLACK)
    known = [replace(each, last_used_at=uses.latest(each.token_hash, each.last_used_at)) for each in found]
    alive = [
        each
        for each in known
        if is_alive(last_used_at=each.last_used_at, expires_at=each.expires_at, idle=idle, now=act.now)
    ]
    return sorted(alive, key=lambda each: (-each.last_used_at, each.id))


async def sign_out(act: Act, visitor: Visitor) -> None:
    """End the visitor's own session."""
    await store.end(act.tx, visitor.account_id, visitor.session_id)
    await audit.record(act, Event.SIGNED_OUT, visitor.account_id)


async def end_token(act: Act, token: str) -> None:
    """End the session of a browser that signs in anew: no token outlives a change of who is signed in."""
    visitor = await identify(act, token)
    if visitor:
        await sign_out(act, visitor)


async def end_one(act: Act, visitor: Visitor, session_id: str) -> None:
    """End one of the visitor's sessions. Raises NotFound."""
    if not await store.end(act.tx, visitor.account_id, session_id):
        raise NotFound
    await audit.record(act, Event.SESSION_ENDED, visitor.account_id, session=session_id)


async def end_others(act: Act, visitor: Visitor) -> None:
    """End all sessions of the visitor but this one."""
    ended = await store.end_all_but(act.tx, visitor.account_id, visitor.session_id)
    await audit.record(act, Event.SESSIONS_ENDED, visitor.account_id, ended=ended)


async def carry_out(act: Act, change: Change, account_id: str, *, session_id: str | None = None) -> None:
    """End the computers and sessions that a change ends; `session_id` is the one that made the change."""
    consequences = CONSEQUENCES[change]
    if consequences.computers_end:
        await accounts.renew_stamp(act.tx, account_id)
    if consequences.sessions is not Sessions.STAY:
        kept = session_id if consequences.sessions is Sessions.OTHERS_END else None
        await store.end_all_but(act.tx, account_id, kept)


def _fit(act: Act, visitor: Visitor | None, need: Need) -> Visitor:
    if visitor is None:
        raise NotSignedIn
    if need is Need.UNLOCKED and not is_unlocked(visitor, act.now):
        raise LockedSettings
    return visitor
