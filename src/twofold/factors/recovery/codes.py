"""Making and spending recovery codes. Only a keyed hash is stored: 125 bits need no slow one (ASVS 5.0, 6.5.2)."""

import secrets

from twofold.base.acts import Act
from twofold.base.keys import Keyring
from twofold.factors.recovery import rules, store


class Recovery:
    """The recovery code of each account."""

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    async def issue(self, act: Act, account_id: str) -> str:
        """Make a new code, shown once; the old one is dead."""
        code = rules.written([secrets.randbelow(len(rules.ALPHABET)) for _ in range(rules.LENGTH)])
        code_hash = self._keys.mac("recovery", _bound(account_id, rules.normal_form(code)))
        await store.replace(act.tx, account_id, code_hash, act.now)
        return code

    def check_form(self, text: str) -> None:
        """Raise InvalidRequest for what cannot be such a code."""
        rules.check_form(text)

    async def spend(self, act: Act, account_id: str, text: str) -> bool:
        """Use the code up; tells whether it was right."""
        row = await store.find(act.tx, account_id)
        code = rules.normal_form(text)
        if row is None or code is None:
            return False
        right = self._keys.recognises("recovery", _bound(account_id, code), row["code_hash"])
        return right and await store.spend(act.tx, account_id, row["code_hash"])

    async def revoke(self, act: Act, account_id: str) -> None:
        """Kill the code."""
        await store.delete(act.tx, account_id)

    async def created_at(self, act: Act, account_id: str) -> int | None:
        """When the living code was made (epoch seconds)."""
        row = await store.find(act.tx, account_id)
        return row["created_at"] if row else None

    async def is_saved(self, act: Act, account_id: str) -> bool:
        """Tell whether its owner said that it is saved; nothing to save counts as saved."""
        row = await store.find(act.tx, account_id)
        return row is None or row["saved_at"] is not None

    async def confirm_saved(self, act: Act, account_id: str) -> None:
        """Note that its owner has saved it."""
        await store.mark_saved(act.tx, account_id, act.now)


def _bound(account_id: str, code: str | None) -> str:
    return f"{account_id}:{code}"
