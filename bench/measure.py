"""Measuring: every round runs a work and its floor side by side, so that what else the machine does hits both alike.

What is kept of the rounds is the median, of ratios the median of each round's own ratio.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

import msgspec

from bench import client, floors
from bench.client import Answer, Load
from bench.people import Person
from bench.processes import Process
from bench.works import Work
from twofold.config import Config

_WARM_UP = 0.5  # seconds, of every run


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
    floor: float  # CPU seconds of the raw answers, or of the bare hash
    floor_client_share: float
    hashes: float | None


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
    def cpu_ratio(self) -> float:
        """CPU of an act as a multiple of its floor's."""
        return self.of(lambda each: each.work.total / each.floor)

    @property
    def client_share(self) -> float:
        """The client's busiest run, floors too."""
        return max(max(each.work.client_share, each.floor_client_share) for each in self.rounds)


class People:
    """Those who have not signed in yet, and some who are asked over and over."""

    def __init__(self, with_apps: Sequence[Person], with_phones: Sequence[Person]) -> None:
        self.lasting = with_apps[-1000:]
        self._with_apps, self._with_phones = iter(with_apps), iter(with_phones)

    def unspent(self, work: Work) -> Iterator[Person]:
        """Those who can still do a work."""
        return self._with_phones if work.phones else self._with_apps


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run measures with: the two servers, the people, and where the database's CPU is read."""

    twofold: Process
    raw: Process
    config: Config
    people: People
    database_cpu: Callable[[], float]
    seconds: float
    rounds: int

    def measure(self, work: Work) -> Figures:
        """Measure one work."""
        asked = self.people.unspent(work) if work.spends else cycle(self.people.lasting)
        return Figures(work, [self._round(work, asked) for _ in range(self.rounds)])

    def _round(self, work: Work, asked: Iterator[Person]) -> Round:
        hashes, hash_cpu = floors.hash_rate(self.config, self.seconds) if work.hashes else (None, 0.0)
        raw = self._spent(self.raw, work, cycle(self.people.lasting))
        return Round(self._spent(self.twofold, work, asked), hash_cpu or raw.total, raw.client_share, hashes)

    def _spent(self, process: Process, work: Work, asked: Iterator[Person]) -> Spent:
        acts = work.acts(asked)
        client.run(process.port, acts, concurrency=work.concurrency, seconds=_WARM_UP)
        before, database_before = process.cpu(), self.database_cpu()
        load = client.run(process.port, acts, concurrency=work.concurrency, seconds=self.seconds)
        if not load.acts:
            raise RuntimeError(f"no people are left for: {work.name}")
        database = (self.database_cpu() - database_before) / load.acts if process is self.twofold else 0.0
        return Spent((process.cpu() - before) / load.acts, database, load)


def record(port: int, works: Sequence[Work], people: People, file: Path) -> None:
    """Write down what Twofold answers to every request of the works, for the raw application to play back."""
    recorded: floors.Recorded = {}
    for work in works:
        person = next(people.unspent(work))
        for path, answer in client.once(port, work.act(person)):
            recorded[path] = _taken_apart(answer)
    file.write_bytes(msgspec.json.encode(recorded))


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
