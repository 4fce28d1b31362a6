"""`bin/bench`: measure every workload and its baseline, print and save the tables, and check the targets.

    bin/bench              takes several minutes; writes bench/results.md
    bin/bench --quick      takes a minute; writes nothing
    bin/bench --postgres   on a private PostgreSQL; writes bench/results-postgres.md
    bin/bench --growth     with a thousand to a million accounts; writes bench/results-growth.md
    bin/bench --soak 3600  an hour of load; writes bench/results-soak.md
    bin/bench --flood 60   under attack from 200 connections; writes bench/results-flood.md
    bin/bench --upgrade    from a commit without usernames, with 10,000 accounts; writes bench/results-upgrade.md
    bin/bench --flood-each 5   under one attack after another; writes bench/results-flood-each.md
    bin/bench --postgres --network 1ms   with a delay added to each round trip to PostgreSQL;
                           writes bench/results-postgres-network.md
    bin/bench --one-core   with the server on one core and the client on another; writes bench/results-one-core.md
    bin/bench --peers      beside django-allauth and better-auth, which it installs; writes bench/results-peers.md

With a flood, `--before COMMIT` also measures the code of that commit, and `--attack TEXT` selects attacks by name.

The exit status is 1 if a target is missed, and the output names it.
"""

import argparse
import sys
from collections.abc import Callable

from bench import databases, flood, growth, network, one_core, peers, report, run, soak, upgrade
from bench.databases import Database
from bench.measure import Size

FULL = Size(people=12_000, seconds=0.5, rounds=11, hash_seconds=2.0, hash_rounds=3, starts=7)
QUICK = Size(people=4_000, seconds=0.3, rounds=3, hash_seconds=1.0, hash_rounds=1, starts=3)
MODES = ("growth", "upgrade", "one_core", "network", "peers", "soak", "flood", "flood_each")


def main() -> int:
    """Measure, report, and return 1 if a target is missed."""
    options = _options()
    command = " ".join(["bin/bench", *sys.argv[1:]])
    with databases.opened(postgres=options.postgres) as make:
        results = _measured(options, make, command)
    text = report.written(results)
    print(f"\n{text}")
    if not options.quick:
        parts = [part for part in ("postgres", *MODES) if getattr(options, part)]
        name = "-".join(["results", *parts]).replace("_", "-")
        (databases.HERE / f"{name}.md").write_text(text)
    for each in results.missed:
        print(f"missed: {each.name}: {format(each.value, each.form)}, target {each.target}", file=sys.stderr)
    return 1 if results.missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/bench", description="Measure Twofold, and baselines on the same machine."
    )
    parser.add_argument("--quick", action="store_true", help="a short run that writes nothing")
    parser.add_argument("--postgres", action="store_true", help="use a private PostgreSQL instead of SQLite")
    parser.add_argument("--growth", action="store_true", help="measure with a thousand to a million accounts")
    parser.add_argument("--upgrade", action="store_true", help="measure the upgrade of a database with 10,000 accounts")
    parser.add_argument("--one-core", action="store_true", help="measure with the server on a single core")
    parser.add_argument(
        "--network", type=_seconds, metavar="DELAY", help="with --postgres: add a delay such as 1ms to each round trip"
    )
    parser.add_argument("--peers", action="store_true", help="measure beside django-allauth and better-auth")
    parser.add_argument("--soak", type=int, metavar="SECONDS", help="measure memory under load for this time")
    parser.add_argument(
        "--flood", type=int, nargs="?", const=60, metavar="SECONDS", help="measure under attack for this time"
    )
    parser.add_argument(
        "--flood-each", type=int, nargs="?", const=5, metavar="SECONDS", help="measure each attack for this time"
    )
    parser.add_argument("--before", metavar="COMMIT", help="with a flood: measure the code of this commit too")
    parser.add_argument(
        "--attack", default="", metavar="TEXT", help="with a flood: only attacks whose names contain this text"
    )
    options = parser.parse_args()
    if options.network and not options.postgres:
        parser.error("--network needs --postgres: SQLite has no network")
    return options


def _measured(options: argparse.Namespace, make: Callable[[str], Database], command: str) -> report.Results:
    size, choice = QUICK if options.quick else FULL, flood.Choice(options.before, options.attack)
    modes: dict[str, Callable[[], report.Results]] = {
        "growth": lambda: growth.run(make, command, growth.FEW if options.quick else growth.MANY),
        "upgrade": lambda: upgrade.run(make("bench"), command, 1_000 if options.quick else 10_000),
        "one_core": lambda: one_core.run(make, command, size),
        "network": lambda: network.run(make, command, size, options.network),
        "peers": lambda: peers.run(make("bench"), command, size),
        "soak": lambda: soak.run(make("bench"), command, options.soak),
        "flood": lambda: flood.run(make, command, options.flood, choice),
        "flood_each": lambda: flood.run_each(make, command, options.flood_each, choice),
    }
    chosen = next((name for name in MODES if getattr(options, name)), None)
    return modes[chosen]() if chosen else run.run(make("bench"), size, command)


def _seconds(text: str) -> float:
    """Return a delay in seconds, from milliseconds such as `1ms` or `0.5`."""
    return float(text.removesuffix("ms")) / 1e3


if __name__ == "__main__":
    sys.exit(main())
