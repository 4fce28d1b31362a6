"""Normalise stored addresses to NFC: versions before schema 7 stored local parts as they were typed.

Accounts are never merged. If two addresses become equal, the account whose address was not in NFC keeps its spelling.
"""

from collections.abc import AsyncIterator
from unicodedata import normalize

from twofold.accounts import store
from twofold.accounts.rules import former_email, normal_email
from twofold.base.database import Row, Transaction
from twofold.base.unit_of_work import UnitOfWork

_PAGE = 10_000


async def stored_form(uow: UnitOfWork, text: str) -> str:
    """Return the form in which a typed address may be stored. Raise InvalidRequest if it is not an address."""
    former = former_email(text)
    return former if former and await store.by_email(uow.tx, former) else normal_email(text)


async def compose(tx: Transaction) -> None:
    """Normalise every stored address, unless another account already has the normalised one."""
    async for row in _uncomposed(tx):
        await tx.run(
            """
            UPDATE account SET email = :email,
                proven_email = CASE WHEN proven_email = email THEN :email ELSE proven_email END
            WHERE id = :id AND NOT EXISTS (SELECT 1 FROM account other WHERE other.email = :email)
            """,
            id=row["id"],
            email=normalize("NFC", row["email"]),
        )
    for link in await tx.all("SELECT token_hash, email FROM link WHERE email IS NOT NULL"):
        if link["email"] != (email := normalize("NFC", link["email"])):
            await tx.run(
                "UPDATE link SET email = :email WHERE token_hash = :token_hash",
                email=email,
                token_hash=link["token_hash"],
            )


async def clashes(tx: Transaction) -> list[str]:
    """Return one sentence for each address that two accounts have, with what to do."""
    return [
        f"Two accounts have the address {normalize('NFC', row['email'])}, in spellings that look the same. Ask the"
        " user which one to keep, and disable the other, using its spelling in `twofold account list`."
        async for row in _uncomposed(tx)
    ]


async def _uncomposed(tx: Transaction) -> AsyncIterator[Row]:
    after: str | None = ""
    while after is not None:
        rows = await tx.all(
            "SELECT id, email FROM account WHERE id > :after ORDER BY id LIMIT :page", after=after, page=_PAGE
        )
        for row in rows:
            if normalize("NFC", row["email"]) != row["email"]:
                yield row
        after = rows[-1]["id"] if len(rows) == _PAGE else None
