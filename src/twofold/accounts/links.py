"""Links that are printed or mailed: one purpose, one use, one hour; a newer one kills the older.

Looking at a link does not use it up: mail scanners follow links. A link to an account dies with its stamp.
"""

from dataclasses import dataclass

from twofold.accounts import store
from twofold.accounts.rules import Account
from twofold.base.acts import Act
from twofold.base.database import Row
from twofold.base.housekeeping import Over
from twofold.base.ids import new_token, token_hash
from twofold.base.problems import Problem
from twofold.base.slack import SLACK
from twofold.base.texts import N_

OVER = Over("link", "token_hash", "expires_at <= :before")
_LIFE = 3600  # seconds
_TRIES = 5  # wrong passwords on the page of one link
_KNOWN = "FROM link WHERE token_hash = :token_hash AND purpose = :purpose"
_IN_TIME = f"{_KNOWN} AND expires_at > :now AND expires_at <= :latest"
_LIVING = f"{_IN_TIME} AND tries < {_TRIES}"
_FACTS = "account_id, email, stamp, password_hash"


class LinkGone(Problem):
    """The link has been used, is older than an hour, or was never one of ours."""

    code, status = "not_found", 404
    title = N_("This link no longer works")
    text = N_("Links last one hour and work once. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class Promise:
    """What the holder of a link may do: with an account, for an address, with a password chosen before."""

    account: Account | None
    email: str | None
    password_hash: str | None


async def make_for_account(act: Act, purpose: str, account: Account, *, email: str | None = None) -> str:
    """Make the secret of a link to an account, perhaps for a new address; its older links of this purpose die."""
    await act.tx.run(
        "DELETE FROM link WHERE account_id = :account_id AND purpose = :purpose",
        account_id=account.id,
        purpose=purpose,
    )
    return await _insert(act, purpose, account=account, email=email)


async def make_for_address(act: Act, purpose: str, email: str, *, password_hash: str | None = None) -> str:
    """Make the secret of a link to an address; older ones of this purpose die."""
    await act.tx.run("DELETE FROM link WHERE email = :email AND purpose = :purpose", email=email, purpose=purpose)
    return await _insert(act, purpose, email=email, password_hash=password_hash)


async def make_for_anybody(act: Act, purpose: str) -> str:
    """Make the secret of a link that is good for whoever holds it; older ones of this purpose die."""
    await act.tx.run("DELETE FROM link WHERE purpose = :purpose", purpose=purpose)
    return await _insert(act, purpose)


async def look(act: Act, purpose: str, token: str) -> Promise:
    """Tell what a link is good for, without using it up. Raises LinkGone."""
    return await _promise(act, await _row(act, f"SELECT {_FACTS} {_LIVING}", purpose, token))


async def spend(act: Act, purpose: str, token: str) -> Promise:
    """Use a link up; of many tries at once one succeeds. Raises LinkGone."""
    return await _promise(act, await _row(act, f"DELETE {_IN_TIME} RETURNING {_FACTS}", purpose, token))


async def begin_try(act: Act, purpose: str, token: str) -> Promise:
    """Count a password given on a link's page before it is compared; after five the link is dead. Raises LinkGone."""
    where = _LIVING.removeprefix("FROM link ")
    statement = f"UPDATE link SET tries = tries + 1 {where} RETURNING {_FACTS}"  # noqa: S608 - our own words
    return await _promise(act, await _row(act, statement, purpose, token))


async def bury(act: Act, purpose: str, token: str) -> str | None:
    """Take away a link that was refused; gives the account that it was for, so that each refusal is noted once."""
    row = await act.tx.one(f"DELETE {_KNOWN} RETURNING account_id", token_hash=token_hash(token), purpose=purpose)
    account_id: str | None = row["account_id"] if row else None
    return account_id


async def _insert(
    act: Act,
    purpose: str,
    *,
    account: Account | None = None,
    email: str | None = None,
    password_hash: str | None = None,
) -> str:
    token = new_token()
    await act.tx.run(
        """
        INSERT INTO link (token_hash, purpose, account_id, email, stamp, password_hash, expires_at)
        VALUES (:token_hash, :purpose, :account_id, :email, :stamp, :password_hash, :expires_at)
        """,
        token_hash=token_hash(token),
        purpose=purpose,
        account_id=account.id if account else None,
        email=email,
        stamp=account.stamp if account else None,
        password_hash=password_hash,
        expires_at=act.now + _LIFE,
    )
    return token


async def _row(act: Act, statement: str, purpose: str, token: str) -> Row:
    row = await act.tx.one(
        statement, token_hash=token_hash(token), purpose=purpose, now=act.now, latest=act.now + _LIFE + SLACK
    )
    if row is None:
        raise LinkGone
    return row


async def _promise(act: Act, row: Row) -> Promise:
    account = await store.hold(act.tx, row["account_id"]) if row["account_id"] else None
    if row["account_id"] and (account is None or account.stamp != row["stamp"] or account.disabled_at is not None):
        raise LinkGone
    return Promise(account, row["email"], row["password_hash"])
