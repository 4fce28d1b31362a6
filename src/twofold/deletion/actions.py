"""Delete an account with everything that depends on it. It requires unlocked settings.

What stays contains no personal data: the events, under the account's id; the keyed hash of the username; and limits on
attempts and messages, under keyed hashes of addresses and numbers, until they expire.
"""

from twofold.accounts import owners, store
from twofold.accounts.consequences import Change
from twofold.accounts.endings import apply_consequences
from twofold.accounts.usernames import actions as usernames
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.feature import Features
from twofold.base.throttle import delete_all
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import NotSignedIn, Visitor


async def delete(uow: UnitOfWork, visitor: Visitor) -> None:
    """Delete the visitor's account. Raise LastOwner."""
    account = await store.find_for_update(uow.tx, visitor.account_id)
    if account is None:
        raise NotSignedIn
    await audit.record(uow, Event.ACCOUNT_DELETED, account.id)  # its notice needs the address
    await apply_consequences(uow, Change.DELETED, account.id)
    await usernames.keep(uow, account.id, account.username)
    await store.delete(uow.tx, account.id)
    await owners.require_one_besides(uow.tx, account)
    for prefix in uow.site.part(Features).account_keys:
        await delete_all(uow.tx, f"{prefix}{account.id}")
    await audit.remove_personal_data(uow, account.id)
