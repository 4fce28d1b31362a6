"""The one table of factors, and each account's choice of policy."""

from twofold.base.database import Transaction
from twofold.factors.contract import Factor
from twofold.factors.rules import Policy, TwoFactor

_FACTOR = """
    SELECT id, account_id, kind, name, sealed, last_step, tries, replaces, created_at, expires_at, verified_at,
           last_used_at FROM factor
"""

OVER = """
    DELETE FROM factor WHERE id IN
        (SELECT id FROM factor WHERE verified_at IS NULL AND expires_at <= :now LIMIT :most)
"""


async def two_factor(tx: Transaction, account_id: str) -> TwoFactor:
    """Load an account's choice and its verified factors, oldest first."""
    chosen = await tx.one(
        "SELECT policy, default_factor_id FROM two_factor WHERE account_id = :account_id", account_id=account_id
    )
    rows = await tx.all(
        f"{_FACTOR} WHERE account_id = :account_id AND verified_at IS NOT NULL ORDER BY verified_at, id",
        account_id=account_id,
    )
    policy = Policy(chosen["policy"]) if chosen else Policy.DISABLED
    return TwoFactor(policy, tuple(Factor(**row) for row in rows), chosen["default_factor_id"] if chosen else None)


async def save_choice(tx: Transaction, account_id: str, policy: Policy, default_factor_id: str | None) -> None:
    """Store policy and default factor."""
    await tx.run(
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
    """Find one factor of an account, verified or not."""
    row = await tx.one(f"{_FACTOR} WHERE id = :id AND account_id = :account_id", id=factor_id, account_id=account_id)
    return Factor(**row) if row else None


async def insert(tx: Transaction, factor: Factor) -> None:
    """Add an unverified factor."""
    await tx.run(
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
    """Drop enrolments that are over, and all but the newest `kept` that are under way."""
    await tx.run(
        "DELETE FROM factor WHERE account_id = :account_id AND verified_at IS NULL AND expires_at <= :now",
        account_id=account_id,
        now=now,
    )
    await tx.run(
        """
        DELETE FROM factor WHERE account_id = :account_id AND verified_at IS NULL AND id NOT IN (
            SELECT id FROM factor WHERE account_id = :account_id AND verified_at IS NULL
            ORDER BY created_at DESC, id LIMIT :kept)
        """,
        account_id=account_id,
        kept=kept,
    )


async def count_try(tx: Transaction, factor_id: str) -> None:
    """Count a wrong code against an enrolment."""
    await tx.run("UPDATE factor SET tries = tries + 1 WHERE id = :id", id=factor_id)


async def verify(tx: Transaction, factor_id: str, step: int, now: int) -> bool:
    """Make an unverified factor count, its first code spent; tells whether it was still unverified."""
    changed = await tx.run(
        """
        UPDATE factor SET verified_at = :now, last_used_at = :now, last_step = :step, expires_at = NULL
        WHERE id = :id AND verified_at IS NULL
        """,
        id=factor_id,
        step=step,
        now=now,
    )
    return changed == 1


async def spend(tx: Transaction, account_id: str, factor_id: str, step: int, now: int) -> bool:
    """Use up the code of a time step; tells whether it, or a later one, was still unused."""
    changed = await tx.run(
        """
        UPDATE factor SET last_step = :step, last_used_at = :now
        WHERE id = :id AND account_id = :account_id AND last_step < :step
        """,
        id=factor_id,
        account_id=account_id,
        step=step,
        now=now,
    )
    return changed == 1


async def note_use(tx: Transaction, factor_id: str, now: int) -> None:
    """Note when a factor was used last."""
    await tx.run("UPDATE factor SET last_used_at = :now WHERE id = :id", id=factor_id, now=now)


async def change_kind(tx: Transaction, factor_id: str, kind: str) -> None:
    """Make an unverified factor one of another kind; wrong codes stay counted."""
    await tx.run("UPDATE factor SET kind = :kind WHERE id = :id AND verified_at IS NULL", id=factor_id, kind=kind)


async def rename(tx: Transaction, account_id: str, factor_id: str, name: str) -> None:
    """Rename a verified factor."""
    await tx.run(
        "UPDATE factor SET name = :name WHERE id = :id AND account_id = :account_id AND verified_at IS NOT NULL",
        id=factor_id,
        account_id=account_id,
        name=name,
    )


async def delete(tx: Transaction, account_id: str, factor_id: str) -> None:
    """Remove a factor."""
    await tx.run("DELETE FROM factor WHERE id = :id AND account_id = :account_id", id=factor_id, account_id=account_id)


async def delete_all(tx: Transaction, account_id: str) -> None:
    """Remove every factor and the choice of an account."""
    await tx.run("DELETE FROM factor WHERE account_id = :account_id", account_id=account_id)
    await tx.run("DELETE FROM two_factor WHERE account_id = :account_id", account_id=account_id)


async def forget_future_steps(tx: Transaction, account_id: str, step: int) -> None:
    """Take back to `step` what was noted under a clock that ran ahead; the step after it was truly spent, and stays."""
    await tx.run(
        "UPDATE factor SET last_step = :step WHERE account_id = :account_id AND last_step > :step + 1",
        account_id=account_id,
        step=step,
    )
