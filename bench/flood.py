"""`bin/bench --flood`: anonymous connections attack while legitimate users sign in.

Everything stays on loopback and has a fixed duration. The server runs with default settings and is used through its
public routes only, so that the benchmark can measure older code too: `--before COMMIT` takes it from the repository.
"""

import asyncio
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.attacks import ATTACKS, ORIGIN, Attack
from bench.databases import HERE, Database
from bench.processes import Others, Process
from bench.report import Figure, Results, Table
from bench.stages import CONNECTIONS, Honest, Stage, honest_people, stage
from bench.visitors import Try

_QUIET = 6.0  # seconds without any attack, to measure the legitimate users alone
_HEALTH_MOST = 250  # ms, at the 99th percentile
_HONEST_LEAST = 95  # percent
_EACH = (
    "{}: attack|answers a second|refused, %|CPU of one, µs|rows of 1,000 refused|"
    "/healthz p99, ms|longest, ms|successful sign-ins, %|p50, ms|p99, ms|added MB"
)
_COMMANDS = """\
To repeat the measurement on idle cores, with the code before the limits on abuse were fixed for comparison:

- `bin/bench --flood 60 --before 61082c0` and `bin/bench --flood 60 --before 61082c0 --postgres`: all attacks at once
- `bin/bench --flood-each 5 --before 61082c0`, also with `--postgres`: one attack after another, to find the worst

That commit needs a package that is no longer a dependency: `.venv/bin/pip install zxcvbn-rs-py`.

The attackers use four addresses; every legitimate client has its own. A sign-in succeeds if it is answered with 200, or
with 303 for the form, within ten seconds. Answers after the end of the measurement are not counted."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The options of a flood: a commit to measure besides this code, and a text that selects attacks by name."""

    before: str | None
    text: str

    @property
    def attacks(self) -> Sequence[Attack]:
        """The selected attacks."""
        return [attack for attack in ATTACKS if self.text in attack.name]


@dataclass(frozen=True, slots=True)
class _Site:
    """One version of the server, and its database."""

    name: str
    database: Database
    source: Path | None = None  # of the server; None for this repository

    def server(self) -> Process:
        """Return the server with default settings."""
        settings = {**self.database.settings, "TWOFOLD_BASE_URL": ORIGIN, "TWOFOLD_LOG": "text"}
        if self.source:
            settings["PYTHONPATH"] = str(self.source)
        return Process(self.database.folder, ("-m", "twofold", "serve"), settings, "/healthz")


@dataclass(frozen=True, slots=True)
class _Found:
    """A stage with attacks, and one without."""

    quiet: Stage
    flood: Stage

    @property
    def cpu_of_one(self) -> float:
        """CPU seconds of one answer to the attackers, beyond those of the quiet stage."""
        beyond = self.flood.cpu - self.quiet.cpu / self.quiet.seconds * self.flood.seconds
        return max(beyond, 0.0) / max(self.flood.answered, 1)

    @property
    def rows_of_1000(self) -> float:
        """Rows for each thousand refused requests, beyond those of legitimate sign-ins."""
        honest = sum(self.quiet.grown.values()) / max(_successes(self.quiet.honest), 1) * _successes(self.flood.honest)
        return max(sum(self.flood.grown.values()) - honest, 0.0) * 1000 / max(self.flood.refused, 1)


def run(make: Callable[[str], Database], command: str, seconds: float, choice: Choice) -> Results:
    """Run all attacks at the same time."""
    with _sites(make, choice.before) as sites:
        others = Others(sites[0].database.cpu)
        found = [_flooded(site, seconds, choice.attacks) for site in sites]
    figures = list(_figures(found[-1], found[0] if choice.before else None, choice.before or ""))
    tables = [_heard(site, each.flood) for site, each in zip(sites, found, strict=True)]
    tables.append(_grown(sites, found))
    title = f"{CONNECTIONS} attacking connections for {seconds:.0f} seconds,"
    return Results(title, sites[0].database.name, command, (), figures, others.used(), [_COMMANDS], tables)


def run_each(make: Callable[[str], Database], command: str, seconds: float, choice: Choice) -> Results:
    """Run the attacks one by one, each on a newly started server."""
    tables, figures = [], []
    with _sites(make, choice.before) as sites:
        others = Others(sites[0].database.cpu)
        for site in sites:
            rows = list(_each(site, seconds, choice.attacks))
            tables.append(Table(_EACH.format(site.name), [_row(attack, found) for attack, found in rows]))
            figures += _worst(site, rows, check=site is sites[-1])
    title = f"{CONNECTIONS} connections, one attack at a time for {seconds:.0f} seconds each,"
    return Results(title, sites[0].database.name, command, (), figures, others.used(), [_COMMANDS], tables)


@contextmanager
def _sites(make: Callable[[str], Database], before: str | None) -> Iterator[list[_Site]]:
    now = _Site("this code", make("now"))
    with TemporaryDirectory() as folder:
        yield [_Site(before, make("before"), source_of(before, Path(folder))), now] if before else [now]


def source_of(commit: str, folder: Path) -> Path:
    """Unpack the code of a commit into a folder, and return the path to import it from."""
    packed = subprocess.run(["git", "archive", commit, "src"], cwd=HERE.parent, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


def _flooded(site: _Site, seconds: float, attacks: Sequence[Attack]) -> _Found:
    with site.server() as served:
        honest, quiet = _prepared(site, served)
        _say(f"{site.name}: {CONNECTIONS} attackers for {seconds:.0f} seconds ...")
        flood = asyncio.run(stage(served, site.database, honest, seconds, attacks))
        served.kill()  # it may stay busy for minutes with the requests of the attackers
    return _Found(quiet, flood)


def _each(site: _Site, seconds: float, attacks: Sequence[Attack]) -> Iterator[tuple[Attack, _Found]]:
    with site.server() as served:
        honest, quiet = _prepared(site, served)
    for network, attack in enumerate(attacks, 1):
        with site.server() as served:
            flood = asyncio.run(stage(served, site.database, honest, seconds, [attack], network))
            served.kill()
        found = _Found(quiet, flood)
        _say(f"{site.name}: {' | '.join(_row(attack, found))}")
        yield attack, found


def _prepared(site: _Site, served: Process) -> tuple[Honest, Stage]:
    _say(f"{site.name}: users sign up, and sign in without attacks ...")
    honest = asyncio.run(honest_people(served.port))
    return honest, asyncio.run(stage(served, site.database, honest, _QUIET))


def _figures(now: _Found, then: _Found | None, commit: str) -> Iterator[Figure]:
    for name, form, measure, most, least in _MEASURES:
        baseline = measure(then) if then else None
        yield Figure(name, measure(now), form, baseline, f"at {commit}" if then else "", at_most=most, at_least=least)


_Measure = tuple[str, str, Callable[[_Found], float], float | None, float | None]
_MEASURES: tuple[_Measure, ...] = (
    ("/healthz: p50, ms", ",.1f", lambda it: _percentile(it.flood.health, 50), None, None),
    ("/healthz: p99, ms", ",.1f", lambda it: _percentile(it.flood.health, 99), _HEALTH_MOST, None),
    ("/healthz: longest, ms", ",.1f", lambda it: _percentile(it.flood.health, 100), None, None),
    ("/healthz without attacks: p99, ms", ",.1f", lambda it: _percentile(it.quiet.health, 99), None, None),
    ("successful sign-ins, %", ".1f", lambda it: _share(it.flood.honest), None, _HONEST_LEAST),
    ("successful sign-ins, new clients, %", ".1f", lambda it: _share(it.flood.fresh), None, None),
    ("successful sign-ins, known browsers, %", ".1f", lambda it: _share(it.flood.known), None, None),
    ("successful sign-ins, without attacks, %", ".1f", lambda it: _share(it.quiet.honest), None, None),
    ("sign-in, new client: p50, ms", ",.0f", lambda it: _percentile(it.flood.fresh, 50), None, None),
    ("sign-in, new client: p99, ms", ",.0f", lambda it: _percentile(it.flood.fresh, 99), None, None),
    ("sign-in, known browser: p50, ms", ",.0f", lambda it: _percentile(it.flood.known, 50), None, None),
    ("sign-in, known browser: p99, ms", ",.0f", lambda it: _percentile(it.flood.known, 99), None, None),
    ("sign-in, without attacks: p50, ms", ",.0f", lambda it: _percentile(it.quiet.honest, 50), None, None),
    ("requests of attackers answered a second", ",.0f", lambda it: it.flood.answered / it.flood.seconds, None, None),
    ("requests of attackers refused", ",.0f", lambda it: it.flood.refused, None, None),
    ("CPU of one answer to the attackers, µs", ",.0f", lambda it: it.cpu_of_one * 1e6, None, None),
    ("rows for each 1,000 refused requests", ",.1f", lambda it: it.rows_of_1000, None, None),
    ("added memory, MB", ",.0f", lambda it: it.flood.resident, None, None),
    ("server and database, cores", ".2f", lambda it: it.flood.cpu / it.flood.seconds, None, None),
    ("attackers, cores", ".2f", lambda it: it.flood.attackers_cpu / it.flood.seconds, None, None),
    ("users and health checks, cores", ".2f", lambda it: it.flood.own_cpu / it.flood.seconds, None, None),
)


def _worst(site: _Site, rows: Sequence[tuple[Attack, _Found]], *, check: bool) -> list[Figure]:
    slowest, p99 = max(((attack.name, _percentile(it.flood.health, 99)) for attack, it in rows), key=lambda it: it[1])
    hardest, share = min(((attack.name, _share(it.flood.honest)) for attack, it in rows), key=lambda it: it[1])
    figures = [
        Figure(f"{site.name}: /healthz p99 under the worst attack ({slowest}), ms", p99, ",.1f", at_most=_HEALTH_MOST),
        Figure(
            f"{site.name}: successful sign-ins under the worst attack ({hardest}), %",
            share,
            ".1f",
            at_least=_HONEST_LEAST,
        ),
    ]
    return figures if check else [figure.without_target() for figure in figures]


def _row(attack: Attack, found: _Found) -> list[str]:
    flood = found.flood
    return [
        attack.name,
        f"{flood.answered / flood.seconds:,.0f}",
        f"{100 * flood.refused / max(flood.answered, 1):.0f}",
        f"{found.cpu_of_one * 1e6:,.0f}",
        f"{found.rows_of_1000:,.0f}" if flood.refused else "-",
        f"{_percentile(flood.health, 99):,.0f}",
        f"{_percentile(flood.health, 100):,.0f}",
        f"{_share(flood.honest):.0f}",
        f"{_percentile(flood.honest, 50):,.0f}",
        f"{_percentile(flood.honest, 99):,.0f}",
        f"{flood.resident:,.0f}",
    ]


def _heard(site: _Site, flood: Stage) -> Table:
    rows = [[name, *_outcomes(heard)] for name, heard in flood.heard.items()]
    return Table(f"{site.name}: attack|outcomes", rows)


def _outcomes(heard: Mapping[str, int]) -> list[str]:
    return [", ".join(f"{outcome}: {times:,}" for outcome, times in sorted(heard.items()))]


def _grown(sites: Sequence[_Site], found: Sequence[_Found]) -> Table:
    tables = sorted({table for each in found for table in each.flood.grown})
    rows = [[table, *(f"{each.flood.grown.get(table, 0):,}" for each in found)] for table in tables]
    return Table("|".join(["added rows", *(site.name for site in sites)]), rows)


def _successes(tries: Sequence[Try]) -> int:
    return sum(each.status in {200, 303} for each in tries)


def _share(tries: Sequence[Try]) -> float:
    return 100 * _successes(tries) / len(tries)


def _percentile(tries: Sequence[Try], percent: float) -> float:
    """Return the milliseconds that this percentage of the attempts did not exceed, unanswered ones included."""
    times = sorted(each.seconds for each in tries)
    return times[min(int(len(times) * percent / 100), len(times) - 1)] * 1e3


def _say(text: str) -> None:
    print(text, flush=True)
