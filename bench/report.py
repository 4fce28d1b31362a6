"""The results of a run as tables. Only the targets of the project are checked, never the machine."""

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version

from bench.measure import Figures

_CLIENT_LIMIT = 0.9  # of its core; above this, the client may have been the limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure beside its baseline, both formatted with `form`. `at_most` or `at_least` is its target."""

    name: str
    value: float
    form: str
    baseline: float | None = None
    baseline_name: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool:
        """Whether the target is met; always true without one."""
        above = self.at_most is not None and not self.value <= self.at_most
        below = self.at_least is not None and not self.value >= self.at_least
        return not (above or below)

    def without_target(self) -> "Figure":
        """Return the same figure without its target."""
        return replace(self, at_most=None, at_least=None)

    @property
    def target(self) -> str:
        """The target in words."""
        if self.at_most is not None:
            return f"at most {format(self.at_most, self.form)}"
        return f"at least {format(self.at_least, self.form)}" if self.at_least is not None else ""


@dataclass(frozen=True, slots=True)
class Table:
    """A further table: the names of the columns, separated by `|`, and the rows."""

    head: str
    rows: Sequence[list[str]]


@dataclass(frozen=True, slots=True)
class Results:
    """All results of a run. `others` is the number of cores that other programs used meanwhile."""

    title: str
    database: str
    command: str
    workloads: Sequence[Figures]
    figures: Sequence[Figure]
    others: float
    notes: Sequence[str] = field(default=())  # what could not be measured, and why
    tables: Sequence["Table"] = field(default=())

    @property
    def missed(self) -> list[Figure]:
        """The figures whose target is missed."""
        return [each for each in self.figures if not each.met]


def written(results: Results) -> str:
    """Return the whole report in Markdown."""
    workloads = [
        *_table(
            "workload, at once|a second|CPU of one|baseline|ratio|p50 ms|p99 ms", map(_workload_row, results.workloads)
        ),
        "",
        "The baseline is the CPU time of raw answers: the same requests at the same concurrency, answered by a bare",
        "ASGI function in the same server with the same headers and bodies. If a workload hashes passwords, its",
        "baseline is the CPU time of the bare hash.",
        "",
    ]
    return "\n".join(
        [
            f"# {results.title} on {results.database.split()[0]}",
            "",
            *_machine(results),
            "",
            *(workloads if results.workloads else ()),
            *_table("figure|value|baseline|ratio|target|", map(_figure_row, results.figures)),
            "",
            *(line for table in results.tables for line in (*_table(table.head, table.rows), "")),
            *(f"{note}\n" for note in results.notes),
            f"{len(results.missed)} of {sum(bool(each.target) for each in results.figures)} targets missed.",
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
        f"- other programs used {results.others:.1f} cores meanwhile; trust ratios more than rates and latencies",
    ]
    if results.workloads:
        share = max(figures.client_share for figures in results.workloads)
        limit = "" if share < _CLIENT_LIMIT else " **The client may have been the limit.**"
        lines.append(f"- the busiest run of the client took {share:.2f} of a core.{limit}")
    return lines


def _workload_row(figures: Figures) -> list[str]:
    database = figures.of(lambda each: each.workload.database)
    baseline = "bare hash" if figures.workload.hashes else "raw"
    return [
        f"{figures.workload.name}, {figures.workload.concurrency}",
        f"{figures.rate:,.0f}",
        _time(figures.of(lambda each: each.workload.server))
        + (f" + {_time(database)} in the database" if database else ""),
        f"{_time(figures.of(lambda each: each.baseline))} {baseline}",
        f"{figures.cpu_ratio:.2f}",
        f"{figures.percentile(50) * 1e3:.1f}",
        f"{figures.percentile(99) * 1e3:.1f}",
    ]


def _figure_row(each: Figure) -> list[str]:
    value = format(each.value, each.form)
    baseline = f"{format(each.baseline, each.form)} {each.baseline_name}" if each.baseline is not None else ""
    ratio = f"{each.value / each.baseline:.2f}" if each.baseline else ""
    verdict = "" if not each.target else "met" if each.met else "**missed**"
    return [each.name, value, baseline, ratio, each.target, verdict]


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 0.01 else f"{seconds * 1e3:.1f} ms"


def _table(head: str, rows: Iterable[list[str]]) -> list[str]:
    """Return a Markdown table with aligned columns."""
    lines = [head.split("|"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return [shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]]
