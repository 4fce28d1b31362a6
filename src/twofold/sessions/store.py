"""SQL for sessions. Tokens are stored as SHA-256; a look-up is one indexed read."""

from twofold.accounts import store as accounts
from twofold.base.database import Reply, Row, Transaction
from twofold.base.housekeeping import Expiry
from twofold.sessions.rows import Proved, Session, SessionRow, SignIn

_SELECT = f"""
    SELECT s.account_id, a.email, a.username, COALESCE(a.name, a.username), a.group_names, a.role,
           a.stamp, s.id, s.methods, s.computer_id,
           s.signed_in_at, s.last_used_at, s.expires_at, s.unlocked_until, s.unseen_until, s.proofs, s.stamp,
           {accounts.EMAIL_PROVEN_AT}, s.token_hash
    FROM session s JOIN account a ON a.id = s.account_id
"""  # noqa: S608 - written in the store of accounts
_FIND = f"{_SELECT} WHERE s.token_hash = :token_hash AND a.disabled_at IS NULL"
_FIND_BY_GATE = f"{_SELECT} WHERE s.gate_hash = :gate_hash AND a.disabled_at IS NULL"
_LOCK = """
    SELECT id FROM account WHERE id = (SELECT account_id FROM session WHERE token_hash = :token_hash) FOR UPDATE
"""
_CURRENT_STAMP = "(SELECT stamp FROM account WHERE id = :account_id)"
EXPIRY = Expiry("session", "token_hash", "expires_at <= :before")


async def find(tx: Transaction, token_hash: bytes) -> SessionRow | None:
    """Return a session with its account, or None if there is none or the account is disabled."""
    row = await tx.one(_FIND, token_hash=token_hash)
    return SessionRow(*row) if row else None


async def find_by_gate(tx: Transaction, gate_hash: bytes) -> SessionRow | None:
    """Return the session that a gate cookie belongs to, with its account, as `find` does."""
    row = await tx.one(_FIND_BY_GATE, gate_hash=gate_hash)
    return SessionRow(*row) if row else None


async def find_for_update(tx: Transaction, token_hash: bytes) -> SessionRow | None:
    """Lock the account of a session, then return the session, or None.

    Two statements, since locking the session first could deadlock with a transaction that locked the account and ends
    the session.
    """
    tx.lock(_LOCK, token_hash=token_hash)
    return await find(tx, token_hash)


async def of_account(
    tx: Transaction, account_id: str, *, before: str, limit: int, now: int, latest: int
) -> list[Session]:
    """Return unexpired sessions of an account, newest first, with ids below `before`."""
    rows = await tx.all(
        """
        SELECT id, name, source, signed_in_at, last_used_at, expires_at, token_hash FROM session
        WHERE account_id = :account_id AND id < :before AND expires_at > :now AND signed_in_at <= :latest
        ORDER BY id DESC LIMIT :limit
        """,
        account_id=account_id,
        before=before,
        limit=limit,
        now=now,
        latest=latest,
    )
    return [Session(**row) for row in rows]


async def keep_newest(
    tx: Transaction, account_id: str, newest: bytes, others: int, *, now: int, used_since: int
) -> None:
    """Delete all sessions of an account except `newest` and `others` valid ones.

    Of these, sessions used after `used_since` come first, then the newest. The last use of a session may not be stored
    yet, so one that looks unused ends only if there are too many.
    """
    tx.later(
        """
        DELETE FROM session WHERE account_id = :account_id AND token_hash <> :newest AND token_hash NOT IN (
            SELECT token_hash FROM session
            WHERE account_id = :account_id AND token_hash <> :newest AND expires_at > :now
            ORDER BY last_used_at > :used_since DESC, signed_in_at DESC, id DESC LIMIT :others)
        """,
        account_id=account_id,
        newest=newest,
        others=others,
        now=now,
        used_since=used_since,
    )


def insert(tx: Transaction, session_id: str, sign_in: SignIn) -> Reply[int]:
    """Add a session; return how many others the account has, valid or not."""
    return tx.all(
        f"""
        INSERT INTO session (token_hash, id, account_id, name, source, methods, proofs, stamp, computer_id,
                             signed_in_at, last_used_at, expires_at, unlocked_until, unseen_until)
        VALUES (:token_hash, :session_id, :account_id, :name, :source, :methods, :proofs, {_CURRENT_STAMP},
                :computer_id, :now, :now, :expires_at, :unlocked_until, :unseen_until)
        RETURNING (SELECT COUNT(*) FROM session WHERE account_id = :account_id AND token_hash <> :token_hash) AS others
        """,  # noqa: S608 - written above
        session_id=session_id,
        **sign_in.columns,
    ).then(lambda rows: int(rows[0]["others"]))


async def sign_in_again(tx: Transaction, old: bytes, sign_in: SignIn) -> bool:
    """Continue a session after another sign-in; return whether the old token was valid."""
    changed = await tx.run(
        f"""
        UPDATE session SET token_hash = :token_hash, name = :name, source = :source, methods = :methods,
                           proofs = :proofs, stamp = {_CURRENT_STAMP}, computer_id = :computer_id,
                           signed_in_at = :now, last_used_at = :now, expires_at = :expires_at,
                           unlocked_until = :unlocked_until, unseen_until = :unseen_until
        WHERE token_hash = :old AND account_id = :account_id
        """,  # noqa: S608 - written above
        old=old,
        **sign_in.columns,
    )
    return changed == 1


async def mark_seen(tx: Transaction, token_hash: bytes) -> bool:
    """Record that a session was used, so that its answer is not repeated; return False if it has ended."""
    seen = await tx.run("UPDATE session SET unseen_until = 0 WHERE token_hash = :token_hash", token_hash=token_hash)
    return seen == 1


async def replace_unseen(
    tx: Transaction, account_id: str, old: bytes, new: bytes, *, idle: int, now: int
) -> Row | None:
    """Replace the token of a valid unused session; return its times, or None if there is none."""
    return await tx.one(
        """
        UPDATE session SET token_hash = :new, last_used_at = :now
        WHERE token_hash = :old AND account_id = :account_id AND unseen_until > :now
          AND expires_at > :now AND last_used_at > :now - :idle
        RETURNING expires_at, unlocked_until
        """,
        account_id=account_id,
        old=old,
        new=new,
        idle=idle,
        now=now,
    )


async def renew(
    tx: Transaction,
    account_id: str,
    old: bytes,
    new: bytes,
    *,
    proved: Proved,
    unlocked_until: int,
    unseen_until: int,
    now: int,
) -> bool:
    """Replace the token and the proofs of a session and unlock it; return whether the old token was valid."""
    changed = await tx.run(
        f"""
        UPDATE session SET token_hash = :new, methods = :methods, proofs = :proofs, stamp = {_CURRENT_STAMP},
                           unlocked_until = :unlocked_until, last_used_at = :now, unseen_until = :unseen_until
        WHERE token_hash = :old AND account_id = :account_id
        """,  # noqa: S608 - written above
        account_id=account_id,
        old=old,
        new=new,
        **proved.columns,
        unlocked_until=unlocked_until,
        unseen_until=unseen_until,
        now=now,
    )
    return changed == 1


async def set_proofs(tx: Transaction, account_id: str, session_id: str, proved: Proved) -> None:
    """Store the proofs of a session that still count."""
    tx.later(
        f"""
        UPDATE session SET methods = :methods, proofs = :proofs, stamp = {_CURRENT_STAMP}
        WHERE id = :id AND account_id = :account_id
        """,  # noqa: S608 - written above
        id=session_id,
        account_id=account_id,
        **proved.columns,
    )


async def raise_stamp(tx: Transaction, account_id: str) -> None:
    """Keep the proofs of the account's sessions valid after its stamp was raised by one."""
    tx.later("UPDATE session SET stamp = stamp + 1 WHERE account_id = :account_id", account_id=account_id)


async def lock(tx: Transaction, account_id: str, token_hash: bytes, now: int) -> bool:
    """Lock a session's settings; return False if they were locked."""
    locked = await tx.run(
        """
        UPDATE session SET unlocked_until = 0
        WHERE token_hash = :token_hash AND account_id = :account_id AND unlocked_until > :now
        """,
        token_hash=token_hash,
        account_id=account_id,
        now=now,
    )
    return locked == 1


async def lock_all(tx: Transaction, account_id: str) -> None:
    """Lock settings in every session of an account."""
    tx.later(
        "UPDATE session SET unlocked_until = 0 WHERE account_id = :account_id AND unlocked_until > 0",
        account_id=account_id,
    )


async def record_use(tx: Transaction, uses: dict[bytes, int]) -> None:
    """Store when sessions were last used."""
    for token_hash, at in uses.items():
        tx.later(
            "UPDATE session SET last_used_at = :at WHERE token_hash = :token_hash AND last_used_at < :at",
            token_hash=token_hash,
            at=at,
        )


async def end(tx: Transaction, account_id: str, session_id: str) -> bool:
    """Delete one session of an account; return whether there was one."""
    ended = await tx.run(
        "DELETE FROM session WHERE id = :id AND account_id = :account_id", id=session_id, account_id=account_id
    )
    return ended == 1


def end_all_but(tx: Transaction, account_id: str, kept: str) -> Reply[int]:
    """Delete all sessions of an account except one; an empty id keeps none. Return how many."""
    return tx.run(
        "DELETE FROM session WHERE account_id = :account_id AND id <> :kept",
        account_id=account_id,
        kept=kept,
    )
