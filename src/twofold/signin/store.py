"""The table of unfinished attempts, which expire after five minutes."""

import msgspec

from twofold.accounts import store as accounts
from twofold.accounts.rules import Account
from twofold.base import throttle
from twofold.base.database import Reply, Transaction
from twofold.base.housekeeping import Expiry
from twofold.base.throttle import Tallies
from twofold.factors import store as factors
from twofold.factors.rules import TwoFactor
from twofold.signin.rules import ATTEMPT_LIFETIME

_HOLD = """
    SELECT id FROM account WHERE id = (SELECT account_id FROM sign_in WHERE token_hash = :token_hash) FOR UPDATE
"""
_FIND = f"""
    SELECT {factors.COLUMNS}, {throttle.COLUMNS},
           s.account_id, s.tries, s.expires_at, COALESCE(s.address, a.email) AS address
    FROM sign_in s JOIN account a ON a.id = s.account_id {factors.JOINS} {factors.TALLIES_JOIN}
    WHERE s.token_hash = :token_hash AND s.stamp = a.stamp AND a.disabled_at IS NULL {factors.ORDER} LIMIT 300
"""  # noqa: S608 - written in the stores
_TALLIES = f"""
    SELECT {throttle.COLUMNS}, s.account_id
    FROM sign_in s JOIN account a ON a.id = s.account_id {factors.TALLIES_JOIN}
    WHERE s.token_hash = :token_hash AND s.stamp = a.stamp AND a.disabled_at IS NULL LIMIT 3
"""  # noqa: S608 - written in the stores
_AFTER_PASSWORD = f"""
    SELECT {factors.COLUMNS}, {throttle.COLUMNS}, {accounts.COLUMNS}
    FROM account a LEFT JOIN throttle t ON t.key = :key {factors.JOINS} WHERE a.id = :id {factors.ORDER} LIMIT 300
"""  # noqa: S608 - written in the stores
EXPIRY = Expiry("sign_in", "token_hash", "expires_at <= :before")


class Attempt(msgspec.Struct, frozen=True):
    """An unfinished sign-in: its account, the number of wrong codes, and its end (epoch seconds).

    It comes with what the next step needs: the account's factors, and the tallies of its wrong codes.
    """

    account_id: str
    tries: int
    expires_at: int
    address: str  # as it was typed
    two_factor: TwoFactor
    tallies: Tallies

    @property
    def begun_at(self) -> int:
        """Return when the password was proven."""
        return self.expires_at - ATTEMPT_LIFETIME


def find_account_for_update(
    tx: Transaction, account_id: str, key: str
) -> tuple[Reply[tuple[Account | None, Tallies]], Reply[TwoFactor]]:
    """Lock an account and the tally of a key, then return both, and the account's policy and factors."""
    accounts.lock_with_tally(tx, account_id, key)
    rows = tx.all(_AFTER_PASSWORD, id=account_id, key=key)
    return rows.then(accounts.account_and_tallies), rows.then(factors.two_factor_of)


async def find(tx: Transaction, token_hash: bytes, source_key: str) -> Attempt | None:
    """Return an attempt if its account may sign in and still has the credentials that were proven."""
    rows = await tx.all(_FIND, token_hash=token_hash, source=source_key)
    if not rows:
        return None
    account_id, tries, expires_at, address = tuple(rows[0])[-4:]
    return Attempt(account_id, tries, expires_at, address, factors.two_factor_of(rows), throttle.tallies_of(rows))


async def find_tallies(tx: Transaction, token_hash: bytes, source_key: str) -> tuple[str, Tallies] | None:
    """Return the account of such an attempt, and the tallies of its wrong codes."""
    rows = await tx.all(_TALLIES, token_hash=token_hash, source=source_key)
    return (rows[0]["account_id"], throttle.tallies_of(rows)) if rows else None


async def exists(tx: Transaction, token_hash: bytes) -> bool:
    """Return whether an attempt exists, valid or not."""
    return (
        await tx.one("SELECT 1 AS yes FROM sign_in WHERE token_hash = :token_hash", token_hash=token_hash) is not None
    )


async def find_for_update(tx: Transaction, token_hash: bytes, source_key: str) -> Attempt | None:
    """Lock an attempt's account for this transaction, then return the attempt if it is still valid."""
    tx.lock(_HOLD, token_hash=token_hash)
    return await find(tx, token_hash, source_key)


async def insert(
    tx: Transaction, token_hash: bytes, account_id: str, *, stamp: int, expires_at: int, address: str
) -> None:
    """Insert an attempt; `stamp` is the account's at the time when the password was proven."""
    tx.later(
        """
        INSERT INTO sign_in (token_hash, account_id, stamp, tries, expires_at, address)
        VALUES (:token_hash, :account_id, :stamp, 0, :expires_at, :address)
        """,
        token_hash=token_hash,
        account_id=account_id,
        stamp=stamp,
        expires_at=expires_at,
        address=address,
    )


async def count_try(tx: Transaction, token_hash: bytes) -> None:
    """Count a wrong code against an attempt."""
    tx.later("UPDATE sign_in SET tries = tries + 1 WHERE token_hash = :token_hash", token_hash=token_hash)


def finish(tx: Transaction, token_hash: bytes) -> Reply[bool]:
    """Delete an attempt; return whether it still existed."""
    finished = tx.run("DELETE FROM sign_in WHERE token_hash = :token_hash", token_hash=token_hash)
    return finished.then(lambda count: count == 1)


async def discard(tx: Transaction, token_hash: bytes) -> str | None:
    """Delete an attempt, valid or not; return its account id if it existed."""
    row = await tx.one("DELETE FROM sign_in WHERE token_hash = :token_hash RETURNING account_id", token_hash=token_hash)
    return row["account_id"] if row else None
