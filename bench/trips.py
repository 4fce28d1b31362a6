"""How often an act waits for PostgreSQL: counted between the two, where every byte passes."""

import asyncio
import socket
from collections.abc import Sequence
from itertools import cycle
from urllib.parse import urlsplit

from bench import client
from bench.client import Stream
from bench.people import Person, half_sign_in
from bench.programs import Programs
from bench.report import Figure
from bench.works import CODE_STEP, PASSWORD_STEP, SESSION_CHECK
from tests.faults.proxy import Proxy

_WARM_UP, _ACTS = 20, 100  # the first ones prepare their statements


class _Counter(Proxy):
    """Counts the turns of the conversation: each time the service speaks after it was answered."""

    trips = 0
    _answered = True

    def forth(self, client: socket.socket, server: socket.socket) -> None:
        """Passes on what the service says."""
        while sent := client.recv(65536):
            self.trips += self._answered
            self._answered = False
            server.sendall(sent)
        server.shutdown(socket.SHUT_RDWR)

    def back(self, client: socket.socket, server: socket.socket) -> None:
        """Passes on what the server says."""
        while said := server.recv(65536):
            self._answered = True
            client.sendall(said)


def measure(programs: Programs, people: Sequence[Person]) -> list[Figure]:
    """Count the round trips of one act after another."""
    place = urlsplit(programs.settings["TWOFOLD_DATABASE_URL"])
    asyncio.run(half_sign_in(programs.database, people))
    with _Counter(place.port or 5432) as counter:
        through = place._replace(netloc=place.netloc.replace(f":{place.port}", f":{counter.port}")).geturl()
        with programs.twofold(TWOFOLD_DATABASE_URL=through) as served:
            figures = []
            for work in (SESSION_CHECK, CODE_STEP, PASSWORD_STEP):
                acts = map(work.act, people if work.spends else cycle(people))
                client.run(served.port, Stream(acts, 1, most=_WARM_UP), seconds=60)
                before = counter.trips
                (load,) = client.run(served.port, Stream(acts, 1, most=_ACTS), seconds=60)
                each = (counter.trips - before) / load.acts
                figures.append(Figure(f"{work.name}: round trips to the server", each, ".1f"))
    return figures
