"""A network between Twofold and PostgreSQL: a proxy that adds a delay to each round trip, and what users wait for it.

Half of the delay is added in each direction. The threads of the proxy sleep until a packet is due, because event loops
round their timers to whole milliseconds.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from queue import SimpleQueue
from statistics import median
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]

from bench import client
from bench.client import Stream
from bench.databases import Database
from bench.measure import Size
from bench.people import Person, half_sign_in, make_people
from bench.processes import Others, Process
from bench.programs import Programs
from bench.report import Figure, Results
from bench.workloads import (
    CODE_STEP,
    FULL_WITHOUT_HASH,
    PLAIN_WITHOUT_HASH,
    SESSION_CHECK,
    SETTINGS_PAGE,
    SIGN_IN_PAGE,
    Workload,
)
from tests.support.proxy import Proxy, hang_up

_WARM_UP, _ACTIONS = 20, 100  # the first actions prepare statements
_PINGS = 200
_TRIPS = {CODE_STEP: 5}  # delays that an action may take, with everything else that it does
_WORKLOADS = (SESSION_CHECK, CODE_STEP, PLAIN_WITHOUT_HASH, FULL_WITHOUT_HASH, SIGN_IN_PAGE, SETTINGS_PAGE)

Packet = tuple[float, bytes]  # when it is due, and its data; the last one is empty


class Distant(Proxy):
    """A server that is `delay` seconds away: half of it passes before a packet arrives, in each direction."""

    def __init__(self, port: int, delay: float) -> None:
        """Start nothing yet; `port` is the server's."""
        super().__init__(port)
        self._half = delay / 2

    def forth(self, client: socket.socket, server: socket.socket) -> None:
        """Forward data of the service."""
        self._forward(client, server)

    def back(self, client: socket.socket, server: socket.socket) -> None:
        """Forward data of the server."""
        self._forward(server, client)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        packets: SimpleQueue[Packet] = SimpleQueue()
        sending = threading.Thread(target=_send_when_due, args=(packets, target))
        sending.start()
        data = b"-"
        while data:
            data = b""
            with suppress(OSError):
                data = source.recv(65536)
            packets.put((time.perf_counter() + self._half, data))
        sending.join()


def _send_when_due(packets: SimpleQueue[Packet], target: socket.socket) -> None:
    while (packet := packets.get())[1]:
        time.sleep(max(packet[0] - time.perf_counter(), 0))
        with suppress(OSError):
            target.sendall(packet[1])
    hang_up(target)


def run(make: Callable[[str], Database], command: str, size: Size, delay: float) -> Results:
    """Measure single actions through a network with this delay, in seconds."""
    database = make("bench")
    others, programs = Others(database.cpu), Programs(database)
    print(f"creating {size.people:,} users ...", flush=True)
    people = asyncio.run(make_people(programs.config, database, "app", size.people, kept=size.people))
    url = programs.settings["TWOFOLD_DATABASE_URL"]
    place = urlsplit(url)
    with Distant(place.port or 5432, delay) as proxy:
        through = place._replace(netloc=place.netloc.replace(f":{place.port}", f":{proxy.port}")).geturl()
        trip = asyncio.run(_round_trip(through))
        with programs.twofold(part="no-hash", TWOFOLD_DATABASE_URL=through) as served:
            figures = [*_figures(served, database, people, trip, delay)]
    title = f"Waiting for a database {delay * 1e3:g} ms away"
    return Results(title, database.name, command, (), figures, others.used())


async def _round_trip(url: str) -> float:
    """Return the median time of the shortest query, in seconds."""
    connection, took = await asyncpg.connect(url), []
    try:
        for _ in range(_PINGS):
            began = time.perf_counter()
            await connection.execute("SELECT 1")
            took.append(time.perf_counter() - began)
    finally:
        await connection.close()
    return median(took)


def _figures(served: Process, database: Database, people: list[Person], trip: float, delay: float) -> Iterator[Figure]:
    for workload in _WORKLOADS:
        median_wait = _wait(served, database, people, workload)
        print(f"{workload.name}: {median_wait * 1e3:.1f} ms", flush=True)
        yield Figure(
            f"{workload.name}, one at a time: p50, ms",
            median_wait * 1e3,
            ".1f",
            trip * 1e3,
            "one round trip",
            at_most=delay * 1e3 * _TRIPS[workload] if workload in _TRIPS else None,
        )


def _wait(served: Process, database: Database, people: list[Person], workload: Workload) -> float:
    """Return the median duration of an action, in seconds."""
    if workload.spends:
        asyncio.run(half_sign_in(database, people))
    actions = map(workload.action, people if workload.spends else cycle(people))
    client.run(served.port, Stream(actions, 1, most=_WARM_UP), seconds=60)
    (load,) = client.run(served.port, Stream(actions, 1, most=_ACTIONS), seconds=60)
    return load.percentile(50)
