"""Trusted computers replace the code at sign-in."""

from twofold.base.unit_of_work import UnitOfWork
from twofold.base.web.context import Context
from twofold.computers import actions, cookies
from twofold.factors.trust import Trust
from twofold.sessions.actions import Token


class TrustedComputers(Trust):
    """Computers that were trusted when their owner proved a code."""

    offered = True

    async def recognise(self, uow: UnitOfWork, account_id: str, token: str | None) -> str | None:
        """Return the id of the computer that holds this token if the account trusts it."""
        return await actions.recognise(uow, account_id, token)

    async def grant(self, uow: UnitOfWork, account_id: str) -> Token | None:
        """Trust the computer that signs in, and return its token."""
        return await actions.trust(uow, account_id)

    def token_of(self, ctx: Context, account_id: str) -> str | None:
        """Return the token that a browser has stored for an account."""
        return cookies.computer_token(ctx, account_id)

    def set_cookie(self, ctx: Context, account_id: str, token: Token) -> None:
        """Set the cookie with the token of an account."""
        cookies.set_computer_cookie(ctx, account_id, token)
