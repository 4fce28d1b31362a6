"""The last accepted time step, a column of the factor table. All sign-ins, unlocks and enrolments share it."""

from twofold.base.database import Reply, Transaction


def consume(tx: Transaction, account_id: str, factor_id: str, step: int, now: int) -> Reply[bool]:
    """Use up the code of a time step; return whether this step and all later ones were unused."""
    changed = tx.run(
        """
        UPDATE factor SET last_step = :step, last_used_at = :now
        WHERE id = :id AND account_id = :account_id AND last_step < :step
        """,
        id=factor_id,
        account_id=account_id,
        step=step,
        now=now,
    )
    return changed.then(lambda count: count == 1)


async def reset_future_steps(tx: Transaction, account_id: str, step: int) -> None:
    """Reset to `step` what was recorded while the clock was ahead; keep the step after it, which was really used."""
    tx.later(
        "UPDATE factor SET last_step = :step WHERE account_id = :account_id AND last_step > :step + 1",
        account_id=account_id,
        step=step,
    )
