"""Memory under load, for as long as one likes: everything that people do, with a pause for each look at the memory.

The pauses let running hashes end: 47 MiB each come and go with them and are no growth.
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
from bench.works import CODE_STEP, PASSWORD_STEP, SESSION_CHECK, SETTINGS_PAGE, SIGN_IN_PAGE

_PEOPLE = 12_000
_TURN = 4.0  # seconds of load between two looks
_PAUSE = 0.5
_NOISE = 2  # MB


def run(database: Database, command: str, seconds: int) -> Results:
    """Load it for so many seconds, and look at its memory all the time."""
    others = Others(database.cpu)
    programs = Programs(database)
    print(f"making {_PEOPLE:,} people ...", flush=True)
    people = asyncio.run(make_people(programs.config, database, "app", _PEOPLE, kept=_PEOPLE))
    seen: list[float] = []
    acts = 0
    with programs.twofold() as served:
        idle, ends = served.resident(), time.monotonic() + seconds
        while time.monotonic() < ends:
            asyncio.run(half_sign_in(database, people))
            mixed = (SESSION_CHECK, PASSWORD_STEP, SIGN_IN_PAGE, SETTINGS_PAGE)
            streams = [Stream(map(work.act, cycle(people)), 8) for work in mixed]
            loads = client.run(served.port, Stream(map(CODE_STEP.act, people), 16), *streams, seconds=_TURN)
            acts += sum(load.acts for load in loads)
            time.sleep(_PAUSE)
            seen.append(served.resident())
    middle = len(seen) // 2
    earlier, later = median(seen[middle // 2 : middle]), median(seen[middle + middle // 2 :])
    print("MB:", *(f"{each:.0f}" for each in seen))
    figures = [
        Figure("acts", acts, ",.0f"),
        Figure("memory when idle, MB", idle, ".0f"),
        Figure("memory after the load, MB", seen[-1], ".0f", idle, "before it", at_most=110),
        Figure(
            "memory in the last quarter, MB", later, ".1f", earlier, "in the second quarter", at_most=earlier + _NOISE
        ),
    ]
    return Results(f"Memory under {seconds} seconds of load", database.name, command, (), figures, others.used())
