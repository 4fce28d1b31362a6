"""Baselines: what an answer, a password hash and a durable commit cost on this machine.

Run as a program, this is the raw ASGI application: it replays recorded answers, with the same headers and bodies, in
the same embedded server as Twofold, and does nothing else.
"""

import argparse
import asyncio
import os
import signal
import sqlite3
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from argon2 import PasswordHasher, Type

from twofold.cli.embedded import embedded
from twofold.config import Config

Recorded = dict[str, tuple[int, list[tuple[str, str]], str]]  # path to status, headers, and body in base64


def raw_application(recorded: Recorded) -> Callable[..., Awaitable[None]]:
    """Return the ASGI application that replays recorded answers, by path."""
    answers = {
        path: (
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(name.encode(), value.encode()) for name, value in headers],
            },
            {"type": "http.response.body", "body": b64decode(body)},
        )
        for path, (status, headers, body) in recorded.items()
    }

    async def answer(scope: MutableMapping[str, Any], receive: object, send: Callable[..., Awaitable[None]]) -> None:  # noqa: ARG001 - ASGI's signature
        start, body = answers[scope["path"]]
        await send(start)
        await send(body)

    return answer


def hash_rate(config: Config, seconds: float) -> tuple[float, float]:
    """Return the rate of bare argon2id hashes a second on all cores, and the CPU seconds of one."""
    cost = config.password_hash
    hasher = PasswordHasher(cost.time_cost, cost.memory_cost, cost.parallelism, type=Type.ID)
    cores = len(os.sched_getaffinity(0))
    cpu, began = time.process_time(), time.perf_counter()

    def hash_until_end() -> int:
        made = 0
        while time.perf_counter() < began + seconds:
            hasher.hash("correct horse battery staple")
            made += 1
        return made

    with ThreadPoolExecutor(cores) as threads:
        made = sum(each.result() for each in [threads.submit(hash_until_end) for _ in range(cores)])
    return made / (time.perf_counter() - began), (time.process_time() - cpu) / made


def commit_rate(folder: Path, seconds: float) -> float:
    """Return the rate of sequential durable commits a second, of one row each, on the disk of this folder."""
    with closing(sqlite3.connect(folder / "baseline.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, data TEXT)")
        made, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO event (data) VALUES ('a row of about the size of an event')")
            connection.execute("COMMIT")
            made += 1
        return made / (time.perf_counter() - began)


async def commit_rate_postgres(url: str, seconds: float) -> float:
    """Return the rate of sequential durable commits a second on one connection to PostgreSQL."""
    import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - the raw application does not need it

    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS baseline (id BIGSERIAL PRIMARY KEY, data TEXT)")
        insert = await connection.prepare("INSERT INTO baseline (data) VALUES ($1)")
        made, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            await insert.fetch("a row of about the size of an event")
            made += 1
        return made / (time.perf_counter() - began)
    finally:
        await connection.close()


async def _serve(application: Callable[..., Awaitable[None]], port: int) -> None:
    server = embedded(application, "127.0.0.1", port)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("recorded", type=Path)
    arguments.add_argument("--port", type=int)
    options = arguments.parse_args()
    uvloop.run(_serve(raw_application(msgspec.json.decode(options.recorded.read_bytes(), type=Recorded)), options.port))
