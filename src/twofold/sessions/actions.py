"""Start, recognise, unlock and end sessions."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from twofold.accounts import caps
from twofold.accounts.consequences import Act, Change, Effect
from twofold.accounts.endings import apply_consequences
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.database import Reply
from twofold.base.ids import new_token, sortable_id, token_hash
from twofold.base.lists import LAST_ID, page_of
from twofold.base.problems import NotFound
from twofold.base.proofs import Proof
from twofold.base.site import Site
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import TABLE, Access, NotSignedIn, Role, Visitor
from twofold.sessions import rules, store
from twofold.sessions.last_use import WRITTEN_WITHIN, LastUse
from twofold.sessions.proofs import proofs_of, proved
from twofold.sessions.rows import Session, SessionRow, SignIn
from twofold.sessions.rules import freshness, has_begun, is_active


class Token(msgspec.Struct, frozen=True):
    """The secret of a session; `expires_at` is epoch seconds."""

    token: str
    expires_at: int


async def start(
    uow: UnitOfWork,
    account_id: str,
    proofs: Iterable[Proof],
    *,
    unlocked: bool,
    earlier: str | None = None,
    computer_id: str | None = None,
    unseen_for: int = 0,
    **evidence: str,
) -> Token:
    """Start a session with a new token. `evidence` is added to the audit event.

    `earlier` is the token of the browser's session: it continues with all its proofs if it belongs to this account, and
    ends otherwise. If there are too many sessions, the oldest ends. The answer with the token may be repeated for
    `unseen_for` seconds, until the session is used.
    """
    config = uow.site.config
    token = Token(new_token(), uow.now + config.session_max)
    sign_in = SignIn(
        token_hash=token_hash(token.token),
        account_id=account_id,
        name=uow.caller.agent,
        source=uow.caller.source,
        proved=proved(proofs),
        computer_id=computer_id,
        now=uow.now,
        expires_at=token.expires_at,
        unlocked_until=uow.now + config.unlocked if unlocked else 0,
        unseen_until=uow.now + unseen_for if unseen_for else 0,
    )
    if not await _go_on(uow, earlier, sign_in):
        _insert(uow, sign_in)
    await audit.record(uow, Event.SIGNED_IN, account_id, methods=" ".join(sign_in.proved.methods), **evidence)
    return token


async def _go_on(uow: UnitOfWork, earlier: str | None, sign_in: SignIn) -> bool:
    """Add a sign-in to the browser's session of the same account; end a session of another account."""
    visitor = await identify(uow, earlier)
    if visitor is None:
        return False
    if visitor.account_id != sign_in.account_id:
        await sign_out(uow, visitor)
        return False
    both = replace(
        sign_in,
        proved=proved(rules.added(visitor.proofs, sign_in.proved.proofs, uow.now)),
        unlocked_until=max(visitor.unlocked_until, sign_in.unlocked_until),
    )
    return await store.sign_in_again(uow.tx, visitor.session_hash, both)


def _insert(uow: UnitOfWork, sign_in: SignIn) -> None:
    others = store.insert(uow.tx, sortable_id(uow.now), sign_in)
    uow.before_commit.append(lambda: _keep_newest(uow, sign_in, others))


async def _keep_newest(uow: UnitOfWork, sign_in: SignIn, others: Reply[int]) -> None:
    if await others >= caps.SESSIONS.maximum:
        used_since = uow.now - uow.site.config.session_idle - WRITTEN_WITHIN
        most, account_id, session_hash = caps.SESSIONS.maximum - 1, sign_in.account_id, sign_in.token_hash
        await store.keep_newest(uow.tx, account_id, session_hash, most, now=uow.now, used_since=used_since)


async def identify(uow: UnitOfWork, token: str | None) -> Visitor | None:
    """Return the visitor with this token, or None, in one indexed read."""
    if not token:
        return None
    session_hash = token_hash(token)
    return visitor_of(uow.site, uow.now, session_hash, await store.find(uow.tx, session_hash))


async def recognise(runner: Runner, token: str | None) -> Visitor | None:
    """Return the visitor with this token, or None. After the first use, the answer cannot be repeated."""
    visitor = await runner.read(identify, token)
    if visitor is None or not visitor.unseen:
        return visitor
    return visitor if await runner.site.db.write(store.mark_seen, visitor.session_hash) else None


def visitor_of(
    site: Site, now: int, session_hash: bytes, session: SessionRow | None, *, is_use: bool = True
) -> Visitor | None:
    """Return the visitor of a session, or None if it has ended. It lasts longer if this counts as its use."""
    if session is None:
        return None
    uses, idle = site.part(LastUse), site.config.session_idle
    used_at = uses.latest(session_hash, session.last_used_at)
    if not is_active(last_used_at=used_at, expires_at=session.expires_at, idle=idle, now=now):
        return None
    if not has_begun(session.signed_in_at, now):
        return None
    proofs, assurance = proofs_of(site, session)
    if assurance is None:
        return None
    unlocked = has_begun(session.unlocked_until - site.config.unlocked, now)
    if is_use:
        uses.record(session_hash, used_at, now)
    return Visitor(
        account_id=session.account_id,
        email=session.email,
        email_proven_at=session.email_proven_at,
        username=session.username,
        name=session.name,
        groups=tuple(sorted(session.group_names.split())),
        role=Role(session.role),
        stamp=session.stamp,
        session_id=session.id,
        session_hash=session_hash,
        proofs=proofs,
        assurance=assurance,
        computer_id=session.computer_id,
        signed_in_at=session.signed_in_at,
        expires_at=session.expires_at,
        unlocked_until=session.unlocked_until if unlocked else 0,
        unseen=session.unseen_until != 0,
    )


async def require(runner: Runner, token: str | None, need: Access) -> Visitor:
    """Return the visitor of a page or call. Raise the problem from the table of access."""
    return _require(runner.site.clock(), await recognise(runner, token), need)


async def admit(uow: UnitOfWork, token: str | None, need: Access) -> Visitor:
    """Return the visitor, and lock the account until this transaction ends. Raise the problem from the table."""
    session_hash = token_hash(token or "")
    return _require(
        uow.now, visitor_of(uow.site, uow.now, session_hash, await store.find_for_update(uow.tx, session_hash)), need
    )


async def record_refused_change(uow: UnitOfWork, token: str | None, route: str, reason: str) -> None:
    """Record that a signed-in visitor was refused a change. Raise NotSignedIn."""
    visitor = await admit(uow, token, Access.SIGNED_IN)
    await audit.record_cheap_refusal(uow, Event.SETTINGS_CHANGE, visitor.account_id, reason=reason, route=route)


async def unlock(uow: UnitOfWork, visitor: Visitor, proofs: Iterable[Proof], *, unseen_for: int = 0) -> Token:
    """Unlock settings for this session only, add the proofs to it, and replace its token. Raise NotSignedIn.

    `unseen_for` as for `start`.
    """
    token, proofs = Token(new_token(), visitor.expires_at), tuple(proofs)
    until = uow.now + uow.site.config.unlocked
    renewed = await store.renew(
        uow.tx,
        visitor.account_id,
        visitor.session_hash,
        token_hash(token.token),
        proved=proved(rules.added(visitor.proofs, proofs, uow.now)),
        unlocked_until=until,
        unseen_until=uow.now + unseen_for if unseen_for else 0,
        now=uow.now,
    )
    if not renewed:
        raise NotSignedIn
    methods = " ".join(proved(proofs).methods)
    await audit.record(uow, Event.SETTINGS_UNLOCKED, visitor.account_id, methods=methods)
    return token


async def lock(uow: UnitOfWork, visitor: Visitor) -> None:
    """Lock settings before they lock automatically."""
    if await store.lock(uow.tx, visitor.account_id, visitor.session_hash, uow.now):
        await audit.record(uow, Event.SETTINGS_LOCKED, visitor.account_id)


async def replace_unseen(uow: UnitOfWork, account_id: str, old: bytes) -> tuple[Token, int] | None:
    """Replace the token of an unused session.

    Return the token and the end of unlocked settings (epoch seconds), or None if it was used, ended or changed.
    """
    token, idle = new_token(), uow.site.config.session_idle
    row = await store.replace_unseen(uow.tx, account_id, old, token_hash(token), idle=idle, now=uow.now)
    return (Token(token, row["expires_at"]), row["unlocked_until"]) if row else None


async def listed(
    uow: UnitOfWork, visitor: Visitor, *, before: str | None = None, limit: int = caps.SESSIONS.maximum
) -> tuple[list[Session], str | None]:
    """Return a page of the visitor's active sessions, and the cursor of the next page.

    Pages go from new to old; within a page, the most recently used comes first, including uses not stored yet.
    """
    uses, idle = uow.site.part(LastUse), uow.site.config.session_idle
    page, following = page_of(
        await store.of_account(
            uow.tx,
            visitor.account_id,
            before=before or LAST_ID,
            limit=limit + 1,
            now=uow.now,
            latest=uow.now + MAX_CLOCK_SKEW,
        ),
        limit,
    )
    known = [replace(each, last_used_at=uses.latest(each.token_hash, each.last_used_at)) for each in page]
    active = [
        each
        for each in known
        if is_active(last_used_at=each.last_used_at, expires_at=each.expires_at, idle=idle, now=uow.now)
    ]
    return sorted(active, key=lambda each: (-each.last_used_at, each.id)), following


async def sign_out(uow: UnitOfWork, visitor: Visitor) -> None:
    """End the visitor's own session."""
    await store.end(uow.tx, visitor.account_id, visitor.session_id)
    await apply_consequences(uow, Change.SESSIONS_ENDED, visitor.account_id, only=visitor.session_id)
    await audit.record(uow, Event.SIGNED_OUT, visitor.account_id)


async def end_one(uow: UnitOfWork, visitor: Visitor, session_id: str) -> None:
    """End one of the visitor's sessions. Raise NotFound."""
    if not await store.end(uow.tx, visitor.account_id, session_id):
        raise NotFound
    await apply_consequences(uow, Change.SESSIONS_ENDED, visitor.account_id, only=session_id)
    await audit.record(uow, Event.SESSION_ENDED, visitor.account_id, session=session_id)


async def end_others(uow: UnitOfWork, visitor: Visitor) -> None:
    """End all sessions of the visitor except this one."""
    ended = await store.end_all_but(uow.tx, visitor.account_id, visitor.session_id)
    await apply_consequences(uow, Change.SESSIONS_ENDED, visitor.account_id, session_id=visitor.session_id)
    if ended:
        await audit.record(uow, Event.SESSIONS_ENDED, visitor.account_id, ended=ended)


async def end_sessions(uow: UnitOfWork, act: Act) -> None:
    """End or lock the sessions of an account after an act, unless the act was to end sessions."""
    if act.effect is Effect.LOCK:
        await store.lock_all(uow.tx, act.account_id)
    elif act.effect is not Effect.THOSE_END:
        store.end_all_but(uow.tx, act.account_id, act.kept)


async def keep_proofs(uow: UnitOfWork, act: Act) -> None:
    """Keep the proofs of continuing sessions valid under the account's new stamp."""
    await store.raise_stamp(uow.tx, act.account_id)


def _require(now: int, visitor: Visitor | None, need: Access) -> Visitor:
    refusal = TABLE[need].refusal(freshness(visitor, now), visitor.role if visitor else None)
    if visitor is None or refusal:
        raise refusal or NotSignedIn
    return visitor
