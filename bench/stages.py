"""A stage of a flood: attacks, legitimate sign-ins and health checks, all in parallel."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from bench.attacks import Attack
from bench.databases import HERE, Database
from bench.processes import Process, ahead
from bench.visitors import Try, Visitor, health, make_visitors, paced

CONNECTIONS = 200
_HEALTH_EVERY, _SIGN_IN_EVERY = 0.05, 1.0  # seconds; the second for each kind of client
_VISITORS = 120
_GRACE = 30.0  # seconds for the attackers' process to start and to end


@dataclass(frozen=True, slots=True)
class Stage:
    """The result of a stage. `heard` counts, for each attack, the statuses of answers and other outcomes."""

    seconds: float
    health: Sequence[Try]
    fresh: Sequence[Try]  # sign-ins by clients without cookies
    known: Sequence[Try]  # sign-ins by known browsers
    heard: Mapping[str, Mapping[str, int]]
    attackers_cpu: float  # seconds
    own_cpu: float  # seconds, for health and sign-ins
    cpu: float  # seconds, the server's and the database's
    grown: Mapping[str, int]  # additional rows, by table
    resident: float  # additional MB

    @property
    def honest(self) -> Sequence[Try]:
        """All sign-ins."""
        return (*self.fresh, *self.known)

    @property
    def answered(self) -> int:
        """The number of answered requests of the attackers."""
        return self.count(lambda status: status > 0)

    @property
    def refused(self) -> int:
        """The number of refused requests of the attackers."""
        return self.count(lambda status: status >= 400)

    def count(self, kind: Callable[[int], bool]) -> int:
        """Return the number of requests of the attackers with a matching status; unanswered ones have 0."""
        pairs = [pair for heard in self.heard.values() for pair in heard.items()]
        return sum(times for outcome, times in pairs if kind(int(outcome) if outcome.isdigit() else 0))


@dataclass(frozen=True, slots=True)
class Honest:
    """The legitimate users of each kind, repeated endlessly."""

    fresh: Iterator[Visitor]
    known: Iterator[Visitor]


async def honest_people(port: int) -> Honest:
    """Sign up legitimate users."""
    visitors = await make_visitors(port, _VISITORS)
    return Honest(cycle(visitors[::2]), cycle(visitors[1::2]))


async def stage(
    served: Process,
    database: Database,
    honest: Honest,
    seconds: float,
    attacks: Sequence[Attack] = (),
    network: int = 0,
) -> Stage:
    """Run a stage; the attackers use addresses from 127.0.`network`.1 upwards."""
    rows, resident, cpu = await database.rows(), served.resident(), served.cpu() + database.cpu()
    attackers = await start_attackers(served.port, seconds, attacks, network) if attacks else None
    with ahead():
        fresh, known, healthy, (own_cpu, spent) = await asyncio.gather(
            paced(lambda: next(honest.fresh).sign_in(served.port), _SIGN_IN_EVERY, seconds),
            paced(lambda: next(honest.known).sign_in(served.port), _SIGN_IN_EVERY, seconds),
            paced(lambda: health(served.port), _HEALTH_EVERY, seconds),
            _spent(lambda: served.cpu() + database.cpu() - cpu, seconds),
        )
    heard, attackers_cpu = await heard_by(attackers) if attackers else ({}, 0.0)
    after = await database.rows()
    grown = {table: after[table] - rows.get(table, 0) for table in sorted(after)}
    return Stage(
        seconds,
        healthy,
        fresh,
        known,
        heard,
        attackers_cpu,
        own_cpu,
        spent,
        {table: more for table, more in grown.items() if more},
        served.resident() - resident,
    )


async def start_attackers(
    port: int, seconds: float, attacks: Sequence[Attack], network: int = 0
) -> asyncio.subprocess.Process:
    """Start the attackers and wait until they are ready; they attack for this many seconds, or until `heard_by`."""
    names = [attack.name for attack in attacks]
    arguments = [str(each) for each in (port, seconds, CONNECTIONS, network)]
    command = (sys.executable, "-m", "bench.attackers", *arguments, *names)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=HERE.parent)
    assert process.stdout
    await asyncio.wait_for(process.stdout.readline(), _GRACE)
    return process


async def _spent(cpu: Callable[[], float], seconds: float) -> tuple[float, float]:
    """Return the CPU seconds of this process, and the value of `cpu` after this time."""
    began = time.process_time()
    await asyncio.sleep(seconds)
    return time.process_time() - began, cpu()


async def heard_by(process: asyncio.subprocess.Process) -> tuple[dict[str, dict[str, int]], float]:
    """End the attack; return the outcomes of the attackers, and their CPU seconds."""
    assert process.stdin
    process.stdin.close()
    output, _ = await asyncio.wait_for(process.communicate(), _GRACE)
    report = json.loads(output)
    return report["heard"], report["cpu"]
