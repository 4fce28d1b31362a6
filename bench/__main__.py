"""`bin/bench`: measures every work beside its floor, prints the tables, writes them down, and judges the promises.

    bin/bench              some minutes; writes bench/results.md
    bin/bench --quick      a minute; writes nothing
    bin/bench --postgres   on a PostgreSQL of its own; writes bench/results-postgres.md
    bin/bench --growth     among a thousand to a million accounts; writes bench/results-growth.md
    bin/bench --soak 3600  an hour of load; writes bench/results-soak.md

Exits 1 when a promise is missed, and names it.
"""

import argparse
import sys

from bench import databases, growth, report, run, soak
from bench.measure import Size

FULL = Size(people=12_000, seconds=0.5, rounds=11, hash_seconds=2.0, hash_rounds=3, starts=7)
QUICK = Size(people=4_000, seconds=0.3, rounds=3, hash_seconds=1.0, hash_rounds=1, starts=3)


def main() -> int:
    """Measure, tell, judge."""
    parser = argparse.ArgumentParser(prog="bin/bench", description="What Twofold costs, beside what the machine costs.")
    parser.add_argument("--quick", action="store_true", help="a short run that writes nothing")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    parser.add_argument("--growth", action="store_true", help="among a thousand to a million accounts")
    parser.add_argument("--soak", type=int, metavar="SECONDS", help="memory, under load for so long")
    given = parser.parse_args()
    command = " ".join(["bin/bench", *sys.argv[1:]])
    with databases.opened(postgres=given.postgres) as make:
        if given.growth:
            results = growth.run(make, command, growth.FEW if given.quick else growth.MANY)
        elif given.soak:
            results = soak.run(make("bench"), command, given.soak)
        else:
            results = run.run(make("bench"), QUICK if given.quick else FULL, command)
    text = report.written(results)
    print(f"\n{text}")
    if not given.quick:
        parts = (("postgres", given.postgres), ("growth", given.growth), ("soak", given.soak))
        name = "-".join(["results", *(part for part, wanted in parts if wanted)])
        (databases.HERE / f"{name}.md").write_text(text)
    for each in results.missed:
        print(f"missed: {each.name}: {format(each.value, each.form)}, promised {each.promise}", file=sys.stderr)
    return 1 if results.missed else 0


if __name__ == "__main__":
    sys.exit(main())
