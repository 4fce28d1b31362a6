"""Make and spend tickets, and find who is behind a gate cookie."""

import msgspec
from msgspec.structs import replace

from twofold.accounts.consequences import Act
from twofold.base.ids import new_token, sortable_id, token_hash
from twofold.base.site import Site
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.gate import store
from twofold.gate.cookies import gate_hash, gate_ids
from twofold.gate.states import State
from twofold.gate.store import Ticket
from twofold.sessions import store as sessions
from twofold.sessions.actions import visitor_of
from twofold.sessions.rows import SessionRow

_TICKET_LASTS = 60  # seconds
_OTHER_TICKETS = 19  # of the same session


class Arrival(msgspec.Struct, frozen=True):
    """What a spent ticket says: the target, and the gate id of its session, or None if it opens nothing."""

    target: str | None = None
    gate_id: bytes | None = None

    @property
    def is_known(self) -> bool:
        """Return whether there was such a ticket, good or not."""
        return self.target is not None


async def make_ticket(uow: UnitOfWork, visitor: Visitor, state: State) -> str:
    """Return a new ticket to what a state wants, for the visitor's session."""
    await _open_gate(uow, visitor)
    token = new_token()
    ticket = Ticket(
        account_id=visitor.account_id,
        session_id=visitor.session_id,
        origin=str(state.origin),
        target=state.target,
        nonce=state.nonce,
        expires_at=uow.now + _TICKET_LASTS,
        gate_hash=None,
    )
    await store.insert(uow.tx, token_hash(token), sortable_id(uow.now), ticket, others=_OTHER_TICKETS)
    return token


async def is_ticket(uow: UnitOfWork, token: str) -> bool:
    """Return whether there is such a ticket, good or not."""
    return await store.exists(uow.tx, token_hash(token))


async def spend_ticket(uow: UnitOfWork, token: str, origin: str, nonce: str) -> Arrival:
    """Spend a ticket, good or not. It opens the gate for one browser at one origin, while its session lasts."""
    ticket = await store.spend(uow.tx, token_hash(token))
    if ticket is None or ticket.origin != origin:
        return Arrival()
    arrival = Arrival(ticket.target)
    if ticket.nonce != nonce or ticket.expires_at <= uow.now or ticket.gate_hash is None:
        return arrival
    if visitor_of(uow.site, uow.now, *await _session(uow, ticket.gate_hash)) is None:
        return arrival
    known = (each for each in gate_ids(uow.site.keys, ticket.session_id) if gate_hash(each) == ticket.gate_hash)
    return replace(arrival, gate_id=next(known, None))


async def visitor_behind(site: Site, gate_id: bytes, *, is_use: bool) -> Visitor | None:
    """Return the visitor with a gate id, or None if the session has ended. Raise Unavailable."""
    session = await site.db.read(sessions.find_by_gate, gate_hash(gate_id))
    return visitor_of(site, site.clock(), session.token_hash, session, is_use=is_use) if session else None


async def end_tickets(uow: UnitOfWork, act: Act) -> None:
    """End what is on its way to an application."""
    await store.delete_all(uow.tx, act.account_id)


async def _open_gate(uow: UnitOfWork, visitor: Visitor) -> None:
    """Let a session be found by its gate id: the stored one if a key of ours made it, or the newest key's."""
    hashes = [gate_hash(each) for each in gate_ids(uow.site.keys, visitor.session_id)]
    if await store.gate_hash_of(uow.tx, visitor.account_id, visitor.session_id) not in hashes:
        await store.set_gate_hash(uow.tx, visitor.account_id, visitor.session_id, hashes[0])


async def _session(uow: UnitOfWork, gate_hash: bytes) -> tuple[bytes, SessionRow | None]:
    session = await sessions.find_by_gate(uow.tx, gate_hash)
    return (session.token_hash if session else b""), session
