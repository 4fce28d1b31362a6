"""The table of browsers and programs, by account and by the hash of their token."""

from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.database import Reply, Transaction
from twofold.base.housekeeping import Expiry

REPLACED_FOR = 120  # seconds that a replaced token still works, because a response may be lost

EXPIRY = Expiry("browser", "token_hash, account_id", "last_at <= :before", kept=365 * 86_400)


def find(tx: Transaction, account_id: str, browser: bytes, now: int) -> Reply[tuple[str, int] | None]:
    """Return the id and the time of the last sign-in (epoch seconds) of a known browser, or None.

    A token that was replaced a moment ago is accepted too.
    """
    return tx.one(
        """
        SELECT id, last_at FROM browser
        WHERE account_id = :account_id AND (token_hash = :browser
            OR former_hash = :browser AND renewed_at > :since AND renewed_at <= :latest) LIMIT 1
        """,
        browser=browser,
        account_id=account_id,
        **_lately(now),
    ).then(lambda row: (row["id"] or _first_id(browser), row["last_at"]) if row else None)


async def renew(tx: Transaction, account_id: str, old: bytes, new: bytes, now: int) -> set[str]:
    """Replace the token of a browser for every account that knows it; return these accounts."""
    rows = await tx.all(
        """
        UPDATE browser SET token_hash = :new, former_hash = :old, renewed_at = :now,
            id = CASE WHEN id = '' THEN :first_id ELSE id END,
            last_at = CASE WHEN account_id = :account_id THEN :now ELSE last_at END
        WHERE token_hash = :old RETURNING account_id
        """,
        account_id=account_id,
        old=old,
        new=new,
        first_id=_first_id(old),
        now=now,
    )
    return {row["account_id"] for row in rows}


async def repeat_renewal(tx: Transaction, account_id: str, old: bytes, new: bytes, now: int) -> bool:
    """Replace the token of a browser whose former one is `old`, for one account; return whether it was in time."""
    changed = await tx.run(
        """
        UPDATE browser SET token_hash = :new
        WHERE account_id = :account_id AND former_hash = :old AND renewed_at > :since AND renewed_at <= :latest
        """,
        account_id=account_id,
        old=old,
        new=new,
        **_lately(now),
    )
    return changed == 1


async def record_first_use(tx: Transaction, account_id: str, now: int) -> bool:
    """Record that an account is used; return whether this is the first time. Browsers are kept for a year."""
    noted = await tx.run(
        """
        UPDATE account SET used = 1 WHERE id = :id AND used = 0 AND created_at > :now - 31536000
            AND NOT EXISTS (SELECT 1 FROM browser WHERE account_id = :id)
        """,
        id=account_id,
        now=now,
    )
    return noted == 1


async def record_use(tx: Transaction, account_id: str, browser: bytes, browser_id: str, now: int) -> None:
    """Record that the account signed in with this browser."""
    tx.later(
        """
        INSERT INTO browser (token_hash, account_id, last_at, id) VALUES (:browser, :account_id, :now, :browser_id)
        ON CONFLICT (token_hash, account_id) DO UPDATE SET last_at = :now
        """,
        browser=browser,
        account_id=account_id,
        browser_id=browser_id,
        now=now,
    )


async def keep_newest(tx: Transaction, account_id: str, newest: bytes, others: int) -> None:
    """Delete all browsers of an account except `newest` and the `others` most recently used."""
    tx.later(
        """
        DELETE FROM browser WHERE account_id = :account_id AND token_hash <> :newest AND token_hash NOT IN
            (SELECT token_hash FROM browser WHERE account_id = :account_id AND token_hash <> :newest
             ORDER BY last_at DESC, token_hash LIMIT :others)
        """,
        account_id=account_id,
        newest=newest,
        others=others,
    )


async def keep_newest_accounts(tx: Transaction, browser: bytes, newest: str, others: int) -> None:
    """Delete a browser from all accounts except `newest` and the `others` that used it most recently."""
    tx.later(
        """
        DELETE FROM browser WHERE token_hash = :browser AND account_id <> :newest AND account_id NOT IN
            (SELECT account_id FROM browser WHERE token_hash = :browser AND account_id <> :newest
             ORDER BY last_at DESC, account_id LIMIT :others)
        """,
        browser=browser,
        newest=newest,
        others=others,
    )


async def delete(tx: Transaction, account_id: str, now: int, *, but: bytes = b"") -> None:
    """Delete the browsers of an account except `but`; the next unknown one still counts as a new computer."""
    tx.later(
        """
        UPDATE account SET used = 1
        WHERE id = :id AND used = 0 AND EXISTS (SELECT 1 FROM browser WHERE account_id = :id)
        """,
        id=account_id,
    )
    tx.later(
        """
        DELETE FROM browser WHERE account_id = :id AND token_hash <> :but
            AND NOT (former_hash IS NOT NULL AND former_hash = :but AND renewed_at > :since AND renewed_at <= :latest)
        """,
        id=account_id,
        but=but,
        **_lately(now),
    )


async def times_of_use(tx: Transaction, account_id: str) -> list[int]:
    """Return when the browsers and programs of an account were last used (epoch seconds), newest first."""
    sql = "SELECT last_at FROM browser WHERE account_id = :account_id ORDER BY last_at DESC"
    return [row["last_at"] for row in await tx.all(sql, account_id=account_id)]


def _lately(now: int) -> dict[str, int]:
    return {"since": now - REPLACED_FOR, "latest": now + MAX_CLOCK_SKEW}


def _first_id(browser: bytes) -> str:
    """Return an id for a row written by an earlier version."""
    return browser.hex()[:26]
