"""The account table, and the browsers in which an account has signed in before."""

from twofold.accounts.rules import Account
from twofold.base.database import Transaction
from twofold.base.housekeeping import Over
from twofold.base.texts import ENGLISH

_ACCOUNT = "SELECT id, email, password_hash, stamp, administrator, created_at, disabled_at, locale FROM account"

OVER = Over("browser", "token_hash, account_id", "last_at <= :before", kept=365 * 86_400)
OVER_ADDRESSES = Over("former_address", "account_id, email", "until <= :before")


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
        INSERT INTO account (id, email, password_hash, stamp, administrator, created_at, locale)
        VALUES (:id, :email, :password_hash, :stamp, :administrator, :created_at, :locale)
        ON CONFLICT (email) DO NOTHING
        """,
        id=account.id,
        email=account.email,
        password_hash=account.password_hash,
        stamp=account.stamp,
        administrator=account.administrator,
        created_at=account.created_at,
        locale=account.locale,
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


async def locale_of(tx: Transaction, account_id: str) -> str:
    """Give the language in which an account is written and spoken to."""
    row = await tx.one("SELECT locale FROM account WHERE id = :id", id=account_id)
    return row["locale"] if row else ENGLISH


async def set_locale(tx: Transaction, account_id: str, locale: str) -> None:
    """Write and speak to an account in another language from now on."""
    await tx.run("UPDATE account SET locale = :locale WHERE id = :id", id=account_id, locale=locale)


async def set_email(tx: Transaction, account: Account, email: str, *, told_until: int) -> None:
    """Give an account another address; notices reach the old one, too, until `told_until` (epoch seconds).

    Raises the database's Conflict when the address is taken.
    """
    await tx.run("UPDATE account SET email = :email WHERE id = :id", id=account.id, email=email)
    await tx.run(
        """
        INSERT INTO former_address (account_id, email, until) VALUES (:id, :email, :until)
        ON CONFLICT (account_id, email) DO UPDATE SET until = :until
        """,
        id=account.id,
        email=account.email,
        until=told_until,
    )


async def addresses(tx: Transaction, account_id: str, now: int) -> dict[str, str]:
    """Tell where notices go and in which language: the account's address first, then those that it had not long ago."""
    rows = await tx.all(
        """
        SELECT email, locale, 0 AS former FROM account WHERE id = :id
        UNION ALL
        SELECT gone.email, account.locale, 1 AS former FROM former_address gone JOIN account ON account.id = account_id
        WHERE account_id = :id AND until > :now
        ORDER BY former, email
        """,
        id=account_id,
        now=now,
    )
    return {row["email"]: row["locale"] for row in rows}


async def delete(tx: Transaction, account_id: str) -> bool:
    """Remove an account and all that is its own, unless it is the last administrator's; tells whether it did."""
    await tx.all("SELECT id FROM account WHERE administrator = 1 ORDER BY id FOR UPDATE")
    gone = await tx.run(
        """
        DELETE FROM account WHERE id = :id AND (administrator = 0 OR EXISTS
            (SELECT 1 FROM account other
             WHERE other.administrator = 1 AND other.disabled_at IS NULL AND other.id <> account.id))
        """,
        id=account_id,
    )
    return gone == 1


async def set_disabled(tx: Transaction, account_id: str, at: int | None) -> None:
    """Disable from `at` (epoch seconds), or enable with None."""
    await tx.run("UPDATE account SET disabled_at = :at WHERE id = :id", id=account_id, at=at)


async def has_administrator(tx: Transaction) -> bool:
    """Tell whether there is an administrator."""
    return await tx.one("SELECT 1 AS yes FROM account WHERE administrator = 1 LIMIT 1") is not None


async def administrators(tx: Transaction, *, limit: int) -> dict[str, str]:
    """Give the addresses of the administrators who may sign in, and the language of each."""
    rows = await tx.all(
        """
        SELECT email, locale FROM account WHERE administrator = 1 AND disabled_at IS NULL
        ORDER BY created_at, id LIMIT :limit
        """,
        limit=limit,
    )
    return {row["email"]: row["locale"] for row in rows}


async def last_sign_in(tx: Transaction, account_id: str, browser: bytes) -> int | None:
    """Give when the account has signed in with this browser, to the day (epoch seconds); None if it never did."""
    row = await tx.one(
        "SELECT last_at FROM browser WHERE token_hash = :browser AND account_id = :account_id",
        browser=browser,
        account_id=account_id,
    )
    return row["last_at"] if row else None


async def was_never_used(tx: Transaction, account_id: str, now: int) -> bool:
    """Tell whether nobody has signed in to this account yet; browsers are remembered for a year."""
    row = await tx.one(
        """
        SELECT 1 AS yes FROM account WHERE id = :id AND created_at > :now - 31536000
            AND NOT EXISTS (SELECT 1 FROM browser WHERE account_id = :id)
        """,
        id=account_id,
        now=now,
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
