"""A build that is broken on purpose: it looks whether a code is spent, then spends it, and holds no lock meanwhile.

`python broken_build.py python -m twofold serve ...` serves it. The races must be lost here, or they prove nothing.
"""

import asyncio
import sys

from twofold.accounts import store as accounts
from twofold.accounts.rules import Account
from twofold.base import throttle
from twofold.base.database import Transaction
from twofold.cli import main
from twofold.factors import store as factors
from twofold.factors.recovery import store as recovery
from twofold.signin import actions as signin


async def unlocked_account(tx: Transaction, account_id: str) -> Account | None:
    """The account, without keeping others from it."""
    row = await tx.one(
        "SELECT id, email, password_hash, stamp, administrator, created_at, disabled_at FROM account WHERE id = :id",
        id=account_id,
    )
    return Account(**row) if row else None


async def look_then_spend(tx: Transaction, account_id: str, factor_id: str, step: int, now: int) -> bool:
    """Checks, then writes: the flaw of half the products that had one."""
    factor = await factors.find(tx, account_id, factor_id)
    await asyncio.sleep(0.01)
    if factor is None or factor.last_step >= step:
        return False
    await tx.run(
        "UPDATE factor SET last_step = :step, last_used_at = :now WHERE id = :id", step=step, now=now, id=factor_id
    )
    return True


async def look_then_spend_recovery_code(tx: Transaction, account_id: str, code_hash: str) -> bool:
    """Checks, then deletes."""
    row = await recovery.find(tx, account_id)
    await asyncio.sleep(0.01)
    if row is None or row["code_hash"] != code_hash:
        return False
    await tx.run("DELETE FROM recovery_code WHERE account_id = :account_id", account_id=account_id)
    return True


def break_the_build() -> None:
    """Takes away the condition, and each lock that would make up for it."""
    factors.spend = look_then_spend
    recovery.spend = look_then_spend_recovery_code
    throttle.hold = throttle.peek
    accounts.hold = unlocked_account
    signin.hold = unlocked_account  # type: ignore[attr-defined]  # the name under which it was imported


if __name__ == "__main__":
    break_the_build()
    sys.argv = ["twofold", *sys.argv[4:]]
    main()
