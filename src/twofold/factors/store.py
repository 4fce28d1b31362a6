"""The table of all factors, and the table of each account's policy and default factor."""

from collections.abc import Iterable

from twofold.base.database import Reply, Row, Transaction
from twofold.base.housekeeping import Expiry
from twofold.factors.contract import Factor
from twofold.factors.rules import Policy, TwoFactor

_FACTOR = """
    SELECT id, account_id, kind, name, sealed, last_step, tries, replaces, created_at, expires_at, verified_at,
           last_used_at, notice_day FROM factor
"""
# For queries of an account `a` together with its policy and verified factors.
COLUMNS = """
    f.id AS factor_id, f.account_id, f.kind, f.name AS factor_name, f.sealed, f.last_step, f.tries, f.replaces,
    f.created_at AS factor_created_at, f.expires_at, f.verified_at, f.last_used_at, f.notice_day,
    choice.policy, choice.default_factor_id
"""
JOINS = """
    LEFT JOIN two_factor choice ON choice.account_id = a.id
    LEFT JOIN factor f ON f.account_id = a.id AND f.verified_at IS NOT NULL
"""
KEY_PREFIX = "codes:"  # of the throttle keys of wrong codes, whose runs do not expire
# The same with the tallies of its wrong codes; `:source` is the key of the client's network.
TALLIES_JOIN = f"""
    LEFT JOIN throttle t ON t.key IN ('{KEY_PREFIX}' || a.id, '{KEY_PREFIX}' || a.id || ':known', :source)
"""
ORDER = "ORDER BY f.verified_at, f.id"  # oldest first
_COUNT = 15
_TWO_FACTOR = f"SELECT {COLUMNS} FROM account a {JOINS} WHERE a.id = :account_id {ORDER} LIMIT 100"  # noqa: S608 - as above

EXPIRY = Expiry("factor", "id", "verified_at IS NULL AND expires_at <= :before")


def two_factor(tx: Transaction, account_id: str) -> Reply[TwoFactor]:
    """Return an account's policy, default factor and verified factors, oldest first."""
    return tx.all(_TWO_FACTOR, account_id=account_id).then(two_factor_of)


def two_factor_of(rows: Iterable[Row]) -> TwoFactor:
    """Return the policy and factors of rows that begin with `COLUMNS`; other tables may repeat a factor."""
    policy, default, factors = None, None, {}
    for row in rows:
        *factor, policy, default = tuple(row)[:_COUNT]
        if factor[0] is not None:
            factors[factor[0]] = Factor(*factor)
    return TwoFactor(Policy(policy or Policy.DISABLED), tuple(factors.values()), default)


async def save_choice(tx: Transaction, account_id: str, policy: Policy, default_factor_id: str | None) -> None:
    """Store an account's policy and default factor."""
    tx.later(
        """
        INSERT INTO two_factor (account_id, policy, default_factor_id)
        VALUES (:account_id, :policy, :default_factor_id)
        ON CONFLICT (account_id) DO UPDATE SET policy = :policy, default_factor_id = :default_factor_id
        """,
        account_id=account_id,
        policy=policy.value,
        default_factor_id=default_factor_id,
    )


async def find(tx: Transaction, account_id: str, factor_id: str) -> Factor | None:
    """Return one factor of an account, verified or not."""
    row = await tx.one(f"{_FACTOR} WHERE id = :id AND account_id = :account_id", id=factor_id, account_id=account_id)
    return Factor(**row) if row else None


async def insert(tx: Transaction, factor: Factor) -> None:
    """Insert an unverified factor."""
    tx.later(
        """
        INSERT INTO factor (id, account_id, kind, name, sealed, last_step, tries, replaces, created_at, expires_at)
        VALUES (:id, :account_id, :kind, :name, :sealed, -1, 0, :replaces, :created_at, :expires_at)
        """,
        id=factor.id,
        account_id=factor.account_id,
        kind=factor.kind,
        name=factor.name,
        sealed=factor.sealed,
        replaces=factor.replaces,
        created_at=factor.created_at,
        expires_at=factor.expires_at,
    )


async def keep_newest_pending(tx: Transaction, account_id: str, kept: int, now: int) -> None:
    """Delete expired enrolments, and all unfinished ones but the newest `kept`."""
    tx.later(
        "DELETE FROM factor WHERE account_id = :account_id AND verified_at IS NULL AND expires_at <= :now",
        account_id=account_id,
        now=now,
    )
    tx.later(
        """
        DELETE FROM factor WHERE account_id = :account_id AND verified_at IS NULL AND id NOT IN (
            SELECT id FROM factor WHERE account_id = :account_id AND verified_at IS NULL
            ORDER BY created_at DESC, id DESC LIMIT :kept)
        """,
        account_id=account_id,
        kept=kept,
    )


async def delete_pending(tx: Transaction, account_id: str) -> None:
    """Delete every unfinished enrolment of an account."""
    tx.later("DELETE FROM factor WHERE account_id = :account_id AND verified_at IS NULL", account_id=account_id)


async def count_try(tx: Transaction, account_id: str, factor_id: str) -> None:
    """Count a wrong code against an enrolment."""
    tx.later(
        "UPDATE factor SET tries = tries + 1 WHERE id = :id AND account_id = :account_id",
        id=factor_id,
        account_id=account_id,
    )


async def verify(tx: Transaction, account_id: str, factor_id: str, now: int) -> bool:
    """Mark a factor as verified; return whether it was still unverified."""
    changed = await tx.run(
        """
        UPDATE factor SET verified_at = :now, last_used_at = :now, expires_at = NULL
        WHERE id = :id AND account_id = :account_id AND verified_at IS NULL
        """,
        id=factor_id,
        account_id=account_id,
        now=now,
    )
    return changed == 1


async def record_use(tx: Transaction, account_id: str, factor_id: str, now: int) -> None:
    """Record when a factor was last used."""
    tx.later(
        "UPDATE factor SET last_used_at = :now WHERE id = :id AND account_id = :account_id",
        id=factor_id,
        account_id=account_id,
        now=now,
    )


async def change_kind(tx: Transaction, account_id: str, factor_id: str, kind: str) -> None:
    """Change the kind of an unverified factor; wrong codes stay counted."""
    tx.later(
        "UPDATE factor SET kind = :kind WHERE id = :id AND account_id = :account_id AND verified_at IS NULL",
        id=factor_id,
        account_id=account_id,
        kind=kind,
    )


async def rename(tx: Transaction, account_id: str, factor_id: str, name: str) -> None:
    """Rename a verified factor."""
    tx.later(
        "UPDATE factor SET name = :name WHERE id = :id AND account_id = :account_id AND verified_at IS NOT NULL",
        id=factor_id,
        account_id=account_id,
        name=name,
    )


async def delete(tx: Transaction, account_id: str, factor_id: str) -> None:
    """Delete a factor."""
    tx.later("DELETE FROM factor WHERE id = :id AND account_id = :account_id", id=factor_id, account_id=account_id)


async def delete_all(tx: Transaction, account_id: str) -> None:
    """Delete every factor of an account, its policy and its default factor."""
    tx.later("DELETE FROM factor WHERE account_id = :account_id", account_id=account_id)
    tx.later("DELETE FROM two_factor WHERE account_id = :account_id", account_id=account_id)
