"""What a run found, as tables; and what of it is judged: the promises of the project, never the machine."""

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version

from bench.measure import Figures

_CLIENT_LIMIT = 0.9  # of its core: beyond, the client may have been the limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure beside its floor; `form` writes both. A promise says what it must be `at_most` or `at_least`."""

    name: str
    value: float
    form: str
    floor: float | None = None
    floor_name: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the promise is kept; a figure without one is only told."""
        above = self.at_most is not None and not self.value <= self.at_most
        below = self.at_least is not None and not self.value >= self.at_least
        return not (above or below)

    def told(self) -> "Figure":
        """Give the same figure without its promise."""
        return replace(self, at_most=None, at_least=None)

    @property
    def promise(self) -> str:
        """The promise in words."""
        if self.at_most is not None:
            return f"at most {format(self.at_most, self.form)}"
        return f"at least {format(self.at_least, self.form)}" if self.at_least is not None else ""


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run found. `others` is what other programs used of the machine's cores meanwhile."""

    title: str
    database: str
    command: str
    works: Sequence[Figures]
    figures: Sequence[Figure]
    others: float
    notes: Sequence[str] = field(default=())  # what could not be measured, and why

    @property
    def missed(self) -> list[Figure]:
        """The promises that were not kept."""
        return [each for each in self.figures if not each.kept]


def written(results: Results) -> str:
    """The whole report in Markdown."""
    works = [
        *_table("work, at once|a second|CPU of one|floor|ratio|p50 ms|p99 ms", map(_work_row, results.works)),
        "",
        "The floor is the CPU of raw answers: the same requests at the same concurrency, answered by a bare ASGI",
        "function in the same server with the same headers and bodies. Where a password is hashed it is the CPU of",
        "the bare hash.",
        "",
    ]
    return "\n".join(
        [
            f"# {results.title} on {results.database.split()[0]}",
            "",
            *_machine(results),
            "",
            *(works if results.works else ()),
            *_table("figure|value|floor|ratio|promised|", map(_figure_row, results.figures)),
            "",
            *(f"{note}\n" for note in results.notes),
            f"{len(results.missed)} of {sum(bool(each.promise) for each in results.figures)} promises are missed.",
            "",
        ]
    )


def _machine(results: Results) -> list[str]:
    used = [f"{name} {version(name)}" for name in ("twofold", "granian", "uvloop", "starlette", "msgspec")]
    lines = [
        f"- {results.command}",
        f"- {datetime.now(UTC):%d %B %Y, %H:%M} UTC; {len(os.sched_getaffinity(0))} cores; {platform.platform()}",
        f"- Python {platform.python_version()}, {', '.join(used)}, SQLite engine {sqlite3.sqlite_version}",
        f"- database: {results.database}",
        f"- other programs used {results.others:.1f} cores meanwhile: trust ratios more than rates and latencies",
    ]
    if results.works:
        share = max(figures.client_share for figures in results.works)
        limit = "" if share < _CLIENT_LIMIT else " **The client may have been the limit.**"
        lines.append(f"- the client's busiest run took {share:.2f} of a core.{limit}")
    return lines


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
        f"{figures.percentile(50) * 1e3:.1f}",
        f"{figures.percentile(99) * 1e3:.1f}",
    ]


def _figure_row(each: Figure) -> list[str]:
    value = format(each.value, each.form)
    floor = f"{format(each.floor, each.form)} {each.floor_name}" if each.floor is not None else ""
    ratio = f"{each.value / each.floor:.2f}" if each.floor else ""
    verdict = "" if not each.promise else "kept" if each.kept else "**missed**"
    return [each.name, value, floor, ratio, each.promise, verdict]


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
