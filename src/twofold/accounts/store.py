"""SQL for accounts and their former addresses."""

from collections.abc import Mapping, Sequence
from typing import Any

from twofold.accounts.rules import Account
from twofold.base import throttle
from twofold.base.database import Reply, Row, Transaction
from twofold.base.housekeeping import Expiry
from twofold.base.texts import ENGLISH
from twofold.base.throttle import Tallies
from twofold.base.visitor import Role

# A proof names its address, since nodes of the previous version change addresses and know nothing of proofs.
EMAIL_PROVEN_AT = "CASE WHEN proven_email = email THEN email_proven_at END AS email_proven_at"
COLUMNS = f"""
    a.id, email, username, a.name, group_names AS groups, password_hash, stamp, role, a.created_at, disabled_at, locale,
    {EMAIL_PROVEN_AT}
"""
SELECT = f"SELECT {COLUMNS} FROM account a"  # noqa: S608 - written above
_BY_EMAIL_WITH_TALLIES = f"""
    SELECT {COLUMNS}, {throttle.COLUMNS}
    FROM (SELECT 1 AS one) always LEFT JOIN account a ON email = :email
                                  LEFT JOIN throttle t ON t.key IN (:one, :two, :three)
"""  # noqa: S608 - written above
_WITH_TALLY = f"""
    SELECT {COLUMNS}, {throttle.COLUMNS} FROM account a LEFT JOIN throttle t ON t.key = :key WHERE a.id = :id
"""  # noqa: S608 - written above
# An owner counts if it can sign in, and if a reset link would reach it.
_WORKING_OWNER = """
    SELECT 1 AS yes FROM account
    WHERE role = 'owner' AND disabled_at IS NULL AND proven_email = email AND password_hash <> '' LIMIT 1
"""

EXPIRY = Expiry("former_address", "account_id, email", "until <= :before")


async def by_email(tx: Transaction, email: str) -> Account | None:
    """Return the account with a normalised address, or None."""
    row = await tx.one(f"{SELECT} WHERE email = :email", email=email)
    return account_of(row) if row else None


async def find(tx: Transaction, account_id: str) -> Account | None:
    """Return an account, or None."""
    row = await tx.one(f"{SELECT} WHERE id = :id", id=account_id)
    return account_of(row) if row else None


async def find_for_update(tx: Transaction, account_id: str) -> Account | None:
    """Return an account, or None, and lock it until this transaction ends."""
    row = await tx.one(f"{SELECT} WHERE id = :id FOR UPDATE", id=account_id)
    return account_of(row) if row else None


async def by_email_with_tallies(tx: Transaction, email: str, *keys: str) -> tuple[Account | None, Tallies]:
    """Return the account with a normalized address, or None, and the tallies of three keys."""
    rows = await tx.all(_BY_EMAIL_WITH_TALLIES, email=email, **dict(zip(("one", "two", "three"), keys, strict=True)))
    return account_and_tallies(rows)


def find_with_tally_for_update(tx: Transaction, account_id: str, key: str) -> Reply[tuple[Account | None, Tallies]]:
    """Lock an account and the tally of a key until this transaction ends, then return both."""
    lock_with_tally(tx, account_id, key)
    return tx.all(_WITH_TALLY, id=account_id, key=key).then(account_and_tallies)


def lock_with_tally(tx: Transaction, account_id: str, key: str) -> None:
    """Lock an account and the tally of a key until this transaction ends."""
    tx.lock("SELECT id FROM account WHERE id = :id FOR UPDATE", id=account_id)
    throttle.hold(tx, key)


def account_and_tallies(rows: Sequence[Row]) -> tuple[Account | None, Tallies]:
    """Return the account and the tallies of rows that have `COLUMNS` and those of tallies."""
    known = bool(rows) and rows[0]["id"] is not None
    account = account_of({name: rows[0][name] for name in Account.__struct_fields__}) if known else None
    return account, throttle.tallies_of(rows)


async def all_accounts(tx: Transaction, *, after: str, limit: int) -> list[Account]:
    """Return accounts sorted by address, beginning after `after`."""
    rows = await tx.all(f"{SELECT} WHERE email > :after ORDER BY email LIMIT :limit", after=after, limit=limit)
    return [account_of(row) for row in rows]


def account_of(row: Row | Mapping[str, Any]) -> Account:
    """Return the account of a row that `SELECT` found."""
    return Account(**{**row, "groups": tuple(sorted(row["groups"].split())), "role": Role(row["role"])})


async def insert(tx: Transaction, account: Account) -> bool:
    """Add an account; return False if its address is taken.

    `administrator` is for nodes of the previous version, which refuse to delete the last account that has it.
    """
    added = await tx.run(
        """
        INSERT INTO account (id, email, username, password_hash, stamp, role, administrator, created_at, locale,
                             proven_email, email_proven_at)
        VALUES (:id, :email, :username, :password_hash, :stamp, :role, :administrator, :created_at, :locale,
                :proven_email, :email_proven_at)
        ON CONFLICT (email) DO NOTHING
        """,
        id=account.id,
        email=account.email,
        username=account.username,
        password_hash=account.password_hash,
        stamp=account.stamp,
        role=account.role,
        administrator=int(account.role is Role.OWNER),
        created_at=account.created_at,
        locale=account.locale,
        proven_email=account.email_for_applications or None,
        email_proven_at=account.email_proven_at,
    )
    return added == 1


async def set_password(tx: Transaction, account_id: str, password_hash: str, *, seen_stamp: int) -> bool:
    """Store a password hash if the stamp is still `seen_stamp`; return whether it was stored."""
    changed = await tx.run(
        "UPDATE account SET password_hash = :password_hash WHERE id = :id AND stamp = :stamp",
        id=account_id,
        password_hash=password_hash,
        stamp=seen_stamp,
    )
    return changed == 1


async def renew_stamp(tx: Transaction, account_id: str) -> None:
    """Invalidate whatever depends on the old credentials: trusted computers, sign-ins in progress, links."""
    tx.later("UPDATE account SET stamp = stamp + 1 WHERE id = :id", id=account_id)


async def locale_of(tx: Transaction, account_id: str) -> str:
    """Return the language of messages to an account."""
    row = await tx.one("SELECT locale FROM account WHERE id = :id", id=account_id)
    return row["locale"] if row else ENGLISH


async def set_locale(tx: Transaction, account_id: str, locale: str) -> None:
    """Set the language of messages to an account."""
    tx.later("UPDATE account SET locale = :locale WHERE id = :id", id=account_id, locale=locale)


async def set_email(
    tx: Transaction, account: Account, email: str, *, proven_at: int | None, notified_until: int
) -> None:
    """Change the address of an account; the old one also gets notices until `notified_until` (epoch seconds).

    Raise UniqueViolation if the address is taken.
    """
    await tx.run(
        """
        UPDATE account SET email = :email, proven_email = :proven_email, email_proven_at = :proven_at WHERE id = :id
        """,
        id=account.id,
        email=email,
        proven_email=email if proven_at is not None else None,
        proven_at=proven_at,
    )
    tx.later(
        """
        INSERT INTO former_address (account_id, email, until) VALUES (:id, :email, :until)
        ON CONFLICT (account_id, email) DO UPDATE SET until = :until
        """,
        id=account.id,
        email=account.email,
        until=notified_until,
    )


async def prove_email(tx: Transaction, account_id: str, email: str, at: int) -> bool:
    """Record that the address of an account is proven; return False if it is another one, or was proven before."""
    proven = await tx.run(
        """
        UPDATE account SET proven_email = email, email_proven_at = :at
        WHERE id = :id AND email = :email AND (proven_email IS NULL OR proven_email <> email)
        """,
        id=account_id,
        email=email,
        at=at,
    )
    return proven == 1


async def addresses(tx: Transaction, account_id: str, now: int) -> dict[str, str]:
    """Return the addresses for notices and their language: the current address first, then recent former ones."""
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


async def former_addresses(tx: Transaction, account_id: str) -> list[tuple[str, int]]:
    """Return recent former addresses, and until when each gets notices (epoch seconds)."""
    sql = "SELECT email, until FROM former_address WHERE account_id = :id ORDER BY until DESC, email"
    return [(row["email"], row["until"]) for row in await tx.all(sql, id=account_id)]


async def delete(tx: Transaction, account_id: str) -> None:
    """Delete an account with its data."""
    tx.later("DELETE FROM account WHERE id = :id", id=account_id)


async def set_disabled(tx: Transaction, account_id: str, at: int | None) -> None:
    """Disable an account from `at` (epoch seconds), or enable it with None."""
    tx.later("UPDATE account SET disabled_at = :at WHERE id = :id", id=account_id, at=at)


async def set_name(tx: Transaction, account_id: str, name: str | None) -> None:
    """Set or remove the name of the person."""
    tx.later("UPDATE account SET name = :name WHERE id = :id", id=account_id, name=name)


async def name_of(tx: Transaction, account_id: str) -> str | None:
    """Return the name of the person, or None if none is set."""
    row = await tx.one("SELECT name FROM account WHERE id = :id", id=account_id)
    return row["name"] if row else None


async def set_role(tx: Transaction, account_id: str, role: Role) -> None:
    """Set the role of an account; `administrator` as in `insert`."""
    tx.later(
        "UPDATE account SET role = :role, administrator = :administrator WHERE id = :id",
        id=account_id,
        role=role,
        administrator=int(role is Role.OWNER),
    )


async def has_owner(tx: Transaction) -> bool:
    """Return whether any account is an owner, disabled or not."""
    return await tx.one("SELECT 1 AS yes FROM account WHERE role = 'owner' LIMIT 1") is not None


async def has_working_owner(tx: Transaction) -> bool:
    """Return whether there is an owner who can sign in."""
    return await tx.one(_WORKING_OWNER) is not None


async def administrators(tx: Transaction, *, limit: int) -> dict[str, str]:
    """Return the addresses and languages of the enabled owners and administrators."""
    rows = await tx.all(
        """
        SELECT email, locale FROM account WHERE role IN ('owner', 'admin') AND disabled_at IS NULL
        ORDER BY created_at, id LIMIT :limit
        """,
        limit=limit,
    )
    return {row["email"]: row["locale"] for row in rows}
