"""Printed and mailed links: one purpose, one use, one hour. A newer link replaces an older one.

Links by administrators are separate from links that anyone can request, so that such requests do not replace them.
Viewing a link does not consume it, since mail scanners follow links. A link to an account is valid while the stamp is
the same.
"""

from dataclasses import dataclass

from twofold.accounts import store
from twofold.accounts.rules import Account
from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.database import Row
from twofold.base.housekeeping import Expiry
from twofold.base.ids import new_token, token_hash
from twofold.base.problems import Problem
from twofold.base.texts import N_
from twofold.base.unit_of_work import UnitOfWork

EXPIRY = Expiry("link", "token_hash", "expires_at <= :before")
_LINK_LIFETIME = 3600  # seconds
_TRIES = 5  # wrong passwords on the page of a link
_BY_ADMINISTRATOR = ":administrator"  # a suffix of the purpose
_MATCHING = f"FROM link WHERE token_hash = :token_hash AND purpose IN (:purpose, :purpose || '{_BY_ADMINISTRATOR}')"
_UNEXPIRED = f"{_MATCHING} AND expires_at > :now AND expires_at <= :latest"
_VALID = f"{_UNEXPIRED} AND tries < {_TRIES}"
_COLUMNS = "purpose, account_id, email, stamp, password_hash"


class LinkGone(Problem):
    """The link was used, is older than an hour, or never existed."""

    code, status = "not_found", 404
    title = N_("This link no longer works")
    text = N_("Links work once, within one hour. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class LinkGrant:
    """What a link permits: for an account or an address, with the password if one was chosen before."""

    account: Account | None
    email: str | None
    password_hash: str | None
    by_administrator: bool  # handed over, not mailed by us


async def create_for_account(
    uow: UnitOfWork, purpose: str, account: Account, *, email: str | None = None, by_administrator: bool = False
) -> str:
    """Return the token of a new link for an account, optionally with a new address.

    It replaces older links of the same account and purpose; those by administrators only replace each other.
    """
    stored_purpose = f"{purpose}{_BY_ADMINISTRATOR}" if by_administrator else purpose
    uow.tx.later(
        "DELETE FROM link WHERE account_id = :account_id AND purpose = :purpose",
        account_id=account.id,
        purpose=stored_purpose,
    )
    return await _insert(uow, stored_purpose, account=account, email=email)


async def create_for_address(uow: UnitOfWork, purpose: str, email: str, *, password_hash: str | None = None) -> str:
    """Return the token of a new link for an address; it replaces older ones of this purpose.

    The caller must hold a lock for the address or purpose; otherwise, two links created at once would both work.
    """
    uow.tx.later("DELETE FROM link WHERE email = :email AND purpose = :purpose", email=email, purpose=purpose)
    return await _insert(uow, purpose, email=email, password_hash=password_hash)


async def create_for_anyone(uow: UnitOfWork, purpose: str) -> str:
    """Return the token of a new link for anyone who has it; it replaces older ones of this purpose.

    The caller must hold a lock for the purpose; otherwise, two links created at once would both work.
    """
    uow.tx.later("DELETE FROM link WHERE purpose = :purpose", purpose=purpose)
    return await _insert(uow, purpose)


async def find(uow: UnitOfWork, purpose: str, token: str) -> LinkGrant:
    """Return what a link permits, without consuming it. Raise LinkGone if it is not valid."""
    return await _grant(uow, await _row(uow, f"SELECT {_COLUMNS} {_VALID}", purpose, token))


async def exists(uow: UnitOfWork, purpose: str, token: str) -> bool:
    """Return whether the link is stored, valid or not."""
    row = await uow.tx.one(f"SELECT 1 AS yes {_MATCHING}", token_hash=token_hash(token), purpose=purpose)
    return row is not None


async def consume(uow: UnitOfWork, purpose: str, token: str) -> LinkGrant:
    """Consume a link; of concurrent attempts only one succeeds. Raise LinkGone for the others."""
    return await _grant(uow, await _row(uow, f"DELETE {_UNEXPIRED} RETURNING {_COLUMNS}", purpose, token))


async def count_attempt(uow: UnitOfWork, purpose: str, token: str) -> LinkGrant:
    """Count a password attempt on a link before it is compared. Raise LinkGone after five attempts."""
    where = _VALID.removeprefix("FROM link ")
    statement = f"UPDATE link SET tries = tries + 1 {where} RETURNING {_COLUMNS}"  # noqa: S608 - our own words
    return await _grant(uow, await _row(uow, statement, purpose, token))


async def discard(uow: UnitOfWork, purpose: str, token: str) -> str | None:
    """Delete a refused link; return the id of its account, so that each refusal is recorded once."""
    row = await uow.tx.one(f"DELETE {_MATCHING} RETURNING account_id", token_hash=token_hash(token), purpose=purpose)
    account_id: str | None = row["account_id"] if row else None
    return account_id


async def _insert(
    uow: UnitOfWork,
    purpose: str,
    *,
    account: Account | None = None,
    email: str | None = None,
    password_hash: str | None = None,
) -> str:
    token = new_token()
    uow.tx.later(
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
        expires_at=uow.now + _LINK_LIFETIME,
    )
    return token


async def _row(uow: UnitOfWork, statement: str, purpose: str, token: str) -> Row:
    latest = uow.now + _LINK_LIFETIME + MAX_CLOCK_SKEW
    row = await uow.tx.one(statement, token_hash=token_hash(token), purpose=purpose, now=uow.now, latest=latest)
    if row is None:
        raise LinkGone
    return row


async def _grant(uow: UnitOfWork, row: Row) -> LinkGrant:
    account = await store.find_for_update(uow.tx, row["account_id"]) if row["account_id"] else None
    if row["account_id"] and (account is None or account.stamp != row["stamp"] or account.disabled_at is not None):
        raise LinkGone
    by_administrator = row["purpose"].endswith(_BY_ADMINISTRATOR)
    return LinkGrant(account, row["email"], row["password_hash"], by_administrator)
