"""`bin/bench`: measures every work beside its floor, prints the tables, writes them down, and judges the promises.

    bin/bench              some minutes; writes bench/results.md
    bin/bench --quick      half a minute; writes nothing
    bin/bench --postgres   on a PostgreSQL of its own; writes bench/results-postgres.md

Exits 1 when a promise is missed, and names it.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import databases, report
from bench.databases import Database
from bench.measure import Bench, Figures, People, record, start_and_memory
from bench.people import make_people
from bench.processes import Others, Process
from bench.report import Results
from bench.works import WORKS
from twofold.config import Config

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Size:
    """How long a run is."""

    people: int  # each gives one code: enough that a fast machine does not run out
    callers: int  # the same, of a phone
    seconds: float  # of each measured stretch
    rounds: int
    starts: int


FULL = Size(people=60_000, callers=30_000, seconds=3.0, rounds=5, starts=7)
QUICK = Size(people=12_000, callers=6_000, seconds=1.0, rounds=2, starts=3)


def main() -> int:
    """Measure, tell, judge."""
    parser = argparse.ArgumentParser(prog="bin/bench", description="What Twofold costs, beside what the machine costs.")
    parser.add_argument("--quick", action="store_true", help="a short run that writes nothing")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    given = parser.parse_args()
    opened = databases.postgres if given.postgres else databases.sqlite
    # Beside the results and not in a temporary folder: those may lie in memory, where a commit costs nothing.
    with TemporaryDirectory(prefix="data-", dir=HERE) as name, opened(Path(name)) as database:
        results = _measure(Path(name), database, QUICK if given.quick else FULL)
    text = report.written(results)
    print(f"\n{text}")
    if not given.quick:
        (HERE / ("results-postgres.md" if given.postgres else "results.md")).write_text(text)
    missed = report.missed(results)
    for sentence in missed:
        print(f"missed: {sentence}", file=sys.stderr)
    return 1 if missed else 0


def _measure(folder: Path, database: Database, size: Size) -> Results:
    settings = {"TWOFOLD_DATA_DIR": str(folder / "data"), "TWOFOLD_LOG": "text", **database.settings}
    config = Config.from_env(settings)
    recorded = folder / "recorded.json"

    def twofold() -> Process:
        return Process(folder, ("-m", "twofold", "serve"), settings, "/healthz")

    def raw() -> Process:
        return Process(folder, ("-m", "bench.floors", str(recorded)), {}, "/sign-in")

    others = Others(database.cpu)
    print(f"making {size.people + size.callers:,} people ...", flush=True)
    with_phones = asyncio.run(make_people(config, size.callers, phones=True))
    people = People(asyncio.run(make_people(config, size.people)), with_phones)
    with twofold() as served:
        record(served.port, WORKS, people, recorded)
        with raw() as floor:
            bench = Bench(served, floor, config, people, database.cpu, size.seconds, size.rounds)
            works = [_told(bench.measure(work)) for work in WORKS]
    print("starts, commits ...", flush=True)
    served_starts, raw_starts = start_and_memory(twofold, size.starts), start_and_memory(raw, size.starts)
    start, resident = zip(served_starts, raw_starts, strict=True)
    return Results(database.name, works, database.commits(size.seconds), start, resident, others.used())


def _told(figures: Figures) -> Figures:
    print(f"{figures.work.name}: {figures.rate:,.0f} a second, {figures.cpu_ratio:.2f} x the floor", flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
