"""Apply the table of what ends what, in the transaction of the act.

The caller has locked the account. Each feature ends its own kinds of items, so a new kind needs no change here.
"""

from twofold.accounts import store
from twofold.accounts.consequences import CONSEQUENCES, Act, Change, Effect, Item
from twofold.base.feature import Features
from twofold.base.unit_of_work import UnitOfWork


async def apply_consequences(
    uow: UnitOfWork, change: Change, account_id: str, *, session_id: str | None = None, only: str | None = None
) -> None:
    """End what an act on an account ends.

    `session_id` is the session that did it, if it continues; `only` is the one session that was ended.
    """
    for item, end in uow.site.part(Features).endings:
        effect = CONSEQUENCES[change][Item(item)]
        if effect is Effect.STAY:
            continue
        kept = session_id if effect in (Effect.OTHERS_END, Effect.THOSE_END) else None
        await end(uow, Act(change, effect, account_id, kept=kept or "", only=only or ""))


async def renew_stamp(uow: UnitOfWork, act: Act) -> None:
    """Raise the account's stamp, which ends sign-ins, links and steps under way, and trusted computers."""
    await store.renew_stamp(uow.tx, act.account_id)
