"""Assign usernames, and keep them from being assigned to another account later.

An account claims its username: the keyed hash of the name is the primary key of a row that stays when the account is
renamed or deleted. The row is inserted by one statement, so of many accounts that want a name at once, one gets it.
"""

import secrets

from twofold.accounts.usernames import store
from twofold.accounts.usernames.rules import UsernameKey, UsernameTaken, usernames_for
from twofold.base.database import Database, Transaction
from twofold.base.database.mutex import acquire_mutex
from twofold.base.keys import Keyring
from twofold.base.lasting_keys import open_lasting_key
from twofold.base.unit_of_work import UnitOfWork

_PAGE = 500  # accounts that one transaction of the upgrade locks


async def open_usernames(db: Database, keys: Keyring) -> UsernameKey:
    """Return the key of the claims, after assigning a username to every account of an earlier version, oldest first.

    Each transaction is short, so nodes that are serving are hardly delayed, and an interrupted upgrade continues at the
    next start. Raise KeyFileError.
    """
    key = UsernameKey(await open_lasting_key(db, keys, "usernames"))
    while await db.read(store.incomplete, 1):
        await db.write_long(_complete_page, key)
    return key


async def assign(uow: UnitOfWork, account_id: str, email: str) -> str:
    """Assign the first free username made from the address of a new account, and return it."""
    username = await _claim_first_free(uow.tx, uow.site.part(UsernameKey), account_id, email)
    await store.set_username(uow.tx, account_id, username)
    return username


async def change(uow: UnitOfWork, account_id: str, old: str, new: str) -> None:
    """Change the username of an account, possibly back to one that it had before. Raise UsernameTaken."""
    key = uow.site.part(UsernameKey)
    await keep(uow, account_id, old)
    if not await store.reclaim(uow.tx, account_id, new, key.hash(new)):
        raise UsernameTaken
    await store.set_username(uow.tx, account_id, new)


async def keep(uow: UnitOfWork, account_id: str, username: str) -> None:
    """Claim the username that an account is about to lose, since the previous version adds accounts without a claim."""
    await store.claim(uow.tx, account_id, username, uow.site.part(UsernameKey).hash(username))


async def _complete_page(tx: Transaction, key: UsernameKey) -> None:
    await acquire_mutex(tx, "username")  # two nodes may start at once
    for row in await store.incomplete(tx, _PAGE):
        username = await _claim_first_free(tx, key, row["id"], row["email"])
        await store.complete(tx, row["id"], username)


async def _claim_first_free(tx: Transaction, key: UsernameKey, account_id: str, email: str) -> str:
    for username in usernames_for(email, secrets.randbelow):
        if await store.claim(tx, account_id, username, key.hash(username)):
            return username
    raise AssertionError
