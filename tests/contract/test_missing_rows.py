"""Checks that find no row cannot lock one, and must still be safe on two nodes at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clients import PASSWORD
from tests.support.in_process import at_once, nodes_on
from twofold.accounts.links import LinkGone
from twofold.admin import actions as admin
from twofold.base.database import Transaction
from twofold.base.unit_of_work import Runner
from twofold.signup import actions as signup

pytestmark = pytest.mark.anyio

ROUNDS = 30
EMAIL = "boss@example.com"


@pytest.fixture
async def nodes(tmp_path: Path, database_url: str) -> AsyncIterator[tuple[Runner, Runner]]:
    """Yield two nodes on one database, in this process."""
    async with nodes_on(tmp_path, database_url) as (one, other):
        yield one, other


async def works(runner: Runner, token: str) -> bool:
    """Return whether the page of a set-up link opens."""
    try:
        await runner.read(signup.check_first_administrator, token)
    except LinkGone:
        return False
    return True


async def is_for(runner: Runner, token: str) -> str | None:
    """Return the address that an invitation is for, if it still works."""
    try:
        return await runner.read(signup.invited_address, token)
    except LinkGone:
        return None


async def administrators(runner: Runner) -> int:
    """Count the owners."""
    return len(await runner.site.db.read(lambda tx: tx.all("SELECT id FROM account WHERE role = 'owner'")))


async def forget_everyone(tx: Transaction) -> None:
    """Delete all accounts."""
    await tx.run("DELETE FROM account")
    await tx.run("DELETE FROM link")


async def test_two_nodes_starting_at_once_create_one_first_administrator(nodes: tuple[Runner, Runner]) -> None:
    """One of the two printed links works, and simultaneous uses create only one administrator."""
    one, other = nodes
    for number in range(ROUNDS):
        links = await asyncio.gather(*(node.write(signup.first_administrator_link) for node in nodes))
        tokens = [str(token) for token in links]
        assert [await works(one, token) for token in tokens].count(True) == 1, f"round {number}"
        forms = [(node, token, f"{index}-{EMAIL}") for index, token in enumerate(tokens) for node in nodes]
        made = await at_once(
            *(signup.set_up(node, token, f"{node is one}-{email}", PASSWORD) for node, token, email in forms),
            other.write(signup.first_administrator_link),
        )
        late = [answer for answer in made if isinstance(answer, str)]  # made before the account, it replaced both
        await at_once(*(signup.set_up(node, token, f"late-{EMAIL}", PASSWORD) for token in late for node in nodes))
        assert await administrators(one) == 1, f"round {number}"
        assert not any([await works(one, token) for token in tokens + late]), f"round {number}"
        assert await other.write(signup.first_administrator_link) is None
        await one.site.db.write(forget_everyone)


async def test_added_administrator_invalidates_the_first_link(nodes: tuple[Runner, Runner]) -> None:
    """A node that starts while the operator adds an administrator prints no working link."""
    one, other = nodes
    for number in range(ROUNDS):
        _, token = await at_once(
            signup.add(one, EMAIL, PASSWORD, administrator=True), other.write(signup.first_administrator_link)
        )
        assert token is None or not await works(one, str(token)), f"round {number}"
        await one.site.db.write(forget_everyone)


async def test_two_invitations_at_once_leave_one_valid(nodes: tuple[Runner, Runner]) -> None:
    """The newer invitation replaces the older, as it does one after the other."""
    for number in range(ROUNDS):
        tokens = await asyncio.gather(*(node.write(admin.invite, EMAIL) for node in nodes))
        found = [await is_for(nodes[0], token) for token in tokens]
        assert sorted(found, key=str) == [None, EMAIL], f"round {number}"
        await nodes[0].site.db.write(forget_everyone)
