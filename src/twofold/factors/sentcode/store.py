"""The table of live codes: one row an account and purpose, a keyed hash of the code."""

from twofold.base.database import Transaction
from twofold.base.housekeeping import Over
from twofold.factors.sentcode.rules import LiveCode, Purpose

OVER = Over("live_code", "account_id, purpose", "expires_at <= :before", kept=3600)


async def find(tx: Transaction, account_id: str, purpose: Purpose) -> LiveCode | None:
    """Find the code that was sent last for a purpose, whatever it is still worth."""
    row = await tx.one(
        """
        SELECT account_id, factor_id, request, code_hash, message_id, resend_at, expires_at, used_at
        FROM live_code WHERE account_id = :account_id AND purpose = :purpose
        """,
        account_id=account_id,
        purpose=purpose.value,
    )
    return LiveCode(**row) if row else None


async def replace(tx: Transaction, purpose: Purpose, sent: LiveCode) -> None:
    """Put a new code in the place of the old one, which is dead."""
    await tx.run(
        """
        INSERT INTO live_code
            (account_id, purpose, factor_id, request, code_hash, message_id, resend_at, expires_at, used_at)
        VALUES (:account_id, :purpose, :factor_id, :request, :code_hash, :message_id, :resend_at, :expires_at, NULL)
        ON CONFLICT (account_id, purpose) DO UPDATE SET
            factor_id = :factor_id, request = :request, code_hash = :code_hash, message_id = :message_id,
            resend_at = :resend_at, expires_at = :expires_at, used_at = NULL
        """,
        account_id=sent.account_id,
        purpose=purpose.value,
        factor_id=sent.factor_id,
        request=sent.request,
        code_hash=sent.code_hash,
        message_id=sent.message_id,
        resend_at=sent.resend_at,
        expires_at=sent.expires_at,
    )


async def spend(tx: Transaction, account_id: str, purpose: Purpose, code_hash: str, now: int) -> bool:
    """Use up exactly this code; tells whether it was still unused and alive."""
    changed = await tx.run(
        """
        UPDATE live_code SET used_at = :now
        WHERE account_id = :account_id AND purpose = :purpose AND code_hash = :code_hash
              AND used_at IS NULL AND expires_at > :now
        """,
        account_id=account_id,
        purpose=purpose.value,
        code_hash=code_hash,
        now=now,
    )
    return changed == 1
