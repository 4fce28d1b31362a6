"""The session table. Tokens are kept as SHA-256; a look-up is one indexed read."""

import msgspec

from twofold.base.database import Transaction
from twofold.base.housekeeping import Over

_FIND = """
    SELECT s.account_id, a.email, a.administrator, a.stamp, s.id, s.methods, s.computer_id,
           s.signed_in_at, s.last_used_at, s.expires_at, s.unlocked_until
    FROM session s JOIN account a ON a.id = s.account_id
    WHERE s.token_hash = :token_hash AND a.disabled_at IS NULL
"""
_HOLD = """
    SELECT id FROM account WHERE id = (SELECT account_id FROM session WHERE token_hash = :token_hash) FOR UPDATE
"""
OVER = Over("session", "token_hash", "expires_at <= :before")


class Found(msgspec.Struct, frozen=True):
    """A session and its account, in the order of `_FIND`; times are epoch seconds."""

    account_id: str
    email: str
    administrator: int
    stamp: int
    id: str
    methods: str
    computer_id: str | None
    signed_in_at: int
    last_used_at: int
    expires_at: int
    unlocked_until: int


class Session(msgspec.Struct, frozen=True):
    """One signed-in browser or client; times are epoch seconds."""

    id: str
    name: str
    source: str
    signed_in_at: int
    last_used_at: int
    expires_at: int
    token_hash: bytes


async def find(tx: Transaction, token_hash: bytes) -> Found | None:
    """Find a session and its account, unless disabled."""
    row = await tx.one(_FIND, token_hash=token_hash)
    return Found(*row) if row else None


async def hold(tx: Transaction, token_hash: bytes) -> Found | None:
    """Keep a session's account to this transaction, then find what is left of the session.

    Two statements: whoever waits with a locked session for its account stands in the way of whoever holds the account
    and ends that session.
    """
    await tx.hold(_HOLD, token_hash=token_hash)
    return await find(tx, token_hash)


async def of_account(tx: Transaction, account_id: str, *, now: int, latest: int) -> list[Session]:
    """List the sessions of an account that have not reached their absolute end."""
    rows = await tx.all(
        """
        SELECT id, name, source, signed_in_at, last_used_at, expires_at, token_hash FROM session
        WHERE account_id = :account_id AND expires_at > :now AND signed_in_at <= :latest
        """,
        account_id=account_id,
        now=now,
        latest=latest,
    )
    return [Session(**row) for row in rows]


async def insert(  # noqa: PLR0913 - one column each
    tx: Transaction,
    *,
    token_hash: bytes,
    session_id: str,
    account_id: str,
    name: str,
    source: str,
    methods: str,
    computer_id: str | None,
    now: int,
    expires_at: int,
    unlocked_until: int,
) -> None:
    """Add a session."""
    await tx.run(
        """
        INSERT INTO session (token_hash, id, account_id, name, source, methods, computer_id,
                             signed_in_at, last_used_at, expires_at, unlocked_until)
        VALUES (:token_hash, :session_id, :account_id, :name, :source, :methods, :computer_id,
                :now, :now, :expires_at, :unlocked_until)
        """,
        token_hash=token_hash,
        session_id=session_id,
        account_id=account_id,
        name=name,
        source=source,
        methods=methods,
        computer_id=computer_id,
        now=now,
        expires_at=expires_at,
        unlocked_until=unlocked_until,
    )


async def renew(tx: Transaction, account_id: str, old: bytes, new: bytes, *, unlocked_until: int, now: int) -> bool:
    """Give a session a new token and unlock it; tells whether the old token was still good."""
    changed = await tx.run(
        """
        UPDATE session SET token_hash = :new, unlocked_until = :unlocked_until, last_used_at = :now
        WHERE token_hash = :old AND account_id = :account_id
        """,
        account_id=account_id,
        old=old,
        new=new,
        unlocked_until=unlocked_until,
        now=now,
    )
    return changed == 1


async def lock(tx: Transaction, account_id: str, token_hash: bytes) -> None:
    """Lock a session's settings."""
    await tx.run(
        "UPDATE session SET unlocked_until = 0 WHERE token_hash = :token_hash AND account_id = :account_id",
        token_hash=token_hash,
        account_id=account_id,
    )


async def note_use(tx: Transaction, uses: dict[bytes, int]) -> None:
    """Write when sessions were last used."""
    for token_hash, at in uses.items():
        await tx.run(
            "UPDATE session SET last_used_at = :at WHERE token_hash = :token_hash AND last_used_at < :at",
            token_hash=token_hash,
            at=at,
        )


async def end(tx: Transaction, account_id: str, session_id: str) -> bool:
    """End one session of an account; tells whether there was one."""
    ended = await tx.run(
        "DELETE FROM session WHERE id = :id AND account_id = :account_id", id=session_id, account_id=account_id
    )
    return ended == 1


async def end_all_but(tx: Transaction, account_id: str, session_id: str | None) -> int:
    """End all sessions of an account but one; gives how many."""
    return await tx.run(
        "DELETE FROM session WHERE account_id = :account_id AND id <> :kept",
        account_id=account_id,
        kept=session_id or "",
    )
