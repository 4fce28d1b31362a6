"""Sends the marked requests of one run, and finds what the gate has noted about each."""

import asyncio
import secrets

import msgspec

from twofold.base.site import Site
from twofold.base.unit_of_work import Runner
from twofold.gate.origins import Origin
from twofold.gate.probe.client import Client, Headers, NoAnswer, Reply
from twofold.gate.probe.marks import Mark, add_mark
from twofold.gate.probe.notes import Note, delete_notes, find_notes

NAVIGATION: Headers = (
    ("Accept", "text/html,application/xhtml+xml"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
    ("User-Agent", "twofold-gate-probe"),
)
PROGRAM: Headers = (
    ("Accept", "*/*"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Dest", "empty"),
    ("User-Agent", "twofold-gate-probe"),
)
# What HTTP servers say to requests that they do not understand (RFC 9110 15); 0 stands for a closed connection.
_NOT_UNDERSTOOD = frozenset({0, 400, 414, 421, 431, 501, 505})


class Observation(msgspec.Struct, frozen=True):
    """One request: what was sent, what came back, and what the gate noted."""

    target: str  # with the mark
    reply: Reply
    notes: tuple[Note, ...] = ()
    failure: str = ""  # the reason if there was no answer

    @property
    def was_asked(self) -> bool:
        """Return whether the gate was asked about the request."""
        return bool(self.notes)

    @property
    def was_admitted(self) -> bool:
        """Return whether the gate let the request pass."""
        return any(note.status == 200 for note in self.notes)  # noqa: PLR2004 - the check's only such answer

    @property
    def was_not_understood(self) -> bool:
        """Return whether the proxy refused the request without asking, as no valid one."""
        return not self.was_asked and self.reply.status in _NOT_UNDERSTOOD


class Prober:
    """One run of the probe, about one address of an application."""

    def __init__(self, runner: Runner, client: Client, origin: Origin, target: str) -> None:
        self.runner, self.client, self.origin, self.target = runner, client, origin, target
        self.run = secrets.token_hex(8)
        self._numbers = 0

    @property
    def site(self) -> Site:
        """The site."""
        return self.runner.site

    @property
    def path(self) -> str:
        """The path of the address."""
        return self.target.partition("?")[0]

    def new_mark(self) -> Mark:
        """Return a mark for one more request."""
        self._numbers += 1
        return Mark(self.run, self._numbers)

    def marked(self, target: str, mark: Mark) -> str:
        """Return a target with a mark."""
        return add_mark(self.site.keys, target, mark, self.site.clock())

    async def ask(
        self,
        target: str | None = None,
        *,
        method: str = "GET",
        headers: Headers = NAVIGATION,
        origin: Origin | None = None,
        host: str | None = None,
        mark: Mark | None = None,
    ) -> Observation:
        """Send a request as someone who is not signed in, unless the headers have a cookie."""
        mark = mark or self.new_mark()
        marked = self.marked(self.target if target is None else target, mark)
        sent_to = origin or self.origin
        headers = (*headers, ("Referer", f"{self.origin}{self.marked('/', mark)}"))
        try:
            reply = await asyncio.to_thread(
                self.client.send, sent_to, marked, method=method, headers=headers, host=host
            )
            failure = ""
        except NoAnswer as error:
            reply, failure = Reply(0), str(error)
        return Observation(marked, reply, await self.notes(mark), failure)

    async def notes(self, mark: Mark) -> tuple[Note, ...]:
        """Return what the gate noted about a request."""
        noted = await self.site.db.read(find_notes, mark.run)
        return tuple(note for note in noted if note.number == mark.number)

    async def close(self) -> None:
        """Delete the notes of this run."""
        await self.site.db.write(delete_notes, self.run)
