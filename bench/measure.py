"""Measurement. Each round runs a workload and its baseline, so that other load affects both equally.

The result is the median of the rounds; for a ratio, the median of the ratios of the rounds.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

import msgspec

from bench import baselines, client
from bench.client import Action, Answer, Load, Stream
from bench.databases import Database
from bench.people import Kind, Person, half_sign_in
from bench.processes import Process
from bench.workloads import Workload
from twofold.config import Config

_WARM_UP = 0.2  # seconds, before every run
_WARM_UP_MOST = 2000  # actions


@dataclass(frozen=True, slots=True)
class Size:
    """The length of a run. A measurement ends after its time, or when every user has sent a code.

    Many short rounds reduce the noise of the machine best; a hash needs long ones.
    """

    people: int  # of each kind
    seconds: float  # of each measurement
    rounds: int
    hash_seconds: float
    hash_rounds: int
    starts: int


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of an action in the processes of server and database, and the load of the measurement."""

    server: float
    database: float
    load: Load

    @property
    def total(self) -> float:
        """The sum of both."""
        return self.server + self.database

    @property
    def client_share(self) -> float:
        """The share of its core that the client used; near 1, the client was the limit."""
        return self.load.client_cpu / self.load.seconds


@dataclass(frozen=True, slots=True)
class Round:
    """A workload and its baseline. `hashes` is the bare rate a second, if the workload hashes."""

    workload: Spent
    raw: Spent
    hashes: float | None
    hash_cpu: float | None  # seconds

    @property
    def baseline(self) -> float:
        """CPU seconds of the raw answers, or of the bare hash."""
        return self.hash_cpu or self.raw.total


@dataclass(frozen=True, slots=True)
class Figures:
    """The rounds of one workload."""

    workload: Workload
    rounds: Sequence[Round]

    def of(self, figure: Callable[[Round], float]) -> float:
        """Return the median of a figure over the rounds."""
        return median(map(figure, self.rounds))

    @property
    def rate(self) -> float:
        """Actions a second."""
        return self.of(lambda each: each.workload.load.actions / each.workload.load.seconds)

    @property
    def cpu(self) -> float:
        """CPU seconds of an action."""
        return self.of(lambda each: each.workload.total)

    @property
    def cpu_ratio(self) -> float:
        """CPU time of an action, as a multiple of its baseline."""
        return self.of(lambda each: each.workload.total / each.baseline)

    @property
    def answers_ratio(self) -> float:
        """CPU time of an action, whatever number of requests it takes, as a multiple of ONE raw answer."""
        return self.of(lambda each: each.workload.total / each.raw.total) * self.workload.answers

    @property
    def client_share(self) -> float:
        """The share of the client in its busiest run, baselines included."""
        return max(max(each.workload.client_share, each.raw.client_share) for each in self.rounds)

    def percentile(self, percent: float) -> float:
        """Return a percentile of the latency, in seconds."""
        return self.of(lambda each: each.workload.load.percentile(percent))


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run needs: the raw application, the users and the database."""

    raw: Process
    config: Config
    people: Mapping[Kind, Sequence[Person]]
    database: Database
    size: Size

    def measure(self, workload: Workload, served: Process) -> Figures:
        """Measure one workload."""
        rounds = self.size.hash_rounds if workload.hashes else self.size.rounds
        return Figures(workload, [self._round(workload, served) for _ in range(rounds)])

    def actions(self, workload: Workload) -> Iterator[Action]:
        """Return the actions of all suitable users: one for each if they consume codes, otherwise endless."""
        people = self.people[workload.kind]
        if not workload.spends:
            return map(workload.action, cycle(people))
        asyncio.run(half_sign_in(self.database, people))
        return map(workload.action, people)

    def _round(self, workload: Workload, served: Process) -> Round:
        hashes, hash_cpu = baselines.hash_rate(self.config, self.size.hash_seconds) if workload.hashes else (None, None)
        raw = self._spent(self.raw, workload, map(workload.action, cycle(self.people[workload.kind])))
        return Round(self._spent(served, workload, self.actions(workload)), raw, hashes, hash_cpu)

    def _spent(self, process: Process, workload: Workload, actions: Iterator[Action]) -> Spent:
        client.run(process.port, Stream(actions, workload.concurrency, most=_WARM_UP_MOST), seconds=_WARM_UP)
        before, database_before = process.cpu(), self.database.cpu()
        seconds = self.size.hash_seconds if workload.hashes and process is not self.raw else self.size.seconds
        (load,) = client.run(process.port, Stream(actions, workload.concurrency), seconds=seconds)
        if not load.actions:
            raise RuntimeError(f"no users are left for: {workload.name}")
        database = (self.database.cpu() - database_before) / load.actions if process is not self.raw else 0.0
        return Spent((process.cpu() - before) / load.actions, database, load)


def record(port: int, actions: Sequence[Action], file: Path) -> None:
    """Record the answers of Twofold to all requests of these actions, for the raw application to replay."""
    heard = [each for action in actions for each in client.once(port, action)]
    file.write_bytes(msgspec.json.encode({path: _taken_apart(answer) for path, answer in heard}))


def _taken_apart(answer: Answer) -> tuple[int, list[tuple[str, str]], str]:
    lines = answer.head.decode("latin-1").split("\r\n")[1:]
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines) if name != "date"]
    return answer.status, headers, b64encode(answer.body).decode()


def start_and_memory(make: Callable[[], Process], times: int) -> tuple[float, float]:
    """Return the seconds from start to the first 200, and the MB resident then, as medians of several starts."""
    starts, residents = [], []
    for _ in range(times):
        with make() as process:
            starts.append(process.start)
            residents.append(process.resident())
    return median(starts), median(residents)
