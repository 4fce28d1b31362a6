"""Which owners count, and that no way to lose one is without the check."""

import ast
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import twofold
from tests.support.account_races import WAYS_TO_LOSE_AN_OWNER, made
from tests.support.in_process import nodes_on
from twofold.accounts import links, store
from twofold.accounts.owners import LastOwner
from twofold.address import actions as address
from twofold.base.unit_of_work import Runner
from twofold.base.visitor import Role
from twofold.signup import actions as signup

SOURCE = Path(twofold.__file__).parent
COUNTS = r"\b(role|administrator|disabled_at|proven_email|email|password_hash)\s*="  # columns by which an owner counts
TAKES_AWAY = {"set_role", "set_disabled", "set_email", "delete"}
ONLY_GIVES = {  # functions that call these and take no owner away, with the reason
    ("admin/actions.py", "enable"): "an enabled account counts again",
}


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[Runner]:
    """Return a node on an empty database."""
    async with nodes_on(tmp_path, database_url, 1) as (opened,):
        yield opened


@pytest.mark.anyio
@pytest.mark.parametrize("other", ["role = 'admin'", "disabled_at = 1", "proven_email = NULL", "password_hash = ''"])
@pytest.mark.parametrize("way", WAYS_TO_LOSE_AN_OWNER)
async def test_owner_who_cannot_sign_in_does_not_count(node: Runner, other: str, way: str) -> None:
    """Another role, a disabled account, an unproven address, or no password: the last other owner has to stay."""
    last, second = [await made(node, f"{name}@example.org", Role.OWNER) for name in ("last", "second")]
    lost = f"UPDATE account SET {other} WHERE id = :id"  # noqa: S608 - from the list above
    await node.site.db.write(lambda tx: tx.run(lost, id=second.id))
    with pytest.raises(LastOwner):
        await WAYS_TO_LOSE_AN_OWNER[way](node, last)
    assert await node.read(lambda uow: store.by_email(uow.tx, last.email)) == last


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS_TO_LOSE_AN_OWNER)
async def test_one_of_two_owners_can_go(node: Runner, way: str) -> None:
    """Also an account that is no owner, when only one is left."""
    last, second = [await made(node, f"{name}@example.org", Role.OWNER) for name in ("last", "second")]
    await WAYS_TO_LOSE_AN_OWNER[way](node, second)
    await WAYS_TO_LOSE_AN_OWNER[way](node, await made(node, "member@example.org"))
    with pytest.raises(LastOwner):
        await WAYS_TO_LOSE_AN_OWNER[way](node, last)


@pytest.mark.anyio
async def test_last_owner_keeps_the_proven_address_where_mail_proves_nothing(tmp_path: Path, database_url: str) -> None:
    """Off loopback without a mail server, a new address is not proven, so another owner has to be there."""
    async with nodes_on(tmp_path, database_url, 1, base_url="https://login.example.org") as (node,):
        owner = await made(node, "owner@example.org", Role.OWNER)
        session = (await node.write(signup.sign_in, owner, None, None)).session.token
        token = await node.write(links.create_for_account, "change_email", owner, email="new@example.org")
        with pytest.raises(LastOwner):
            await address.finish_change(node, session, token)
        assert await node.read(lambda uow: store.by_email(uow.tx, owner.email)) == owner
        await made(node, "second@example.org", Role.OWNER)
        await address.finish_change(node, session, token)
        assert await node.read(lambda uow: store.by_email(uow.tx, owner.email)) is None


def test_only_known_functions_write_what_makes_an_owner_count() -> None:
    """A new statement has to be listed here, and its callers then have to check."""
    writers = set()
    for path in SOURCE.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            text = ast.unparse(function)
            changes = re.search(rf"UPDATE account SET[^;]*?{COUNTS}", text) or "DELETE FROM account " in text
            if changes:
                writers.add((str(path.relative_to(SOURCE)), function.name))
    assert {name for file, name in writers if file == "accounts/store.py"} >= TAKES_AWAY
    others = {each for each in writers if each[0] != "accounts/store.py" or each[1] not in TAKES_AWAY}
    assert others == {
        ("accounts/composed.py", "compose"),  # the same address in another spelling, before anything is proven
        ("accounts/earlier_addresses.py", "_decide_page"),  # proves, once
        ("accounts/store.py", "prove_email"),
        ("accounts/store.py", "set_password"),  # never to an empty one
        ("accounts/usernames/store.py", "complete"),  # makes owners
    }


def test_everything_that_can_take_an_owner_away_checks() -> None:
    """Each function that calls one of these statements requires another owner in the same transaction."""
    callers, unchecked = 0, []
    for path in SOURCE.rglob("*.py"):
        module = ast.parse(path.read_text("utf-8"))
        for function in (each for each in ast.walk(module) if isinstance(each, ast.AsyncFunctionDef)):
            called = {ast.unparse(call.func) for call in ast.walk(function) if isinstance(call, ast.Call)}
            if not called & {f"{store_in(module)}.{name}" for name in TAKES_AWAY}:
                continue
            callers += 1
            place = (str(path.relative_to(SOURCE)), function.name)
            if place not in ONLY_GIVES and "owners.require_one_besides" not in called:
                unchecked.append(place)
    assert unchecked == []
    assert callers >= len(TAKES_AWAY)


def store_in(module: ast.Module) -> str:
    """Return the name by which a module knows the store of accounts."""
    imported = (each for each in module.body if isinstance(each, ast.ImportFrom) and each.module == "twofold.accounts")
    names = {name.name: name.asname or name.name for each in imported for name in each.names}
    return names.get("store", "")
