"""The proofs of a session: which of them count, and how they are added and removed."""

from collections.abc import Collection, Iterable

from twofold.accounts.consequences import Change
from twofold.accounts.endings import apply_consequences
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.proofs import Assurance, Proof, Strengths
from twofold.base.site import Site
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.sessions import rules, store
from twofold.sessions.rows import Proved, SessionRow, read_proofs


def proofs_of(site: Site, session: SessionRow) -> tuple[tuple[Proof, ...], Assurance | None]:
    """Return the proofs that count, and the assurance that they reach.

    After a node of an earlier version changed the credentials, the password alone counts.
    """
    if not session.proofs:
        proofs = rules.earlier_proofs(session.methods.split(), session.signed_in_at, site.part(Strengths))
    elif session.proofs_stamp == session.stamp:
        proofs = read_proofs(session.proofs)
    else:
        proofs = rules.of_password(read_proofs(session.proofs))
    return proofs, rules.assurance(proofs)


def proved(proofs: Iterable[Proof]) -> Proved:
    """Return proofs as they are stored."""
    proofs = tuple(proofs)
    assurance = rules.assurance(proofs)
    return Proved(proofs, assurance.methods if assurance else ())


async def add_proof(uow: UnitOfWork, visitor: Visitor, proof: Proof) -> None:
    """Add a proof to a session, whose token stays."""
    proofs = rules.added(visitor.proofs, [proof], uow.now)
    await store.set_proofs(uow.tx, visitor.account_id, visitor.session_id, proved(proofs))


async def remove_proofs(uow: UnitOfWork, visitor: Visitor, sources: Collection[str]) -> None:
    """Remove the proofs of sources that no longer exist; without any proof the session ends."""
    account_id, session_id = visitor.account_id, visitor.session_id
    left = rules.without(visitor.proofs, sources)
    if rules.assurance(left) is not None:
        await store.set_proofs(uow.tx, account_id, session_id, proved(left))
    elif await store.end(uow.tx, account_id, session_id):
        await apply_consequences(uow, Change.SESSIONS_ENDED, account_id, only=session_id)
        await audit.record(uow, Event.SESSION_ENDED, account_id, session=session_id)
