"""SQL for completed steps, by the token that each consumed."""

import msgspec

from twofold.base.database import Reply, Transaction
from twofold.base.housekeeping import Expiry

_LOCK = """
    SELECT id FROM account WHERE id = (SELECT account_id FROM completed_step WHERE token_hash = :token_hash) FOR UPDATE
"""
EXPIRY = Expiry("completed_step", "token_hash", "expires_at <= :before")


class Step(msgspec.Struct, frozen=True):
    """A completed step, with hashes of the recovery codes if one was used."""

    account_id: str
    email: str
    used_code: str | None
    new_code: str | None
    session_hash: bytes


async def find(tx: Transaction, token_hash: bytes, purpose: str, now: int) -> Step | None:
    """Return a completed step, or None."""
    row = await tx.one(
        """
        SELECT c.account_id, a.email, c.used_code, c.new_code, c.session_hash
        FROM completed_step c JOIN account a ON a.id = c.account_id
        WHERE c.token_hash = :token_hash AND c.purpose = :purpose AND c.expires_at > :now
        """,
        token_hash=token_hash,
        purpose=purpose,
        now=now,
    )
    return Step(*row) if row else None


async def find_for_update(tx: Transaction, token_hash: bytes, purpose: str, now: int) -> Step | None:
    """Lock the account of a completed step, then return the step, or None."""
    tx.lock(_LOCK, token_hash=token_hash)
    return await find(tx, token_hash, purpose, now)


def insert(  # noqa: PLR0913 - one column each
    tx: Transaction,
    token_hash: bytes,
    account_id: str,
    *,
    purpose: str,
    used_code: str | None,
    new_code: str | None,
    session_hash: bytes,
    now: int,
    expires_at: int,
) -> Reply[int]:
    """Record a completed step under the current stamp of the account; return how many others it has."""
    return tx.one(
        """
        INSERT INTO completed_step (token_hash, account_id, purpose, stamp, used_code, new_code, session_hash,
                                    repeats, completed_at, expires_at)
        SELECT :token_hash, id, :purpose, stamp, :used_code, :new_code, :session_hash, 0, :now, :expires_at
        FROM account WHERE id = :account_id
        RETURNING (
            SELECT COUNT(*) FROM completed_step WHERE account_id = :account_id AND token_hash <> :token_hash
        ) AS others
        """,
        token_hash=token_hash,
        account_id=account_id,
        purpose=purpose,
        used_code=used_code,
        new_code=new_code,
        session_hash=session_hash,
        now=now,
        expires_at=expires_at,
    ).then(lambda row: row["others"] if row else 0)


async def keep_newest(tx: Transaction, account_id: str, newest: bytes, others: int) -> None:
    """Delete all steps of an account except `newest` and the `others` that were completed last."""
    tx.later(
        """
        DELETE FROM completed_step WHERE account_id = :account_id AND token_hash <> :newest AND token_hash NOT IN (
            SELECT token_hash FROM completed_step WHERE account_id = :account_id AND token_hash <> :newest
            ORDER BY completed_at DESC, token_hash LIMIT :others)
        """,
        account_id=account_id,
        newest=newest,
        others=others,
    )


async def consume_repeat(tx: Transaction, token_hash: bytes, *, most: int, since: int, latest: int) -> bool:
    """Consume one repeat of a step that was completed after `since`; return False if none is left.

    A step completed after `latest` was recorded with a wrong clock. No repeat is left after the account was disabled or
    its credentials changed.
    """
    taken = await tx.run(
        """
        UPDATE completed_step SET repeats = repeats + 1
        WHERE token_hash = :token_hash AND repeats < :most AND completed_at > :since AND completed_at <= :latest
          AND stamp = (SELECT stamp FROM account WHERE id = completed_step.account_id AND disabled_at IS NULL)
        """,
        token_hash=token_hash,
        most=most,
        since=since,
        latest=latest,
    )
    return taken == 1


async def set_answer(tx: Transaction, token_hash: bytes, *, session_hash: bytes, new_code: str) -> None:
    """Record the session and recovery code of the last answer."""
    tx.later(
        """
        UPDATE completed_step SET session_hash = :session_hash, new_code = :new_code WHERE token_hash = :token_hash
        """,
        token_hash=token_hash,
        session_hash=session_hash,
        new_code=new_code,
    )
