"""The table of sent codes: one row per account and purpose, with a keyed hash of the code."""

from twofold.base.database import Transaction
from twofold.base.housekeeping import Expiry
from twofold.factors.contract import Purpose
from twofold.factors.phone.codes.rules import SentCode

EXPIRY = Expiry("live_code", "account_id, purpose", "expires_at <= :before", kept=3600)


async def find(tx: Transaction, account_id: str, purpose: Purpose) -> SentCode | None:
    """Return the last code sent for a purpose, even if it has expired or been used."""
    row = await tx.one(
        """
        SELECT account_id, factor_id, request, code_hash, message_id, resend_at, expires_at, used_at
        FROM live_code WHERE account_id = :account_id AND purpose = :purpose
        """,
        account_id=account_id,
        purpose=purpose.value,
    )
    return SentCode(**row) if row else None


async def replace(tx: Transaction, purpose: Purpose, sent: SentCode) -> None:
    """Replace the old code, which stops working, with a new one."""
    tx.later(
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


async def consume(tx: Transaction, account_id: str, purpose: Purpose, code_hash: str, now: int) -> bool:
    """Use up this code and no other; return whether it was unused and valid."""
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


async def delete_all(tx: Transaction, account_id: str) -> list[str]:
    """Delete the codes of an account; return the ids of their messages."""
    sql = "DELETE FROM live_code WHERE account_id = :account_id RETURNING message_id"
    return [row["message_id"] for row in await tx.all(sql, account_id=account_id)]
