"""Trusting, recognising and forgetting computers."""

from msgspec.structs import replace

from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act
from twofold.base.ids import new_id, new_token, token_hash
from twofold.base.problems import NotFound
from twofold.base.visitor import Visitor
from twofold.computers import store
from twofold.computers.store import Computer
from twofold.factors.rules import normal_name
from twofold.sessions.actions import Token


async def recognise(act: Act, account_id: str, token: str | None) -> str | None:
    """Tell the id of the trusted computer that holds this token, if the account trusts it still."""
    return await store.use(act.tx, account_id, token_hash(token), act.now) if token else None


async def trust(act: Act, account_id: str) -> Token:
    """Trust the computer of this act; the end is fixed, use does not put it off."""
    token = Token(new_token(), act.now + act.site.config.trust)
    await store.insert(
        act.tx,
        token_hash=token_hash(token.token),
        computer_id=new_id(),
        account_id=account_id,
        name=act.origin.agent,
        source=act.origin.source,
        now=act.now,
        expires_at=token.expires_at,
    )
    await audit.record(act, Event.COMPUTER_TRUSTED, account_id, name=act.origin.agent)
    return token


async def listed(act: Act, visitor: Visitor) -> list[Computer]:
    """List the computers that the visitor's account trusts."""
    return await store.of_account(act.tx, visitor.account_id, act.now)


async def rename(act: Act, visitor: Visitor, computer_id: str, name: str) -> Computer:
    """Rename a computer. Raises NotFound, InvalidRequest."""
    wanted = normal_name(name)
    known = {computer.id: computer for computer in await listed(act, visitor)}
    if computer_id not in known:
        raise NotFound
    await store.rename(act.tx, visitor.account_id, computer_id, wanted)
    await audit.record(act, Event.COMPUTER_RENAMED, visitor.account_id, computer=computer_id)
    return replace(known[computer_id], name=wanted)


async def forget(act: Act, visitor: Visitor, computer_id: str) -> None:
    """Forget one computer; its next sign-in asks for a code. Raises NotFound."""
    if not await store.forget(act.tx, visitor.account_id, computer_id):
        raise NotFound
    await audit.record(act, Event.COMPUTER_FORGOTTEN, visitor.account_id, computer=computer_id)


async def forget_all(act: Act, visitor: Visitor) -> None:
    """Forget every computer of the account."""
    forgotten = await store.forget_all(act.tx, visitor.account_id)
    await audit.record(act, Event.COMPUTERS_FORGOTTEN, visitor.account_id, forgotten=forgotten)
