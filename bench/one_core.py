"""One core: what each action costs where event loop, writer thread and hash threads share a single core.

Two servers, one pinned to a core and one free, are measured in turn. The client runs on another core than the pinned
one, so that it does not measure its own wait.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from statistics import median

from bench import client
from bench.client import Stream
from bench.databases import Database
from bench.measure import Size
from bench.people import Person, half_sign_in, make_people
from bench.processes import Others, Process
from bench.programs import Programs
from bench.report import Figure, Results
from bench.workloads import CODE_STEP, FULL_WITHOUT_HASH, SESSION_CHECK, Workload

_AT_ONCE = 8
_MOST = 1.3  # times the CPU of the same action on two cores
_MOST_CHECKS = {CODE_STEP: 5.8, FULL_WITHOUT_HASH: 16.7}  # CPU on one core, in session checks
_WARM_UP = 0.2
_WORKLOADS = (SESSION_CHECK, CODE_STEP, FULL_WITHOUT_HASH)


@dataclass(frozen=True, slots=True)
class _Site:
    """A database, its users, and the server: on one core or on all."""

    database: Database
    people: list[Person]
    served: Process


def run(make: Callable[[str], Database], command: str, size: Size) -> Results:
    """Measure each workload on one core and on two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        raise SystemExit("bin/bench --one-core needs two cores: one for the server and one for the client.")
    server, others = cores[0], cores[1:]
    with ExitStack() as stack:
        one, two = (
            _site(make(name), size, around, stack)
            for name, around in (("one", ("taskset", "-c", str(server))), ("two", ()))
        )
        used = Others(one.database.cpu)
        figures = [
            figure for workload in _WORKLOADS for figure in _figures(one, two, workload, size, pinned_to=set(others))
        ]
        return Results("Cost on one core", one.database.name, command, (), _in_checks(figures), used.used())


def _site(database: Database, size: Size, around: tuple[str, ...], stack: ExitStack) -> _Site:
    programs = Programs(database)
    print(f"creating {size.people:,} users ...", flush=True)
    people = asyncio.run(make_people(programs.config, database, "app", size.people, kept=size.people))
    return _Site(database, people, stack.enter_context(programs.twofold(part="no-hash", around=around)))


def _figures(one: _Site, two: _Site, workload: Workload, size: Size, *, pinned_to: set[int]) -> Iterator[Figure]:
    workload = replace(workload, concurrency=_AT_ONCE)
    costs = []
    for _ in range(size.rounds):
        with client_on(pinned_to):
            alone = _cpu(one, workload, size.seconds)
        costs.append((alone, _cpu(two, workload, size.seconds)))
    alone, both = (median(each[place] for each in costs) for place in (0, 1))
    print(f"{workload.name}: {alone * 1e6:,.0f} µs on one core, {both * 1e6:,.0f} on two", flush=True)
    yield Figure(
        f"{workload.name}: µs of CPU on one core", alone * 1e6, ",.0f", both * 1e6, "on two", at_most=_MOST * both * 1e6
    )


def _in_checks(figures: list[Figure]) -> list[Figure]:
    """Add the costs on one core as multiples of a session check, which machines have in common."""
    check, *others = figures
    relative = [
        Figure(f"{workload.name} on one core, in session checks", figure.value / check.value, ".1f", at_most=most)
        for figure, (workload, most) in zip(others, _MOST_CHECKS.items(), strict=True)
    ]
    return [*figures, *relative]


def _cpu(site: _Site, workload: Workload, seconds: float) -> float:
    """Return the CPU seconds of one action."""
    if workload.spends:
        asyncio.run(half_sign_in(site.database, site.people))
    actions = map(workload.action, site.people if workload.spends else cycle(site.people))
    client.run(site.served.port, Stream(actions, workload.concurrency), seconds=_WARM_UP)
    before = site.served.cpu() + site.database.cpu()
    (load,) = client.run(site.served.port, Stream(actions, workload.concurrency), seconds=seconds)
    return (site.served.cpu() + site.database.cpu() - before) / load.actions


@contextmanager
def client_on(cores: set[int]) -> Iterator[None]:
    """Keep this process on some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
