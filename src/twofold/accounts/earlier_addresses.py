"""Decide once which addresses of accounts from earlier versions are proven: those versions did not record it.

Where mail is delivered, every account came by a mailed link or by the operator. Where it is only printed, just the
operator's word counts: for administrators, and for accounts that the command line added, if their address is unchanged.
"""

from twofold.base.database import Database, Transaction

_PAGE = 500  # accounts that one transaction locks
_UNDECIDED = "email_proven_at = -1"
_BY_OPERATOR = """
    administrator = 1
    OR EXISTS (SELECT 1 FROM event WHERE event.account_id = account.id AND name = 'account:created' AND outcome = 'done'
               AND (actor = 'command_line' OR actor IS NULL AND source = ''))
       AND NOT EXISTS (SELECT 1 FROM event WHERE event.account_id = account.id AND name = 'email:changed'
                       AND outcome = 'done')
"""


async def decide(db: Database, *, mail_is_delivered: bool) -> None:
    """Decide for every undecided account. Transactions are short; the next start continues after an interruption."""
    while await db.read(_is_open):
        await db.write_long(_decide_page, "1 = 1" if mail_is_delivered else _BY_OPERATOR)


async def _is_open(tx: Transaction) -> bool:
    return await tx.one(f"SELECT 1 AS yes FROM account WHERE {_UNDECIDED} LIMIT 1") is not None  # noqa: S608 - above


async def _decide_page(tx: Transaction, proven: str) -> None:
    await tx.run(
        f"""
        UPDATE account SET proven_email = CASE WHEN {proven} THEN email END,
                           email_proven_at = CASE WHEN {proven} THEN created_at END
        WHERE {_UNDECIDED} AND id IN (SELECT id FROM account WHERE {_UNDECIDED} ORDER BY id LIMIT {_PAGE})
        """  # noqa: S608 - written above
    )
