"""A slow disk: strace(1) adds 5 ms to every sync. Transactions that share a commit are hardly slower."""

import asyncio
import shutil

from bench import client
from bench.client import Stream
from bench.people import Person, half_sign_in
from bench.programs import Programs
from bench.report import Figure
from bench.workloads import CODE_STEP

_MORE = 5  # ms
_WARM_UP, _SECONDS = 0.5, 2.0
# strace stays out of the process tree (-D) and stops only for these calls (--seccomp-bpf).
_STRACE = ("strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync")
_SLOW = (*_STRACE, "-e", f"inject=fsync,fdatasync:delay_exit={_MORE * 1000}")


def can_measure() -> bool:
    """Return whether this machine has strace."""
    return shutil.which("strace") is not None


def measure(programs: Programs, people: list[Person]) -> list[Figure]:
    """Measure code steps on a slow disk, with and without several transactions in a commit."""
    if not can_measure():
        return []
    rate, each = _rate(programs, people, ""), _rate(programs, people, "commit-each")
    name = f"code steps a second, {CODE_STEP.concurrency} at once, {_MORE} ms added to each sync"
    return [Figure(name, rate, ",.0f", each, "with one transaction a commit", at_least=10 * each)]


def _rate(programs: Programs, people: list[Person], part: str) -> float:
    asyncio.run(half_sign_in(programs.database, people))
    actions = map(CODE_STEP.action, people)
    with programs.twofold(part=part, around=_SLOW) as served:
        for seconds in (_WARM_UP, _SECONDS):
            (load,) = client.run(served.port, Stream(actions, CODE_STEP.concurrency), seconds=seconds)
    return load.actions / load.seconds
