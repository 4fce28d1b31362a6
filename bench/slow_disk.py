"""A slow disk: 5 ms more for every sync, as strace(1) adds them. What many share one commit for is hardly slower."""

import asyncio
import shutil

from bench import client
from bench.client import Stream
from bench.people import Person, half_sign_in
from bench.programs import Programs
from bench.report import Figure
from bench.works import CODE_STEP

_MORE = 5  # ms
_WARM_UP, _SECONDS = 0.5, 2.0
# strace leaves its child to us (-D) and wakes for these calls alone (--seccomp-bpf): nothing else gets slower.
_STRACE = ("strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync")
_SLOW = (*_STRACE, "-e", f"inject=fsync,fdatasync:delay_exit={_MORE * 1000}")


def can_measure() -> bool:
    """Tell whether this machine has what it takes."""
    return shutil.which("strace") is not None


def measure(programs: Programs, people: list[Person]) -> list[Figure]:
    """Measure code steps on it, beside the same program with a transaction for each of them."""
    if not can_measure():
        return []
    rate, each = _rate(programs, people, ""), _rate(programs, people, "commit-each")
    name = f"code steps a second, {CODE_STEP.concurrency} at once, {_MORE} ms more a sync"
    return [Figure(name, rate, ",.0f", each, "with a transaction each", at_least=10 * each)]


def _rate(programs: Programs, people: list[Person], part: str) -> float:
    asyncio.run(half_sign_in(programs.database, people))
    acts = map(CODE_STEP.act, people)
    with programs.twofold(part=part, around=_SLOW) as served:
        for seconds in (_WARM_UP, _SECONDS):
            (load,) = client.run(served.port, Stream(acts, CODE_STEP.concurrency), seconds=seconds)
    return load.acts / load.seconds
