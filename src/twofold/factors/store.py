"""The one table of factors, and each account's choice of policy."""

from twofold.base.database import Transaction
from twofold.base.housekeeping import Over
from twofold.factors.contract import Factor
from twofold.factors.rules import Policy, TwoFactor

_FACTOR = """
    SELECT id, account_id, kind, name, sealed, last_step, tries, replaces, created_at, expires_at, verified_at,
           last_used_at FROM factor
"""
_TWO_FACTOR = """
    SELECT f.id, f.account_id, f.kind, f.name, f.sealed, f.last_step, f.tries, f.replaces, f.created_at, f.expires_at,
           f.verified_at, f.last_used_at, t.policy, t.default_factor_id
    FROM account a LEFT JOIN two_factor t ON t.account_id = a.id
                   LEFT JOIN factor f ON f.account_id = a.id AND f.verified_at IS NOT NULL
    WHERE a.id = :account_id ORDER BY f.verified_at, f.id
"""

OVER = Over("factor", "id", "verified_at IS NULL AND expires_at <= :before")


async def two_factor(tx: Transaction, account_id: str) -> TwoFactor:
    """Load an account's choice and its verified factors, oldest first."""
    policy, default, factors = None, None, []
    for row in await tx.all(_TWO_FACTOR, account_id=account_id):
        *factor, policy, default = row
        if factor[0] is not None:
            factors.append(Factor(*factor))
    return TwoFactor(Policy(policy or Policy.DISABLED), tuple(factors), default)


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


async def count_try(tx: Transaction, account_id: str, factor_id: str) -> None:
    """Count a wrong code against an enrolment."""
    await tx.run(
        "UPDATE factor SET tries = tries + 1 WHERE id = :id AND account_id = :account_id",
        id=factor_id,
        account_id=account_id,
    )


async def verify(tx: Transaction, account_id: str, factor_id: str, step: int, now: int) -> bool:
    """Make an unverified factor count, its first code spent; tells whether it was still unverified."""
    changed = await tx.run(
        """
        UPDATE factor SET verified_at = :now, last_used_at = :now, last_step = :step, expires_at = NULL
        WHERE id = :id AND account_id = :account_id AND verified_at IS NULL
        """,
        id=factor_id,
        account_id=account_id,
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


async def note_use(tx: Transaction, account_id: str, factor_id: str, now: int) -> None:
    """Note when a factor was used last."""
    await tx.run(
        "UPDATE factor SET last_used_at = :now WHERE id = :id AND account_id = :account_id",
        id=factor_id,
        account_id=account_id,
        now=now,
    )


async def change_kind(tx: Transaction, account_id: str, factor_id: str, kind: str) -> None:
    """Make an unverified factor one of another kind; wrong codes stay counted."""
    await tx.run(
        "UPDATE factor SET kind = :kind WHERE id = :id AND account_id = :account_id AND verified_at IS NULL",
        id=factor_id,
        account_id=account_id,
        kind=kind,
    )


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
