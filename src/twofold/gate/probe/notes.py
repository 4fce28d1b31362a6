"""The notes that the gate takes about the marked requests of a probe, and how the probe reads them."""

from collections.abc import Iterator, Sequence

import msgspec
from starlette.types import Scope

from twofold.base import sightings
from twofold.base.database import Transaction
from twofold.base.problems import Unavailable
from twofold.base.site import Site
from twofold.base.web.peers import forwarding_fault, is_trusted, peer_of
from twofold.config import Network
from twofold.gate.probe.marks import PARAMETER, find_mark
from twofold.gate.questions import Dialect, InvalidQuestion, Question, names_of, read_question
from twofold.gate.rules import Rules

MAX_NOTES = 1_000  # of one run, which takes about 200
_MAX_ADDRESS = 4_000  # characters


class Note(msgspec.Struct, frozen=True):
    """What the gate was asked about a marked request, and what it answered.

    `address`, `method` and `reason` are empty if the question could not be read. `forwarding` is the name of a
    sighting, or empty.
    """

    number: int
    status: int
    peer: str
    is_trusted: bool
    client: str
    address: str = ""
    method: str = ""
    reason: str = ""  # why a rule decides
    fault: str = ""  # of a question that could not be read
    forwarding: str = ""

    @property
    def counts(self) -> bool:
        """Return whether the gate has decided about an address."""
        return self.is_trusted and not self.fault


def is_marked(question: Question) -> bool:
    """Return whether a question may be about a request of a probe."""
    return PARAMETER in question.target or PARAMETER in question.referer


async def take_note(
    site: Site, dialect: Dialect, scope: Scope, trusted: Sequence[Network], client: str, status: int
) -> None:
    """Take a note of a question about a marked request; anything else writes nothing."""
    marks = {find_mark(site.keys, text, site.clock()) for text in _marked_texts(dialect, scope)}
    for mark in marks:
        if mark is not None:
            note = _described(site, dialect, scope, trusted, Note(mark.number, status, peer_of(scope), False, client))
            try:
                await site.db.write(_save, _name(mark.run), msgspec.json.encode(note).decode(), site.clock())
            except Unavailable:
                return


async def find_notes(tx: Transaction, run: str) -> list[Note]:
    """Return the notes about a run."""
    return [msgspec.json.decode(detail, type=Note) for detail in await sightings.details(tx, _name(run))]


async def delete_notes(tx: Transaction, run: str) -> None:
    """Delete the notes about a run."""
    await sightings.delete(tx, _name(run))


async def _save(tx: Transaction, name: str, detail: str, now: int) -> None:
    """Save a note, unless the run has too many: an application that sees a mark can send it again."""
    if len(await sightings.details(tx, name)) < MAX_NOTES:
        await sightings.save(tx, name, detail, now)


def _name(run: str) -> str:
    return f"gate probe {run}"


def _marked_texts(dialect: Dialect, scope: Scope) -> Iterator[str]:
    """Yield where a proxy of this dialect puts the address, and `Referer`, in which the probe sends the mark again.

    So a question with a wrong address is noticed too.
    """
    names = {b"referer", *names_of(dialect)}
    yield from (value.decode("latin-1") for name, value in scope["headers"] if name in names)
    if dialect is Dialect.ENVOY:
        yield bytes(scope["query_string"]).decode("latin-1")


def _described(site: Site, dialect: Dialect, scope: Scope, trusted: Sequence[Network], note: Note) -> Note:
    given = {
        "is_trusted": is_trusted(note.peer, trusted),
        "forwarding": forwarding_fault(scope, trusted) or "",
    }
    try:
        question = read_question(dialect, scope, note.client)
    except InvalidQuestion as fault:
        return msgspec.structs.replace(note, **given, fault=str(fault))
    reason = site.part(Rules).decide(question.asked).reason
    address = question.address[:_MAX_ADDRESS]
    return msgspec.structs.replace(note, **given, address=address, method=question.method, reason=reason)
