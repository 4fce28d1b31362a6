"""Side by side: Twofold, django-allauth and better-auth on one core, each through its own HTTP API, in turn.

The others are installed with pip and npm into the temporary folder of the benchmark, and are no dependency of the
project. All accept every password immediately, because they hash with different functions at different costs. Twofold
makes every step durable; the others write to SQLite with `synchronous=NORMAL`, and their rate limits are off.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import msgspec

from bench import client
from bench.client import Action, Stream
from bench.databases import HERE, Database
from bench.measure import Size
from bench.one_core import client_on
from bench.peer_flows import ALLAUTH, BETTER_AUTH, TWOFOLD, Flow, Step
from bench.people import Person, make_people
from bench.processes import Others, Process
from bench.programs import Programs
from bench.report import Figure, Results

_AT_ONCE = 8
_SESSIONS = 16
_CHECKS = 10  # session checks for each sign-in
_WORKS = ("session check", "code step", "sign-in without its hash")
_PYTHON_PACKAGES = ("django-allauth[mfa,headless]", "django<6", "gunicorn")
_NODE_PACKAGES = ("better-auth", "better-sqlite3")
_WORKER = ("-w", "1", "-k", "gthread", "--threads", "1", "--keep-alive", "30", "--log-level", "warning")

Around = tuple[str, ...]  # the program that keeps a server on its core


@dataclass(frozen=True, slots=True)
class _Service:
    """A running service, with the sessions to check and the people who have not signed in yet."""

    name: str
    flow: Flow
    process: Process
    people: Iterator[Person]
    sessions: list[str]


def run(database: Database, command: str, size: Size) -> Results:
    """Measure each action in all services, in turn."""
    if missing := [name for name in ("node", "npm", "taskset") if not shutil.which(name)]:
        raise SystemExit(f"bin/bench --peers needs {' and '.join(missing)}.")
    core, *others = sorted(os.sched_getaffinity(0))
    around = ("taskset", "-c", str(core))
    signed_in = max(size.people // (20 * size.rounds), _AT_ONCE)  # in a round
    programs = Programs(database)
    count = _SESSIONS + 2 * size.rounds * signed_in
    people = asyncio.run(make_people(programs.config, database, "app", count, kept=count))
    with ExitStack() as stack:
        used = Others(database.cpu)
        served = [
            ("Twofold", TWOFOLD, programs.twofold(part="no-hash", around=around)),
            ("django-allauth", ALLAUTH, _allauth(database.folder / "allauth", people, around)),
            ("better-auth", BETTER_AUTH, _better_auth(database.folder / "better-auth", people, around)),
        ]
        stack.enter_context(client_on(set(others) or {core}))
        services = [_service(name, flow, stack.enter_context(made), people) for name, flow, made in served]
        rounds = [[_costs(service, signed_in) for service in services] for _ in range(size.rounds)]
        figures = [*_figures([service.name for service in services], rounds)]
    notes = [f"Beside {_versions(database.folder)}, each as one process on one core."]
    return Results("Cost beside other services", database.name, command, (), figures, used.used(), notes)


def _allauth(folder: Path, people: list[Person], around: Around) -> Process:
    folder.mkdir()
    shutil.copy(HERE / "apps" / "allauth_app.py", folder)
    python = folder / "venv" / "bin" / "python"
    _install([sys.executable, "-m", "venv", "venv"], folder)
    _install([str(python), "-m", "pip", "install", "--quiet", *_PYTHON_PACKAGES], folder)
    _seed([str(python), "-c", "import allauth_app; allauth_app.seed('people.json')"], folder, people)
    gunicorn = (str(python.with_name("gunicorn")), "allauth_app:application", "-b", "127.0.0.1:{port}", *_WORKER)
    return _process(folder, gunicorn, "/_allauth/app/v1/config", around)


def _better_auth(folder: Path, people: list[Person], around: Around) -> Process:
    folder.mkdir()
    shutil.copy(HERE / "apps" / "betterauth.mjs", folder)
    (folder / "package.json").write_text("{}")
    _install(["npm", "install", "--silent", "--no-audit", "--no-fund", *_NODE_PACKAGES], folder)
    _seed(["node", "betterauth.mjs", "seed", "people.json"], folder, people)
    return _process(folder, ("node", "betterauth.mjs", "serve", "{port}"), "/api/auth/ok", around)


def _install(command: list[str], folder: Path) -> None:
    print("installing:", *command[-4:], flush=True)
    subprocess.run(command, cwd=folder, check=True)


def _seed(command: list[str], folder: Path, people: list[Person]) -> None:
    pairs = [(person.email, (person.secret or b"").decode()) for person in people]
    (folder / "people.json").write_bytes(msgspec.json.encode(pairs))
    subprocess.run(command, cwd=folder, env={**os.environ, **_settings(folder)}, check=True)


def _process(folder: Path, command: tuple[str, ...], path: str, around: Around) -> Process:
    return Process(folder, ("-m", "bench.peer_server", str(folder), *command), _settings(folder), path, around)


def _settings(folder: Path) -> dict[str, str]:
    return {"BENCH_DATABASE": str(folder / "data.db"), "NODE_ENV": "production"}


def _service(name: str, flow: Flow, process: Process, people: list[Person]) -> _Service:
    remaining = iter(people)
    sessions = _results(process, map(flow.sign_in, islice(remaining, _SESSIONS)))
    return _Service(name, flow, process, remaining, sessions)


def _costs(service: _Service, signed_in: int) -> list[float]:
    """Return the CPU seconds of each action."""
    flow = service.flow
    checks = islice(cycle(service.sessions), _CHECKS * signed_in)
    people = list(islice(service.people, 2 * signed_in))
    halfway: dict[Person, str] = {}
    _drive(
        service.process, (_kept(flow.password(each), partial(halfway.__setitem__, each)) for each in people[:signed_in])
    )
    measure = partial(_cpu, service.process)
    return [
        measure(map(flow.check, checks)),
        measure(_kept(flow.code(person, between)) for person, between in halfway.items()),
        measure(_kept(flow.sign_in(person)) for person in people[signed_in:]),
    ]


def _results(process: Process, steps: Iterable[Step]) -> list[str]:
    results: list[str] = []
    _drive(process, (_kept(step, results.append) for step in steps))
    return results


def _kept(step: Step, keep: Callable[[str], None] = lambda _: None) -> Action:
    """Run a step as an action, and hand its result on."""
    keep((yield from step))


def _cpu(process: Process, actions: Iterable[Action]) -> float:
    """Return the CPU seconds of one action."""
    before = process.cpu()
    actions_done = _drive(process, actions)
    return (process.cpu() - before) / actions_done


def _drive(process: Process, actions: Iterable[Action]) -> int:
    (load,) = client.run(process.port, Stream(iter(actions), _AT_ONCE), seconds=60)
    return load.actions


def _figures(names: list[str], rounds: list[list[list[float]]]) -> Iterator[Figure]:
    for place, work in enumerate(_WORKS):
        ours, *theirs = (median(costs[number][place] for costs in rounds) for number in range(len(names)))
        print(f"{work}: {ours * 1e6:,.0f} µs", *(f"{each / ours:.1f} x" for each in theirs), flush=True)
        for name, cost in zip(names[1:], theirs, strict=True):
            yield Figure(f"{work} by {name}: µs of CPU", cost * 1e6, ",.0f", ours * 1e6, "by Twofold")


def _versions(folder: Path) -> str:
    python = folder / "allauth" / "venv" / "bin" / "python"
    program = "from importlib.metadata import version; print(version('django-allauth'), 'on Django', version('django'))"
    allauth = subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    package = (folder / "better-auth" / "node_modules" / "better-auth" / "package.json").read_bytes()
    return f"django-allauth {allauth}, and better-auth {msgspec.json.decode(package)['version']} on Node"
