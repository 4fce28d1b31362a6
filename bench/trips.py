"""How often an action waits for PostgreSQL, counted by a proxy between the two."""

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
from bench.workloads import CODE_STEP, PASSWORD_STEP, SESSION_CHECK
from tests.support.proxy import Proxy

_WARM_UP, _ACTIONS = 20, 100  # the first actions prepare statements


class _Counter(Proxy):
    """Count round trips: each time the service sends after an answer."""

    trips = 0
    _answered = True

    def forth(self, client: socket.socket, server: socket.socket) -> None:
        """Forward data of the service."""
        while sent := client.recv(65536):
            self.trips += self._answered
            self._answered = False
            server.sendall(sent)
        server.shutdown(socket.SHUT_RDWR)

    def back(self, client: socket.socket, server: socket.socket) -> None:
        """Forward data of the server."""
        while said := server.recv(65536):
            self._answered = True
            client.sendall(said)


def measure(programs: Programs, people: Sequence[Person]) -> list[Figure]:
    """Count the round trips of sequential actions."""
    place = urlsplit(programs.settings["TWOFOLD_DATABASE_URL"])
    asyncio.run(half_sign_in(programs.database, people))
    with _Counter(place.port or 5432) as counter:
        through = place._replace(netloc=place.netloc.replace(f":{place.port}", f":{counter.port}")).geturl()
        with programs.twofold(TWOFOLD_DATABASE_URL=through) as served:
            figures = []
            for workload in (SESSION_CHECK, CODE_STEP, PASSWORD_STEP):
                actions = map(workload.action, people if workload.spends else cycle(people))
                client.run(served.port, Stream(actions, 1, most=_WARM_UP), seconds=60)
                before = counter.trips
                (load,) = client.run(served.port, Stream(actions, 1, most=_ACTIONS), seconds=60)
                each = (counter.trips - before) / load.actions
                figures.append(Figure(f"{workload.name}: round trips to the server", each, ".1f"))
    return figures
