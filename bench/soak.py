"""Memory under a mixed load of any length, with a pause before each measurement.

In the pauses, running hashes end: each of them takes 47 MiB for its duration, which is not growth.
"""

import asyncio
import time
from itertools import cycle
from statistics import median

from bench import client
from bench.client import Stream
from bench.databases import Database
from bench.people import half_sign_in, make_people
from bench.processes import Others
from bench.programs import Programs
from bench.report import Figure, Results
from bench.workloads import CODE_STEP, PASSWORD_STEP, SESSION_CHECK, SETTINGS_PAGE, SIGN_IN_PAGE

_PEOPLE = 12_000
_TURN = 4.0  # seconds of load between two measurements
_PAUSE = 0.5
_NOISE = 2  # MB


def run(database: Database, command: str, seconds: int) -> Results:
    """Apply load for this many seconds, and measure memory regularly."""
    others = Others(database.cpu)
    programs = Programs(database)
    print(f"creating {_PEOPLE:,} users ...", flush=True)
    people = asyncio.run(make_people(programs.config, database, "app", _PEOPLE, kept=_PEOPLE))
    seen: list[float] = []
    actions = 0
    with programs.twofold() as served:
        idle, ends = served.resident(), time.monotonic() + seconds
        while time.monotonic() < ends:
            asyncio.run(half_sign_in(database, people))
            mixed = (SESSION_CHECK, PASSWORD_STEP, SIGN_IN_PAGE, SETTINGS_PAGE)
            streams = [Stream(map(workload.action, cycle(people)), 8) for workload in mixed]
            loads = client.run(served.port, Stream(map(CODE_STEP.action, people), 16), *streams, seconds=_TURN)
            actions += sum(load.actions for load in loads)
            time.sleep(_PAUSE)
            seen.append(served.resident())
    middle = len(seen) // 2
    earlier, later = median(seen[middle // 2 : middle]), median(seen[middle + middle // 2 :])
    print("MB:", *(f"{each:.0f}" for each in seen))
    figures = [
        Figure("actions", actions, ",.0f"),
        Figure("memory when idle, MB", idle, ".0f"),
        Figure("memory after the load, MB", seen[-1], ".0f", idle, "before the load", at_most=110),
        Figure(
            "memory in the last quarter, MB", later, ".1f", earlier, "in the second quarter", at_most=earlier + _NOISE
        ),
    ]
    return Results(f"Memory under {seconds} seconds of load", database.name, command, (), figures, others.used())
