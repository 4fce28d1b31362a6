"""Many users at once: how long others wait while passwords are hashed, and what happens under overload.

The others send requests at a steady pace, as real users do, and not as fast as they are answered.
"""

import os
from collections.abc import Iterator
from itertools import cycle
from statistics import median

from bench import client
from bench.client import Action, Stream, expect
from bench.measure import Bench
from bench.people import Person
from bench.processes import Process, ahead
from bench.report import Figure
from bench.workloads import CODE_STEP, GATE_CHECK, PASSWORD_STEP, SESSION_CHECK, Workload, password_request

_PACES = {SESSION_CHECK: 250, GATE_CHECK: 250, CODE_STEP: 100}  # a second
_MOST_WAIT = {SESSION_CHECK: 10, GATE_CHECK: 10, CODE_STEP: 25}  # ms, at the 99th percentile
_ROUNDS = 5
_SECONDS = 2.0
_CROWD = 500
_SLACK = 20  # MB, for connections and requests


def while_hashing(bench: Bench, served: Process) -> list[Figure]:
    """Measure latencies while 16 passwords are hashed, and without hashing."""
    return [figure for workload in _PACES for figure in _waits(bench, served, workload)]


def overload(bench: Bench, served: Process) -> list[Figure]:
    """Send 500 passwords at once, repeatedly. An answer other than 200 or a correct 503 ends the benchmark."""
    cost, cores = bench.config.password_hash, len(os.sched_getaffinity(0))
    hashes, refused = cost.memory_cost * 1024 / 1e6 * cores, _Count()
    idle = served.resident()
    served.highest_resident()
    actions = (_password_or_refusal(person, refused) for person in cycle(bench.people["app"]))
    (load,) = client.run(served.port, Stream(actions, _CROWD), seconds=2 * _SECONDS)
    highest = served.highest_resident()
    served_rate, alone = (load.actions - refused.count) / load.seconds, f"{_CROWD} at once"
    return [
        Figure(f"password steps, {alone}: accepted a second", served_rate, ".1f"),
        Figure(f"password steps, {alone}: refused a second with 503", refused.count / load.seconds, ",.0f", at_least=1),
        Figure(
            f"password steps, {alone}: peak memory, MB",
            highest,
            ".0f",
            idle + hashes,
            f"before, plus {cores} hashes",
            at_most=idle + hashes + _SLACK,
        ),
    ]


def _waits(bench: Bench, served: Process, workload: Workload) -> Iterator[Figure]:
    with ahead():
        rounds = [
            (_probe(bench, served, workload, others=0), _probe(bench, served, workload, others=16))
            for _ in range(_ROUNDS)
        ]
    quiet, busy = zip(*rounds, strict=True)
    for place, percent in enumerate((50, 99)):
        yield Figure(
            f"{workload.name} while 16 passwords are hashed: p{percent}, ms",
            median(each[place] for each in busy) * 1e3,
            ".1f",
            median(each[place] for each in quiet) * 1e3,
            "without hashing",
            at_most=_MOST_WAIT[workload] if percent == 99 else None,
        )


def _probe(bench: Bench, served: Process, workload: Workload, *, others: int) -> tuple[float, float]:
    """Return p50 and p99 in seconds."""
    streams = [Stream(bench.actions(workload), workload.concurrency, every=1 / _PACES[workload])]
    if others:
        streams.append(Stream(bench.actions(PASSWORD_STEP), others))
    load = client.run(served.port, *streams, seconds=_SECONDS)[0]
    return load.percentile(50), load.percentile(99)


class _Count:
    """The number of refusals."""

    count = 0


def _password_or_refusal(person: Person, refused: _Count) -> Action:
    answer = yield password_request(person)
    if answer.status != 503 or b"\r\nretry-after: " not in answer.head or b'"code":"unavailable"' not in answer.body:
        expect(answer, 200)
    else:
        refused.count += 1
