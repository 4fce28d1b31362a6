"""Many at once: how long others wait while passwords are hashed, and what happens when more come than can be served.

The others come at a steady pace, as people do, and not as fast as they are answered.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from statistics import median

from bench import client
from bench.client import Act, Stream, expect
from bench.measure import Bench
from bench.people import Person
from bench.processes import Process
from bench.report import Figure
from bench.works import CODE_STEP, PASSWORD_STEP, SESSION_CHECK, Work, password_request

_PACES = {SESSION_CHECK: 250, CODE_STEP: 100}  # a second
_MOST_WAIT = {SESSION_CHECK: 10, CODE_STEP: 25}  # ms, of 99 in a hundred
_ROUNDS = 5
_SECONDS = 2.0
_CROWD = 500
_SLACK = 20  # MB, for connections and requests


def while_hashing(bench: Bench, served: Process) -> list[Figure]:
    """Measure those who wait while 16 others' passwords are hashed, beside the same when nobody hashes."""
    return [figure for work in _PACES for figure in _waits(bench, served, work)]


def overload(bench: Bench, served: Process) -> list[Figure]:
    """Let 500 give their passwords at once, again and again. Any answer but a 200 or a clean 503 ends the bench."""
    cost, cores = bench.config.password_hash, len(os.sched_getaffinity(0))
    hashes, refused = cost.memory_cost * 1024 / 1e6 * cores, _Count()
    idle = served.resident()
    served.highest_resident()
    acts = (_password_or_refusal(person, refused) for person in cycle(bench.people["app"]))
    (load,) = client.run(served.port, Stream(acts, _CROWD), seconds=2 * _SECONDS)
    highest = served.highest_resident()
    served_rate, alone = (load.acts - refused.count) / load.seconds, f"{_CROWD} at once"
    return [
        Figure(f"password steps, {alone}: taken a second", served_rate, ".1f"),
        Figure(f"password steps, {alone}: refused a second with 503", refused.count / load.seconds, ",.0f", at_least=1),
        Figure(
            f"password steps, {alone}: MB at the highest",
            highest,
            ".0f",
            idle + hashes,
            f"before, and {cores} hashes",
            at_most=idle + hashes + _SLACK,
        ),
    ]


def _waits(bench: Bench, served: Process, work: Work) -> Iterator[Figure]:
    with _ahead():
        rounds = [
            (_probe(bench, served, work, others=0), _probe(bench, served, work, others=16)) for _ in range(_ROUNDS)
        ]
    quiet, busy = zip(*rounds, strict=True)
    for place, percent in enumerate((50, 99)):
        yield Figure(
            f"{work.name} while 16 passwords are hashed: p{percent}, ms",
            median(each[place] for each in busy) * 1e3,
            ".1f",
            median(each[place] for each in quiet) * 1e3,
            "nobody hashes",
            at_most=_MOST_WAIT[work] if percent == 99 else None,
        )


def _round(bench: Bench, served: Process, work: Work) -> tuple[tuple[float, float], tuple[float, float]]:
    return _probe(bench, served, work, others=0), _probe(bench, served, work, others=16)


def _probe(bench: Bench, served: Process, work: Work, *, others: int) -> tuple[float, float]:
    """Give p50 and p99 in seconds."""
    streams = [Stream(bench.acts(work), work.concurrency, every=1 / _PACES[work])]
    if others:
        streams.append(Stream(bench.acts(PASSWORD_STEP), others))
    load = client.run(served.port, *streams, seconds=_SECONDS)[0]
    return load.percentile(50), load.percentile(99)


@contextmanager
def _ahead() -> Iterator[None]:
    """Let the client go first where root runs it: what it waits for a core is not what the server makes people wait."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, before - 10)
    try:
        yield
    finally:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, before)


class _Count:
    """How many were refused."""

    count = 0


def _password_or_refusal(person: Person, refused: _Count) -> Act:
    answer = yield password_request(person)
    if answer.status != 503 or b"\r\nretry-after: " not in answer.head or b'"code":"unavailable"' not in answer.body:
        expect(answer, 200)
    else:
        refused.count += 1
