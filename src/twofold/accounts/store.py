"""The account table, and the browsers in which an account has signed in before."""

from twofold.accounts.rules import Account
from twofold.base.database import Transaction

_ACCOUNT = "SELECT id, email, password_hash, stamp, administrator, created_at, disabled_at FROM account"


OVER = """
    DELETE FROM browser WHERE (token_hash, account_id) IN
        (SELECT token_hash, account_id FROM browser WHERE last_at <= :now - 31536000 LIMIT :most)
"""


async def by_email(tx: Transaction, email: str) -> Account | None:
    """Find an account by its normal address."""
    row = await tx.one(f"{_ACCOUNT} WHERE email = :email", email=email)
    return Account(**row) if row else None


async def hold(tx: Transaction, account_id: str) -> Account | None:
    """Find an account and keep others from changing it until this transaction ends."""
    row = await tx.one(f"{_ACCOUNT} WHERE id = :id FOR UPDATE", id=account_id)
    return Account(**row) if row else None


async def all_accounts(tx: Transaction, *, after: str, limit: int) -> list[Account]:
    """List accounts by address, those after the address `after`."""
    rows = await tx.all(f"{_ACCOUNT} WHERE email > :after ORDER BY email LIMIT :limit", after=after, limit=limit)
    return [Account(**row) for row in rows]


async def insert(tx: Transaction, account: Account) -> bool:
    """Add an account; tells whether its address was free."""
    added = await tx.run(
        """
        INSERT INTO account (id, email, password_hash, stamp, administrator, created_at)
        VALUES (:id, :email, :password_hash, :stamp, :administrator, :created_at) ON CONFLICT (email) DO NOTHING
        """,
        id=account.id,
        email=account.email,
        password_hash=account.password_hash,
        stamp=account.stamp,
        administrator=account.administrator,
        created_at=account.created_at,
    )
    return added == 1


async def set_password(tx: Transaction, account_id: str, password_hash: str, *, seen_stamp: int) -> bool:
    """Store a password hash if nothing changed since `seen_stamp`; tells whether it did."""
    changed = await tx.run(
        "UPDATE account SET password_hash = :password_hash WHERE id = :id AND stamp = :stamp",
        id=account_id,
        password_hash=password_hash,
        stamp=seen_stamp,
    )
    return changed == 1


async def renew_stamp(tx: Transaction, account_id: str) -> None:
    """End what rests on the old credentials: trusted computers, attempts under way, links."""
    await tx.run("UPDATE account SET stamp = stamp + 1 WHERE id = :id", id=account_id)


async def set_disabled(tx: Transaction, account_id: str, at: int | None) -> None:
    """Disable from `at` (epoch seconds), or enable with None."""
    await tx.run("UPDATE account SET disabled_at = :at WHERE id = :id", id=account_id, at=at)


async def has_administrator(tx: Transaction) -> bool:
    """Tell whether there is an administrator."""
    return await tx.one("SELECT 1 AS yes FROM account WHERE administrator = 1 LIMIT 1") is not None


async def administrators(tx: Transaction, *, limit: int) -> list[str]:
    """Give the addresses of the administrators who may sign in."""
    rows = await tx.all(
        """
        SELECT email FROM account WHERE administrator = 1 AND disabled_at IS NULL
        ORDER BY created_at, id LIMIT :limit
        """,
        limit=limit,
    )
    return [row["email"] for row in rows]


async def knows_browser(tx: Transaction, account_id: str, browser: bytes) -> bool:
    """Tell whether the account has signed in with this browser before."""
    row = await tx.one(
        "SELECT 1 AS yes FROM browser WHERE token_hash = :browser AND account_id = :account_id",
        browser=browser,
        account_id=account_id,
    )
    return row is not None


async def is_browser(tx: Transaction, browser: bytes) -> bool:
    """Tell whether we gave this browser its token."""
    return await tx.one("SELECT 1 AS yes FROM browser WHERE token_hash = :browser LIMIT 1", browser=browser) is not None


async def note_browser(tx: Transaction, account_id: str, browser: bytes, now: int) -> None:
    """Remember that the account signed in with this browser."""
    await tx.run(
        """
        INSERT INTO browser (token_hash, account_id, last_at) VALUES (:browser, :account_id, :now)
        ON CONFLICT (token_hash, account_id) DO UPDATE SET last_at = :now
        """,
        browser=browser,
        account_id=account_id,
        now=now,
    )
