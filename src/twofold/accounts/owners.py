"""Keep at least one owner who can sign in, whatever pages, programs and the command line do."""

from twofold.accounts import store
from twofold.accounts.rules import Account
from twofold.base.database import Transaction
from twofold.base.database.mutex import acquire_mutex
from twofold.base.problems import Conflict
from twofold.base.texts import N_
from twofold.base.visitor import Role


class LastOwner(Conflict):
    """No owner who can sign in would remain."""

    def __init__(self) -> None:
        super().__init__(
            N_(
                "There must be another owner who can sign in. Make someone else an owner first: "
                "`twofold account set EMAIL --role owner`."
            )
        )


async def require_one_besides(tx: Transaction, account: Account) -> None:
    """Raise LastOwner if an owner, as it was before this transaction changed it, was the last who can sign in.

    Call this after the change. It waits until other such transactions have been committed or rolled back.
    """
    if account.role is Role.OWNER and account.disabled_at is None:
        await acquire_mutex(tx, "owners")
        if not await store.has_working_owner(tx):
            raise LastOwner
