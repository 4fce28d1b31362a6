"""Create and consume recovery codes. Only a keyed hash is stored; 125 bits need no slow hash (ASVS 5.0, 6.5.2)."""

import secrets

from twofold.base.keys import Keyring
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors.recovery import rules, store


class Recovery:
    """The recovery code of each account."""

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    async def issue(self, uow: UnitOfWork, account_id: str) -> str:
        """Create a new code, to be shown once; the old one stops working."""
        code = _new_code()
        await store.replace(uow.tx, account_id, self.hash_of(account_id, code), uow.now)
        return code

    async def reissue(self, uow: UnitOfWork, account_id: str, *, replacing: str) -> str | None:
        """Replace the code that has this hash with a new one; return None, unchanged, if it is not the current code."""
        code = _new_code()
        replaced = await store.exchange(uow.tx, account_id, replacing, self.hash_of(account_id, code), uow.now)
        return code if replaced else None

    def hash_of(self, account_id: str, text: str) -> str:
        """Return the keyed hash of a code of this account."""
        return self._keys.mac("recovery", _bound(account_id, rules.normal_form(text)))

    def matches(self, account_id: str, text: str, code_hash: str) -> bool:
        """Return whether a typed code has this hash."""
        code = rules.normal_form(text)
        return code is not None and self._keys.recognises("recovery", _bound(account_id, code), code_hash)

    def confirmation_token(self, account_id: str, text: str) -> str:
        """Return a token that only the page with the new code has: a keyed hash of the code's hash."""
        return self._keys.mac("recovery_shown", self.hash_of(account_id, text))

    async def is_confirmation_token(self, uow: UnitOfWork, account_id: str, token: str) -> bool:
        """Return whether this token belongs to the account's current code."""
        row = await store.find(uow.tx, account_id)
        return row is not None and self._keys.recognises("recovery_shown", row["code_hash"], token)

    def check_form(self, text: str) -> None:
        """Raise InvalidRequest if the text is not in the format of a code."""
        rules.check_form(text)

    async def consume(self, uow: UnitOfWork, account_id: str, text: str) -> bool:
        """Use up the code; return whether it was correct."""
        row = await store.find(uow.tx, account_id)
        right = row is not None and self.matches(account_id, text, row["code_hash"])
        return row is not None and right and await store.consume(uow.tx, account_id, row["code_hash"])

    async def revoke(self, uow: UnitOfWork, account_id: str) -> None:
        """Delete the code."""
        await store.delete(uow.tx, account_id)

    async def created_at(self, uow: UnitOfWork, account_id: str) -> int | None:
        """Return when the current code was created (epoch seconds)."""
        row = await store.find(uow.tx, account_id)
        return row["created_at"] if row else None

    async def is_saved(self, uow: UnitOfWork, account_id: str) -> bool:
        """Return whether the owner has confirmed that the code is saved, or there is no code."""
        row = await store.find(uow.tx, account_id)
        return row is None or row["saved_at"] is not None

    async def confirm_saved(self, uow: UnitOfWork, account_id: str) -> bool:
        """Record that the owner has saved the code; return False if that was already recorded."""
        return await store.mark_saved(uow.tx, account_id, uow.now)


def _new_code() -> str:
    return rules.written([secrets.randbelow(len(rules.ALPHABET)) for _ in range(rules.LENGTH)])


def _bound(account_id: str, code: str | None) -> str:
    return f"{account_id}:{code}"
