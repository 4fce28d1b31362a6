"""Growth: the same workloads with a thousand, a hundred thousand and a million accounts, each with realistic data.

The three databases are served in parallel and measured in turn, so that other load affects all of them equally.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from statistics import median

from bench import client
from bench.client import Stream
from bench.databases import Database
from bench.people import HISTORY, Person, half_sign_in, make_people
from bench.processes import Others, Process
from bench.programs import Programs
from bench.report import Figure, Results
from bench.workloads import CODE_STEP, SESSION_CHECK, Workload

MANY = (1_000, 100_000, 1_000_000)
FEW = (1_000, 10_000)
_ROUNDS = 8
_ACTIONS = {SESSION_CHECK: 8_000, CODE_STEP: 1_000}  # in a round
_MOST = 1.3  # times the cost with the fewest accounts


@dataclass(frozen=True, slots=True)
class _Site:
    """One size: its database, the users who send requests, and the server."""

    size: int
    database: Database
    bytes_each: Mapping[str, float]  # by kind of data
    people: list[Person]
    served: Process


def run(make: Callable[[str], Database], command: str, sizes: tuple[int, ...]) -> Results:
    """Measure all sizes."""
    with ExitStack() as stack:
        sites = [_site(make(f"accounts_{size}"), size, stack) for size in sizes]
        others = Others(sites[0].database.cpu)
        figures = [figure for workload in _ACTIONS for figure in _costs(sites, workload)]
        name = sites[0].database.name
        figures += [
            Figure(f"{site.size:,} accounts: bytes for each {name}", size, ",.0f")
            for site in sites
            for name, size in site.bytes_each.items()
        ]
        return Results("Cost of growth", name, command, (), figures, others.used())


def _site(database: Database, size: int, stack: ExitStack) -> _Site:
    print(f"creating {size:,} accounts ...", flush=True)
    programs = Programs(database)
    people = asyncio.run(make_people(programs.config, database, "app", size, kept=min(size, _ROUNDS * 1000)))
    asyncio.run(database.settle())
    used = {
        "account with all its data": database.bytes_used() / size,
        "session": database.bytes_used("session") / size,
        "event": database.bytes_used("event") / size / len(HISTORY),
    }
    return _Site(size, database, used, people, stack.enter_context(programs.twofold()))


def _costs(sites: list[_Site], workload: Workload) -> Iterator[Figure]:
    rounds = [[_cpu(site, workload, turn) for site in sites] for turn in range(_ROUNDS)]
    fewest = sites[0].size
    for place, site in enumerate(sites):
        cost = median(each[place] for each in rounds)
        ratio = median(each[place] / each[0] for each in rounds)
        print(f"{workload.name} with {site.size:,}: {cost * 1e6:,.0f} µs, {ratio:.2f} x", flush=True)
        yield Figure(f"{workload.name} with {site.size:,} accounts: µs of CPU", cost * 1e6, ",.0f")
        if place:
            yield Figure(
                f"{workload.name} with {site.size:,} accounts, relative to {fewest:,}", ratio, ".2f", at_most=_MOST
            )


def _cpu(site: _Site, workload: Workload, turn: int) -> float:
    """Return the CPU seconds of one action, Twofold and database together; each turn uses other users if possible."""
    start = turn * 1000 % len(site.people)
    people = site.people[start : start + 1000]
    if workload.spends:
        asyncio.run(half_sign_in(site.database, people))
    client.run(site.served.port, Stream(map(SESSION_CHECK.action, cycle(people)), workload.concurrency), seconds=0.1)
    before = site.served.cpu() + site.database.cpu()
    actions = map(workload.action, people if workload.spends else cycle(people))
    (load,) = client.run(site.served.port, Stream(actions, workload.concurrency, most=_ACTIONS[workload]), seconds=60)
    return (site.served.cpu() + site.database.cpu() - before) / load.actions
