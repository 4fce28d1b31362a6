"""An upgrade from a commit without usernames, whose code creates 10,000 accounts and keeps serving meanwhile."""

import http.client
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

from bench.databases import HERE, Database
from bench.flood import source_of
from bench.processes import Others, Process
from bench.report import Figure, Results

COMMIT = "61082c0"
_LOCAL_PARTS = (
    "anna{}",
    "boss{}",
    "o'brien{}",
    "j\u00f6rg{}",
    "\u6f22\u5b57",
    "info",
    "admin",
    "john.smith",
    "a+b{}",
    "_",
)


def run(database: Database, command: str, count: int) -> Results:
    """Measure the upgrade of a database with this many accounts."""
    others = Others(database.cpu)
    with TemporaryDirectory() as folder:
        settings = {**database.settings, "TWOFOLD_BASE_URL": "http://127.0.0.1:8000", "TWOFOLD_LOG": "text"}
        old = {**settings, "PYTHONPATH": str(source_of(COMMIT, Path(folder)))}
        tokens = Path(folder) / "tokens"
        print(f"creating {count:,} accounts with {COMMIT} ...", flush=True)
        with _earlier(tokens, old) as earlier:
            _add(earlier, _addresses(count))
            size = database.bytes_used()
            with Process(database.folder, ("-m", "twofold", "serve"), old, "/healthz") as node:
                with _watched(node.port, tokens) as waits:
                    seconds = _migrate(settings)
                _add(earlier, [f"late{number}@example.org" for number in range(100)])
                signed_in_there = _signed_in(node.port, tokens)
        grown = database.bytes_used()
        with Process(database.folder, ("-m", "twofold", "serve"), settings, "/healthz") as served:
            accounts = _accounts(served.port, tokens)
    figures = [
        Figure("accounts, 100 of them added by the older node after the upgrade", count + 100, ",.0f"),
        Figure("seconds of `twofold migrate`", seconds, ".1f"),
        Figure("milliseconds of the slowest answer of the older node meanwhile", max(waits) * 1000, ".0f"),
        Figure("megabytes before", size / 1e6, ".1f"),
        Figure("megabytes after", grown / 1e6, ".1f"),
        Figure("sessions signed in at the older node afterwards", signed_in_there, ",.0f", at_least=count + 100),
        Figure("sessions signed in at this version", len(accounts), ",.0f", at_least=count + 100),
        Figure("distinct usernames", len({each["username"] for each in accounts}), ",.0f", at_least=count + 100),
        Figure("owners", sum(each["role"] == "owner" for each in accounts), ",.0f", at_least=count // 10),
    ]
    return Results(f"Upgrade from {COMMIT}", database.name, command, (), figures, others.used())


def _addresses(count: int) -> list[str]:
    parts = itertools.cycle(_LOCAL_PARTS)
    return [f"{part.format(number)}@d{number}.example.org" for part, number in zip(parts, range(count), strict=False)]


@contextmanager
def _earlier(tokens: Path, settings: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run the program that adds accounts, with the code of the earlier commit."""
    command = [sys.executable, str(HERE / "earlier.py"), str(tokens)]
    with subprocess.Popen(
        command, env={**os.environ, **settings}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()  # type: ignore[union-attr]


def _add(earlier: subprocess.Popen[str], emails: list[str]) -> None:
    print(*emails, "", sep="\n", file=earlier.stdin, flush=True)
    assert earlier.stdout is not None
    if earlier.stdout.readline() != "done\n":
        raise RuntimeError("the earlier code added no accounts")


def _migrate(settings: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "twofold", "migrate"], env={**os.environ, **settings}, check=True)
    return time.perf_counter() - began


@contextmanager
def _watched(port: int, tokens: Path) -> Iterator[list[float]]:
    """Measure repeatedly how long a session check takes."""
    token, waits, ended = tokens.read_text().split()[0], [0.0], Event()

    def watch() -> None:
        while not ended.is_set():
            began = time.perf_counter()
            _session(port, token)
            waits.append(time.perf_counter() - began)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield waits
    finally:
        ended.set()
        thread.join()


def _signed_in(port: int, tokens: Path) -> int:
    return len(_accounts(port, tokens))


def _accounts(port: int, tokens: Path) -> list[dict[str, str]]:
    return [account for token in tokens.read_text().split() if (account := _session(port, token))]


def _session(port: int, token: str) -> dict[str, str] | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/v1/session", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return body["account"] if answer.status == 200 else None
