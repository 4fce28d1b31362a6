"""Measuring: every round runs a work and its floor side by side, so that what else the machine does hits both alike.

What is kept of the rounds is the median, of ratios the median of each round's own ratio.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

import msgspec

from bench import client, floors
from bench.client import Act, Answer, Load, Stream
from bench.databases import Database
from bench.people import Kind, Person, half_sign_in
from bench.processes import Process
from bench.works import Work
from twofold.config import Config

_WARM_UP = 0.2  # seconds, of every run
_WARM_UP_MOST = 2000  # acts


@dataclass(frozen=True, slots=True)
class Size:
    """How long a run is. A stretch ends when its time is over, or when everybody has given their code.

    Many short rounds are best against the noise of the machine; a hash needs long ones.
    """

    people: int  # of each kind
    seconds: float  # of each measured stretch
    rounds: int
    hash_seconds: float
    hash_rounds: int
    starts: int


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds that an act cost the server's processes and the database's, and the load that it was measured by."""

    server: float
    database: float
    load: Load

    @property
    def total(self) -> float:
        """Both together."""
        return self.server + self.database

    @property
    def client_share(self) -> float:
        """How much of its core the client needed; near 1 it would have been the limit."""
        return self.load.client_cpu / self.load.seconds


@dataclass(frozen=True, slots=True)
class Round:
    """A work and its floor, one after the other. `hashes` is the bare rate a second, where a work hashes."""

    work: Spent
    raw: Spent
    hashes: float | None
    hash_cpu: float | None  # seconds

    @property
    def floor(self) -> float:
        """CPU seconds of the raw answers, or of the bare hash."""
        return self.hash_cpu or self.raw.total


@dataclass(frozen=True, slots=True)
class Figures:
    """The rounds of one work."""

    work: Work
    rounds: Sequence[Round]

    def of(self, figure: Callable[[Round], float]) -> float:
        """The median of a figure over the rounds."""
        return median(map(figure, self.rounds))

    @property
    def rate(self) -> float:
        """Acts a second."""
        return self.of(lambda each: each.work.load.acts / each.work.load.seconds)

    @property
    def cpu(self) -> float:
        """CPU seconds of an act."""
        return self.of(lambda each: each.work.total)

    @property
    def cpu_ratio(self) -> float:
        """CPU of an act as a multiple of its floor's."""
        return self.of(lambda each: each.work.total / each.floor)

    @property
    def answers_ratio(self) -> float:
        """CPU of an act, however many requests it takes, as a multiple of ONE raw answer's."""
        return self.of(lambda each: each.work.total / each.raw.total) * self.work.answers

    @property
    def client_share(self) -> float:
        """The client's busiest run, floors too."""
        return max(max(each.work.client_share, each.raw.client_share) for each in self.rounds)

    def percentile(self, percent: float) -> float:
        """A percentile of the latency, in seconds."""
        return self.of(lambda each: each.work.load.percentile(percent))


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run measures with: the raw application, the people, and where the database's CPU is read."""

    raw: Process
    config: Config
    people: Mapping[Kind, Sequence[Person]]
    database: Database
    size: Size

    def measure(self, work: Work, served: Process) -> Figures:
        """Measure one work."""
        rounds = self.size.hash_rounds if work.hashes else self.size.rounds
        return Figures(work, [self._round(work, served) for _ in range(rounds)])

    def acts(self, work: Work) -> Iterator[Act]:
        """Give the acts of a work by everybody who can do it: once each where it spends codes, else over and over."""
        people = self.people[work.kind]
        if not work.spends:
            return map(work.act, cycle(people))
        asyncio.run(half_sign_in(self.database, people))
        return map(work.act, people)

    def _round(self, work: Work, served: Process) -> Round:
        hashes, hash_cpu = floors.hash_rate(self.config, self.size.hash_seconds) if work.hashes else (None, None)
        raw = self._spent(self.raw, work, map(work.act, cycle(self.people[work.kind])))
        return Round(self._spent(served, work, self.acts(work)), raw, hashes, hash_cpu)

    def _spent(self, process: Process, work: Work, acts: Iterator[Act]) -> Spent:
        client.run(process.port, Stream(acts, work.concurrency, most=_WARM_UP_MOST), seconds=_WARM_UP)
        before, database_before = process.cpu(), self.database.cpu()
        seconds = self.size.hash_seconds if work.hashes and process is not self.raw else self.size.seconds
        (load,) = client.run(process.port, Stream(acts, work.concurrency), seconds=seconds)
        if not load.acts:
            raise RuntimeError(f"no people are left for: {work.name}")
        database = (self.database.cpu() - database_before) / load.acts if process is not self.raw else 0.0
        return Spent((process.cpu() - before) / load.acts, database, load)


def record(port: int, acts: Sequence[Act], file: Path) -> None:
    """Write down what Twofold answers to every request of these acts, for the raw application to play back."""
    heard = [each for act in acts for each in client.once(port, act)]
    file.write_bytes(msgspec.json.encode({path: _taken_apart(answer) for path, answer in heard}))


def _taken_apart(answer: Answer) -> tuple[int, list[tuple[str, str]], str]:
    lines = answer.head.decode("latin-1").split("\r\n")[1:]
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines) if name != "date"]
    return answer.status, headers, b64encode(answer.body).decode()


def start_and_memory(make: Callable[[], Process], times: int) -> tuple[float, float]:
    """Seconds from making the process to its first 200, and MB resident then, the medians of several starts."""
    starts, residents = [], []
    for _ in range(times):
        with make() as process:
            starts.append(process.start)
            residents.append(process.resident())
    return median(starts), median(residents)
