"""What can replace a code at sign-in. This default trusts nothing; a feature with trusted computers replaces it."""

from twofold.base.unit_of_work import UnitOfWork
from twofold.base.web.context import Context
from twofold.sessions.actions import Token


class Trust:
    """The trust of an account in the computer that signs in."""

    offered = False  # whether a computer can be trusted at all

    async def recognise(self, uow: UnitOfWork, account_id: str, token: str | None) -> str | None:  # noqa: ARG002 - for subclasses
        """Return the id of the computer with this token if the account trusts it."""
        return None

    async def grant(self, uow: UnitOfWork, account_id: str) -> Token | None:  # noqa: ARG002 - as above
        """Trust the computer that signs in, and return its token."""
        return None

    def token_of(self, ctx: Context, account_id: str) -> str | None:  # noqa: ARG002 - as above
        """Return the token that a browser has stored for an account."""
        return None

    def set_cookie(self, ctx: Context, account_id: str, token: Token) -> None:
        """Store a token for an account in the browser."""
