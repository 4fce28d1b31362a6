"""A build that is broken on purpose: it looks whether a code is spent, then spends it, and holds no lock meanwhile.

`python broken_build.py FILE python -m twofold serve ...` serves it, by a clock that the file shifts. The races must be
lost here, or they prove nothing.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from twofold.accounts import links
from twofold.accounts import store as accounts
from twofold.accounts.links import Promise
from twofold.accounts.rules import Account
from twofold.base.acts import Act
from twofold.base.database import Row, Transaction
from twofold.base.ids import token_hash
from twofold.computers import store as computers
from twofold.factors import store as factors
from twofold.factors.recovery import store as recovery
from twofold.factors.sentcode import store as sentcode
from twofold.sessions import store as sessions
from twofold.signin import store as attempts


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


async def say_yes(*_: object, **__: object) -> bool:
    """Leaves a sent code alive."""
    return True


def delete_and_say_yes(table: str, column: str) -> Callable[..., Coroutine[None, None, bool]]:
    """Deletes a row, and does not ask whether it was still there."""

    async def end(tx: Transaction, *keys: str | bytes) -> bool:
        await tx.run(f"DELETE FROM {table} WHERE {column} = :key", key=keys[-1])  # noqa: S608 - names of this file
        return True

    return end


async def verify_and_say_yes(tx: Transaction, account_id: str, factor_id: str, step: int, now: int) -> bool:
    """Counts a factor from now on, whether it counted before or not."""
    await asyncio.sleep(0.01)
    await tx.run(
        "UPDATE factor SET verified_at = :now, last_step = :step, expires_at = NULL"
        " WHERE id = :id AND account_id = :account_id",
        id=factor_id,
        account_id=account_id,
        step=step,
        now=now,
    )
    return True


async def look_then_spend_link(act: Act, purpose: str, token: str) -> Promise:
    """Finds a link, then deletes it."""
    promise = await links.look(act, purpose, token)
    await asyncio.sleep(0.5)
    await act.tx.run("DELETE FROM link WHERE token_hash = :token_hash", token_hash=token_hash(token))
    return promise


async def whatever_happened_since(act: Act, row: Row) -> Promise:
    """What a link is good for, whatever has happened to its account since."""
    account = await unlocked_account(act.tx, row["account_id"] or "")
    return Promise(account, row["email"], row["password_hash"])


async def never(tx: Transaction) -> bool:  # noqa: ARG001 - as it is called
    """Says that there is none."""
    return False


def break_the_build() -> None:
    """Takes away the condition, and each lock that would make up for it."""
    factors.spend = look_then_spend
    factors.verify = verify_and_say_yes
    sentcode.spend = say_yes
    recovery.spend = look_then_spend_recovery_code
    attempts.finish = delete_and_say_yes("sign_in", "token_hash")
    computers.forget = delete_and_say_yes("computer", "id")
    links.spend = look_then_spend_link
    links._promise = whatever_happened_since
    accounts.has_administrator = never
    accounts.hold = unlocked_account
    sessions.hold = sessions.find
    attempts.hold = attempts.find


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])
    from shifted_clock import run_shifted  # type: ignore[import-not-found]  # found once this file is run

    del sys.path[0]
    break_the_build()
    run_shifted(sys.argv[1], sys.argv[5:])
