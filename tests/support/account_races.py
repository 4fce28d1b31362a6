"""Accounts in a database that tests open in this process, and races for what only one of them can have.

A race returns how many won; `broken` replaces an atomic check of the product with one that reads first and writes
later, which each race must detect.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import cycle
from typing import Any

import pytest

from tests.support.in_process import at_once
from twofold.accounts import actions as accounts
from twofold.accounts import owners
from twofold.accounts.rules import Account
from twofold.accounts.usernames import store as usernames
from twofold.accounts.usernames.rules import UsernameTaken
from twofold.admin import actions as admin
from twofold.admin import people
from twofold.base.database import Transaction
from twofold.base.ids import new_id
from twofold.base.proofs import Assurance, Level
from twofold.base.unit_of_work import Runner
from twofold.base.visitor import Role, Visitor
from twofold.deletion import actions as deletion

AT_ONCE = 50
PASSWORD_HASH = "not a hash"  # nobody signs in


async def made(node: Runner, email: str, role: Role = Role.MEMBER) -> Account:
    """Create an account and return it."""
    return await node.write(accounts.create, email, PASSWORD_HASH, email_proven=True, role=role)


async def forget_everyone(tx: Transaction) -> None:
    """Delete all accounts, and the record of their usernames."""
    await tx.run("DELETE FROM account")
    await tx.run("DELETE FROM username_claim")


def visitor_of(account: Account) -> Visitor:
    """Return a visitor who is signed in to an account."""
    return Visitor(
        account_id=account.id,
        email=account.email,
        username=account.username,
        name=account.shown_name,
        groups=(),
        role=account.role,
        stamp=1,
        session_id="",
        session_hash=b"",
        proofs=(),
        assurance=Assurance(0, Level.ONE_FACTOR, ("password",), "pwd"),
        computer_id=None,
        signed_in_at=0,
        expires_at=0,
        unlocked_until=0,
    )


async def demote(node: Runner, account: Account) -> None:
    """Change an owner's role to member."""
    await node.write(people.change, account.email, role=Role.MEMBER)


async def disable(node: Runner, account: Account) -> None:
    """Disable an account."""
    await node.write(admin.disable, account.email)


async def delete(node: Runner, account: Account) -> None:
    """Delete an account as its owner."""
    await node.write(deletion.delete, visitor_of(account))


WAYS_TO_LOSE_AN_OWNER = {"role": demote, "disable": disable, "delete": delete}


# ------------------------------------------------------------------ races


async def race_of_owners(nodes: Sequence[Runner]) -> int:
    """Remove fifty owners at once, in every possible way; return how many can still sign in."""
    everyone = [await made(nodes[0], f"{new_id()}@example.org", Role.OWNER) for _ in range(AT_ONCE)]
    ways = cycle(WAYS_TO_LOSE_AN_OWNER.values())
    acts = [way(node, owner) for owner, way, node in zip(everyone, ways, cycle(nodes), strict=False)]
    answers = await at_once(*acts)
    left = await nodes[0].site.db.read(working_owners)
    assert left == len([each for each in answers if isinstance(each, owners.LastOwner)]) or left == 0
    await nodes[0].site.db.write(forget_everyone)
    return left


async def race_for_a_local_part(nodes: Sequence[Runner]) -> int:
    """Add fifty accounts with one local part at once; return how many usernames they have."""
    emails = [f"alice@{number}.example.org" for number in range(AT_ONCE)]
    answers = await at_once(*(made(node, email) for node, email in zip(cycle(nodes), emails, strict=False)))
    names = {each.username for each in answers if isinstance(each, Account)}
    await nodes[0].site.db.write(forget_everyone)
    return len(names)


async def race_for_a_username(nodes: Sequence[Runner]) -> int:
    """Assign one username to fifty accounts at once; return how many have it."""
    everyone = [await made(nodes[0], f"{new_id()}@example.org") for _ in range(AT_ONCE)]
    answers = await at_once(
        *(node.write(people.change, each.email, username="wanted") for node, each in zip(cycle(nodes), everyone))
    )
    refused = [each for each in answers if each is not None]
    assert all(isinstance(each, UsernameTaken) for each in refused), refused
    await nodes[0].site.db.write(forget_everyone)
    return len(answers) - len(refused)


async def race_for_the_name_of_a_deleted_account(nodes: Sequence[Runner]) -> int:
    """Assign a username to fifty accounts while its owner is deleted; return how many have it."""
    former = await made(nodes[0], "former@example.org")
    everyone = [await made(nodes[0], f"{new_id()}@example.org") for _ in range(AT_ONCE)]
    wishes = [node.write(people.change, each.email, username="former") for node, each in zip(cycle(nodes), everyone)]
    wishes.insert(AT_ONCE // 2, delete(nodes[0], former))
    await at_once(*wishes)
    row = await nodes[0].site.db.read(
        lambda tx: tx.one("SELECT count(*) AS many FROM account WHERE username = 'former'")
    )
    await nodes[0].site.db.write(forget_everyone)
    return int(row["many"]) if row else 0


async def working_owners(tx: Transaction) -> int:
    """Return how many owners can sign in."""
    return len(await tx.all("SELECT id FROM account WHERE role = 'owner' AND disabled_at IS NULL"))


Race = Callable[[Sequence[Runner]], Coroutine[Any, Any, int]]
RACES: dict[Race, int] = {
    race_of_owners: 1,
    race_for_a_local_part: AT_ONCE,
    race_for_a_username: 1,
    race_for_the_name_of_a_deleted_account: 0,
}


# ------------------------------------------------------------------ the product, broken on purpose


def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the atomic checks for the last owner and for a free username with a read and a later write."""
    monkeypatch.setattr(owners, "acquire_mutex", wait_a_moment)
    monkeypatch.setattr(usernames, "claim", look_whether_it_is_free)
    monkeypatch.setattr(usernames, "reclaim", look_whether_it_is_free)


async def wait_a_moment(_tx: Transaction, _name: str) -> None:
    """Wait, so that other transactions can run."""
    await asyncio.sleep(0.05)


async def look_whether_it_is_free(tx: Transaction, account_id: str, username: str, _hash: bytes) -> bool:
    """Check whether a username is in use, without claiming it."""
    row = await tx.one(
        "SELECT 1 AS yes FROM account WHERE username = :username AND id <> :id", username=username, id=account_id
    )
    await asyncio.sleep(0.05)
    return row is None
