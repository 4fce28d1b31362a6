"""The default run of `bin/bench`: every workload and its baseline, then further figures."""

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
from bench.workloads import (
    CODE_STEP,
    FULL_WITHOUT_HASH,
    GATE_CHECK,
    PASSWORD_STEP,
    SESSION_CHECK,
    SETTINGS_PAGE,
    SIGN_IN_PAGE,
    TEXT_MESSAGE_STEP,
    WITHOUT_HASH,
    WORKLOADS,
    Workload,
)

_MOST_FOR_PAGES = {SIGN_IN_PAGE: 400, SETTINGS_PAGE: 2500}  # µs
_KINDS: tuple[Kind, ...] = ("app", "phone", "none")


def run(database: Database, size: Size, command: str) -> Results:
    """Run all measurements."""
    others = Others(database.cpu)
    programs = Programs(database)
    _say(f"creating {len(_KINDS) * size.people:,} users ...")
    people = {
        kind: asyncio.run(make_people(programs.config, database, kind, size.people, kept=size.people))
        for kind in _KINDS
    }
    programs.record(WORKLOADS, people)
    with programs.raw() as raw:
        bench = Bench(raw, programs.config, people, database, size)
        with programs.twofold() as served:
            workloads = [_measured(bench, workload, served) for workload in WORKLOADS]
            figures = [*crowds.while_hashing(bench, served), *crowds.overload(bench, served)]
        with programs.twofold(part="no-hash") as served:
            workloads += [_measured(bench, workload, served) for workload in WITHOUT_HASH]
        if not database.is_embedded:
            with programs.twofold("--workers", "2") as served:
                workloads += [_measured(bench, _by_two(workload), served) for workload in (SESSION_CHECK, CODE_STEP)]
    _say("commits, syncs, starts ...")
    commits = asyncio.run(database.commit_rate(size.seconds))
    beside = (
        slow_disk.measure(programs, people["app"]) if database.is_embedded else trips.measure(programs, people["app"])
    )
    found = {figures.workload: figures for figures in workloads}
    figures = [*_targets(found, commits), *beside, *figures, *_starts(programs, size)]
    if not database.is_embedded:
        figures = [*_targets_on_postgres(found), *(figure.without_target() for figure in figures)]
    notes = [] if slow_disk.can_measure() else ["The slow disk was not measured, because strace is missing."]
    return Results("Cost of Twofold", database.name, command, workloads, figures, others.used(), notes)


def _measured(bench: Bench, workload: Workload, served: Process) -> Figures:
    figures = bench.measure(workload, served)
    _say(f"{workload.name}: {figures.rate:,.0f} a second, {figures.cpu_ratio:.2f} x the baseline")
    return figures


def _by_two(workload: Workload) -> Workload:
    return replace(workload, name=f"{workload.name}, 2 processes")


def _targets(workloads: Mapping[Workload, Figures], commits: float) -> list[Figure]:
    session, code, full = workloads[SESSION_CHECK], workloads[CODE_STEP], workloads[FULL_WITHOUT_HASH]
    gate, texted, hashed = workloads[GATE_CHECK], workloads[TEXT_MESSAGE_STEP], workloads[PASSWORD_STEP]
    hashes = hashed.of(lambda each: each.hashes or 0.0)
    return [
        Figure("session check: CPU, in raw answers", session.cpu_ratio, ".2f", at_most=2.3),
        Figure("session check, 32 at once: p99, ms", session.percentile(99) * 1e3, ".1f", at_most=10),
        Figure("gate check: CPU, in raw answers", gate.cpu_ratio, ".2f", at_most=2.5),
        Figure(
            "gate check, µs of CPU",
            gate.cpu * 1e6,
            ",.0f",
            session.cpu * 1e6,
            "session check",
            at_most=session.cpu * 1e6 * 1.3,
        ),
        Figure("code step: CPU, in raw answers", code.cpu_ratio, ".2f", at_most=8),
        Figure(
            "code steps a second, 64 at once, each durable",
            code.rate,
            ",.0f",
            commits,
            "sequential commits",
            at_least=2500,
        ),
        Figure(
            "code step by text message, µs of CPU",
            texted.cpu * 1e6,
            ",.0f",
            code.cpu * 1e6,
            "code step with an app",
            at_most=code.cpu * 1e6 * 1.3,
        ),
        # A sign-in takes two requests and is compared with one raw answer.
        Figure("full sign-in, no hash: CPU, in raw answers", full.answers_ratio, ".2f", at_most=16),
        *(
            Figure(f"{page.name}: µs of CPU", workloads[page].cpu * 1e6, ",.0f", at_most=most)
            for page, most in _MOST_FOR_PAGES.items()
        ),
        Figure(
            "password steps a second, 16 at once",
            hashed.rate,
            ".1f",
            hashes,
            "bare hashes on all cores",
            at_least=0.85 * hashes,
        ),
    ]


def _targets_on_postgres(workloads: Mapping[Workload, Figures]) -> list[Figure]:
    return [
        Figure("PostgreSQL: session check: CPU, in raw answers", workloads[SESSION_CHECK].cpu_ratio, ".2f", at_most=5),
        Figure("PostgreSQL: code steps a second, 64 at once", workloads[CODE_STEP].rate, ",.0f", at_least=450),
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
