"""The contract of recovery codes, which the verification flow and the pages use."""

from typing import Protocol

from twofold.base.unit_of_work import UnitOfWork


class RecoveryCodes(Protocol):
    """The single code with which a user who has lost every factor can sign in."""

    async def issue(self, uow: UnitOfWork, account_id: str) -> str:
        """Create a new code, to be shown once; the old one stops working."""

    def check_form(self, text: str) -> None:
        """Raise InvalidRequest for malformed text: an incomplete code is not a guess and is not counted."""

    async def consume(self, uow: UnitOfWork, account_id: str, text: str) -> bool:
        """Use up the code; return whether it was correct. Of several concurrent tries only one succeeds."""

    async def reissue(self, uow: UnitOfWork, account_id: str, *, replacing: str) -> str | None:
        """Replace the code that has this hash with a new one; return None, unchanged, if it is not the current code."""

    def hash_of(self, account_id: str, text: str) -> str:
        """Return the keyed hash of a code of this account."""

    def matches(self, account_id: str, text: str, code_hash: str) -> bool:
        """Return whether a typed code has this hash."""

    def confirmation_token(self, account_id: str, text: str) -> str:
        """Return a token that only the page with the new code has, so that this page can confirm that it is saved."""

    async def is_confirmation_token(self, uow: UnitOfWork, account_id: str, token: str) -> bool:
        """Return whether this token belongs to the account's current code."""

    async def revoke(self, uow: UnitOfWork, account_id: str) -> None:
        """Delete the code."""

    async def created_at(self, uow: UnitOfWork, account_id: str) -> int | None:
        """Return when the current code was created (epoch seconds)."""

    async def is_saved(self, uow: UnitOfWork, account_id: str) -> bool:
        """Return whether the owner has confirmed that the code is saved."""

    async def confirm_saved(self, uow: UnitOfWork, account_id: str) -> bool:
        """Record that the owner has saved the code; return False if that was already recorded."""
