"""What a run found, as tables; and what of it is judged: ratios and the promises of the project, never the machine."""

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from bench.measure import Figures
from bench.works import CODE_STEP, SESSION_CHECK, TEXT_MESSAGE_STEP, Work

SESSION_CHECK_MOST = 3.0  # times the CPU of a raw answer
CODE_STEPS_LEAST = 1200.0  # a second, each durable
TEXT_MESSAGE_STEP_MOST = 1.3  # times the CPU of the code step
START_MOST = 0.8  # seconds
RESIDENT_MOST = 90.0  # MB
_CLIENT_LIMIT = 0.9  # of its core: beyond, the client may have been the limit


@dataclass(frozen=True, slots=True)
class Beside:
    """A figure beside its floor; `form` writes both."""

    name: str
    value: float
    floor: float
    floor_name: str
    form: str


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run found. `others` is what other programs used of the machine's cores meanwhile."""

    database: str
    works: Sequence[Figures]
    commits: float  # durable ones a second, one after another
    start: tuple[float, float]  # seconds, the raw application's beside
    resident: tuple[float, float]  # MB, likewise
    others: float

    def of(self, work: Work) -> Figures:
        """The figures of one work."""
        return next(figures for figures in self.works if figures.work is work)

    def cpu_of(self, work: Work) -> float:
        """CPU seconds of one act."""
        return self.of(work).of(lambda each: each.work.total)


def missed(results: Results) -> list[str]:
    """Name the promises that were not kept."""
    ratio, rate = results.of(SESSION_CHECK).cpu_ratio, results.of(CODE_STEP).rate
    texted = results.cpu_of(TEXT_MESSAGE_STEP) / results.cpu_of(CODE_STEP)
    start, resident = results.start[0], results.resident[0]
    on_sqlite = results.database.startswith("SQLite")
    judged = [
        (start <= START_MOST, f"start: first answer after {start:.2f} s, promised {START_MOST} s"),
        (resident < RESIDENT_MOST, f"memory: {resident:.0f} MB resident, promised below {RESIDENT_MOST:.0f} MB"),
    ]
    if on_sqlite:
        judged += [
            (
                ratio <= SESSION_CHECK_MOST,
                f"session check: {ratio:.1f} x a raw answer, promised {SESSION_CHECK_MOST} x",
            ),
            (rate >= CODE_STEPS_LEAST, f"code step: {rate:,.0f} a second, promised {CODE_STEPS_LEAST:,.0f}"),
            (
                texted <= TEXT_MESSAGE_STEP_MOST,
                f"code step by text message: {texted:.2f} x the code step, promised {TEXT_MESSAGE_STEP_MOST} x",
            ),
        ]
    return [sentence for kept, sentence in judged if not kept]


def written(results: Results) -> str:
    """The whole report in Markdown."""
    return "\n".join(
        [
            f"# What Twofold costs on {results.database.split()[0]}",
            "",
            *_machine(results),
            "",
            "## Works",
            "",
            *_table(
                "work, at once|a second|CPU of one|floor|ratio|p50 ms|p99 ms",
                (_work_row(each) for each in results.works),
            ),
            "",
            "The floor is the CPU of raw answers: the same requests at the same concurrency, answered by a bare ASGI",
            "function in the same server with the same headers and bodies. Where a password is hashed it is the CPU of",
            "the bare hash.",
            "",
            "## Beside other floors",
            "",
            *_table("figure|value|floor|ratio", (_beside_row(each) for each in _beside(results))),
            "",
            "## Judged",
            "",
            *([f"- missed: {sentence}" for sentence in missed(results)] or ["Every promise is kept."]),
            "",
        ]
    )


def _machine(results: Results) -> list[str]:
    share = max(figures.client_share for figures in results.works)
    limit = "" if share < _CLIENT_LIMIT else " **The client may have been the limit.**"
    used = [f"{name} {version(name)}" for name in ("twofold", "granian", "uvloop", "starlette", "msgspec")]
    return [
        f"- {datetime.now(UTC):%d %B %Y, %H:%M} UTC; {len(os.sched_getaffinity(0))} cores; {platform.platform()}",
        f"- Python {platform.python_version()}, {', '.join(used)}, SQLite engine {sqlite3.sqlite_version}",
        f"- database: {results.database}",
        f"- other programs used {results.others:.1f} cores meanwhile: trust CPU and ratios more than rates",
        f"- the client's busiest run took {share:.2f} of a core.{limit}",
    ]


def _work_row(figures: Figures) -> list[str]:
    database = figures.of(lambda each: each.work.database)
    floor = "bare hash" if figures.work.hashes else "raw"
    return [
        f"{figures.work.name}, {figures.work.concurrency}",
        f"{figures.rate:,.0f}",
        _time(figures.of(lambda each: each.work.server))
        + (f" + {_time(database)} in the database" if database else ""),
        f"{_time(figures.of(lambda each: each.floor))} {floor}",
        f"{figures.cpu_ratio:.2f}",
        f"{figures.of(lambda each: each.work.load.percentile(50)) * 1e3:.1f}",
        f"{figures.of(lambda each: each.work.load.percentile(99)) * 1e3:.1f}",
    ]


def _beside(results: Results) -> list[Beside]:
    code_steps = results.of(CODE_STEP)
    return [
        Beside(f"code steps a second, {CODE_STEP.concurrency} at once", code_steps.rate, results.commits,
               "durable commits, one after another", ",.0f"),
        Beside("code step by text message, µs of CPU", results.cpu_of(TEXT_MESSAGE_STEP) * 1e6,
               results.cpu_of(CODE_STEP) * 1e6, "code step by an app", ",.0f"),
        *(
            Beside(f"{each.work.name}: hashes a second", each.rate, each.of(lambda one: one.hashes or 0.0),
                   "bare hashes on all cores", ".1f")
            for each in results.works
            if each.work.hashes
        ),
        Beside("start to first answer, seconds", *results.start, "raw application", ".2f"),
        Beside("resident when idle, MB", *results.resident, "raw application", ".0f"),
    ]  # fmt: skip


def _beside_row(each: Beside) -> list[str]:
    value, floor = format(each.value, each.form), format(each.floor, each.form)
    return [each.name, value, f"{floor} {each.floor_name}", f"{each.value / each.floor:.2f}"]


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 0.01 else f"{seconds * 1e3:.1f} ms"


def _table(head: str, rows: Iterable[list[str]]) -> list[str]:
    """A table of Markdown that reads well as text too: columns aligned."""
    lines = [head.split("|"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return [shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]]
