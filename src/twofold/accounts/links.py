"""Links that are printed or mailed: one purpose, one use, one hour; a newer one kills the older.

Looking at a link does not use it up: mail scanners follow links. A link to an account dies with its stamp.
"""

from twofold.accounts import store
from twofold.accounts.rules import Account
from twofold.base.acts import Act
from twofold.base.database import Row
from twofold.base.ids import new_token, token_hash
from twofold.base.problems import Problem
from twofold.base.slack import SLACK
from twofold.base.texts import N_

OVER = "DELETE FROM link WHERE token_hash IN (SELECT token_hash FROM link WHERE expires_at <= :now LIMIT :most)"
_LIFE = 3600  # seconds
_LIVING = (
    "FROM link WHERE token_hash = :token_hash AND purpose = :purpose AND expires_at > :now AND expires_at <= :latest"
)


class LinkGone(Problem):
    """The link has been used, is older than an hour, or was never one of ours."""

    code, status = "not_found", 404
    title = N_("This link no longer works")
    text = N_("Links last one hour and work once. Ask for a new one.")


async def make_for_account(act: Act, purpose: str, account: Account) -> str:
    """Make the secret of a link to an account; its older links of this purpose die."""
    await act.tx.run(
        "DELETE FROM link WHERE purpose = :purpose AND account_id = :account_id",
        purpose=purpose,
        account_id=account.id,
    )
    return await _insert(act, purpose, account_id=account.id, stamp=account.stamp, email=None)


async def make_for_address(act: Act, purpose: str, email: str | None) -> str:
    """Make the secret of a link to an address, or to whoever holds it; older ones of this purpose die."""
    await act.tx.run(
        "DELETE FROM link WHERE purpose = :purpose AND COALESCE(email, '') = :email", purpose=purpose, email=email or ""
    )
    return await _insert(act, purpose, account_id=None, stamp=None, email=email)


async def owner(act: Act, purpose: str, token: str) -> Account:
    """Tell whose link it is, without using it up. Raises LinkGone."""
    return await _living_owner(act, await _find(act, purpose, token))


async def address(act: Act, purpose: str, token: str) -> str | None:
    """Tell for which address a link is, without using it up. Raises LinkGone."""
    email: str | None = (await _find(act, purpose, token))["email"]
    return email


async def spend_for_account(act: Act, purpose: str, token: str) -> Account:
    """Use a link up; of many tries at once one succeeds. Raises LinkGone."""
    return await _living_owner(act, await _spend(act, purpose, token))


async def spend_for_address(act: Act, purpose: str, token: str) -> str | None:
    """Use a link up and give its address; of many tries at once one succeeds. Raises LinkGone."""
    email: str | None = (await _spend(act, purpose, token))["email"]
    return email


async def _insert(act: Act, purpose: str, *, account_id: str | None, stamp: int | None, email: str | None) -> str:
    token = new_token()
    await act.tx.run(
        """
        INSERT INTO link (token_hash, purpose, account_id, email, stamp, expires_at)
        VALUES (:token_hash, :purpose, :account_id, :email, :stamp, :expires_at)
        """,
        token_hash=token_hash(token),
        purpose=purpose,
        account_id=account_id,
        email=email,
        stamp=stamp,
        expires_at=act.now + _LIFE,
    )
    return token


async def _find(act: Act, purpose: str, token: str) -> Row:
    return await _row(act, f"SELECT account_id, email, stamp {_LIVING}", purpose, token)


async def _spend(act: Act, purpose: str, token: str) -> Row:
    return await _row(act, f"DELETE {_LIVING} RETURNING account_id, email, stamp", purpose, token)


async def _row(act: Act, statement: str, purpose: str, token: str) -> Row:
    row = await act.tx.one(
        statement, token_hash=token_hash(token), purpose=purpose, now=act.now, latest=act.now + _LIFE + SLACK
    )
    if row is None:
        raise LinkGone
    return row


async def _living_owner(act: Act, row: Row) -> Account:
    account = await store.hold(act.tx, row["account_id"] or "")
    if account is None or account.stamp != row["stamp"] or account.disabled_at is not None:
        raise LinkGone
    return account
