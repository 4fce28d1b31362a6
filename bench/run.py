"""The run of `bin/bench`: every work beside its floor, then what is told beside them."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from bench import crowds, slow_disk, trips
from bench.databases import Database
from bench.measure import Bench, Figures, Size, start_and_memory
from bench.people import Kind, make_people
from bench.processes import Others, Process
from bench.programs import Programs
from bench.report import Figure, Results
from bench.works import (
    CODE_STEP,
    FULL_WITHOUT_HASH,
    PASSWORD_STEP,
    SESSION_CHECK,
    TEXT_MESSAGE_STEP,
    WITHOUT_HASH,
    WORKS,
    Work,
)

_KINDS: tuple[Kind, ...] = ("app", "phone", "none")


def run(database: Database, size: Size, command: str) -> Results:
    """Measure everything."""
    others = Others(database.cpu)
    programs = Programs(database)
    _say(f"making {len(_KINDS) * size.people:,} people ...")
    people = {
        kind: asyncio.run(make_people(programs.config, database, kind, size.people, kept=size.people))
        for kind in _KINDS
    }
    programs.record(WORKS, people)
    with programs.raw() as raw:
        bench = Bench(raw, programs.config, people, database, size)
        with programs.twofold() as served:
            works = [_measured(bench, work, served) for work in WORKS]
            figures = [*crowds.while_hashing(bench, served), *crowds.overload(bench, served)]
        with programs.twofold(part="no-hash") as served:
            works += [_measured(bench, work, served) for work in WITHOUT_HASH]
        if not database.is_embedded:
            with programs.twofold("--workers", "2") as served:
                works += [_measured(bench, _by_two(work), served) for work in (SESSION_CHECK, CODE_STEP)]
    _say("commits, syncs, starts ...")
    commits = asyncio.run(database.commit_rate(size.seconds))
    beside = (
        slow_disk.measure(programs, people["app"]) if database.is_embedded else trips.measure(programs, people["app"])
    )
    found = {figures.work: figures for figures in works}
    figures = [*_judged(found, commits), *beside, *figures, *_starts(programs, size)]
    if not database.is_embedded:
        figures = [*_promised_on_postgres(found), *(figure.told() for figure in figures)]
    notes = [] if slow_disk.can_measure() else ["A slow disk was not measured: strace is missing."]
    return Results("What Twofold costs", database.name, command, works, figures, others.used(), notes)


def _measured(bench: Bench, work: Work, served: Process) -> Figures:
    figures = bench.measure(work, served)
    _say(f"{work.name}: {figures.rate:,.0f} a second, {figures.cpu_ratio:.2f} x the floor")
    return figures


def _by_two(work: Work) -> Work:
    return replace(work, name=f"{work.name}, 2 processes")


def _judged(works: Mapping[Work, Figures], commits: float) -> list[Figure]:
    session, code, full = works[SESSION_CHECK], works[CODE_STEP], works[FULL_WITHOUT_HASH]
    texted, hashed = works[TEXT_MESSAGE_STEP], works[PASSWORD_STEP]
    hashes = hashed.of(lambda each: each.hashes or 0.0)
    return [
        Figure("session check: CPU, raw answers", session.cpu_ratio, ".2f", at_most=2.3),
        Figure("session check, 32 at once: p99, ms", session.percentile(99) * 1e3, ".1f", at_most=10),
        Figure("code step: CPU, raw answers", code.cpu_ratio, ".2f", at_most=8),
        Figure(
            "code steps a second, 64 at once, each durable",
            code.rate,
            ",.0f",
            commits,
            "commits, one after another",
            at_least=2500,
        ),
        Figure(
            "code step by text message, µs of CPU",
            texted.cpu * 1e6,
            ",.0f",
            code.cpu * 1e6,
            "code step by an app",
            at_most=code.cpu * 1e6 * 1.3,
        ),
        # A sign-in takes two requests and is held against one raw answer.
        Figure("full sign-in, no hash: CPU, raw answers", full.answers_ratio, ".2f", at_most=16),
        Figure(
            "password steps a second, 16 at once",
            hashed.rate,
            ".1f",
            hashes,
            "bare hashes on all cores",
            at_least=0.85 * hashes,
        ),
    ]


def _promised_on_postgres(works: Mapping[Work, Figures]) -> list[Figure]:
    return [
        Figure("PostgreSQL: session check: CPU, raw answers", works[SESSION_CHECK].cpu_ratio, ".2f", at_most=5),
        Figure("PostgreSQL: code steps a second, 64 at once", works[CODE_STEP].rate, ",.0f", at_least=450),
    ]


def _starts(programs: Programs, size: Size) -> list[Figure]:
    start, resident = start_and_memory(programs.twofold, size.starts)
    raw_start, raw_resident = start_and_memory(programs.raw, size.starts)
    return [
        Figure("start to first answer, s", start, ".2f", raw_start, "raw application", at_most=0.4),
        Figure("memory when idle, MB", resident, ".0f", raw_resident, "raw application", at_most=60),
    ]


def _say(text: str) -> None:
    print(text, flush=True)
