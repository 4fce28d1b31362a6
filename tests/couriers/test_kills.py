"""Nodes killed between commit and send, and nodes that share an outbox, lose no message and send none twice."""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Self

import pytest

from tests.support.cluster import Cluster
from tests.support.gateway import Gateway, Handler, answers, wait_until

HOME = Path(__file__).parent.parent.parent
KILLS = 100
MESSAGES = 100


class Node:
    """A process that posts and sends; `ids` are the messages whose commit it has reported."""

    def __init__(self, folder: Path, gateway: Gateway, *, most: int, **settings: str) -> None:
        given = {"data_dir": str(folder), "sms_url": gateway.webhook, "phone_countries": "*", "log": "json", **settings}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self.ids: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.outbox_filler", str(most)],
            cwd=HOME,
            env=kept | {f"TWOFOLD_{name.upper()}": value for name, value in given.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.ids.extend(line.strip() for line in self.process.stdout if line.endswith("\n"))

    def kill(self) -> None:
        """End the process at once, as a power cut would (SIGKILL)."""
        self.process.kill()
        self.process.wait()
        self.reading.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def answer_slowly(handler: Handler) -> None:
    """Answer after a delay, so that the service is often killed while it waits."""
    time.sleep(random.random() / 50)  # noqa: S311 - not for security
    answers(200)(handler)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_accepted_messages_are_sent_although_the_node_is_killed(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, *, full: bool
) -> None:
    """Committed messages are sent at least once, and twice only if being sent at the kill, with the same id."""
    random.seed(kind)
    settings = {}
    if kind == "postgres":
        cluster: Cluster = request.getfixturevalue("cluster")
        settings["database_url"] = cluster.database()
    accepted: list[str] = []
    kills = KILLS if full else KILLS // 10
    with Gateway(answer_slowly) as gateway:
        for _ in range(kills):
            before = len(gateway.received)
            node = Node(tmp_path, gateway, most=10**6, **settings)
            wait_until(lambda: len(gateway.received) > before, 30)  # noqa: B023 - called here only
            time.sleep(random.random() / 4)  # noqa: S311 - not for security
            node.kill()
            accepted += node.ids
        with Node(tmp_path, gateway, most=0, **settings):
            wait_until(lambda: set(accepted) <= set(gateway.ids), 90)
            time.sleep(1)
        times = Counter(gateway.ids)
    assert len(accepted) > kills
    assert max(times.values()) <= 3
    assert sum(count - 1 for count in times.values()) <= 4 * kills  # at most what was under way at each kill


def test_two_nodes_send_each_message_once(cluster: Cluster, tmp_path: Path) -> None:
    """Both nodes write to and read from one outbox."""
    settings = {"database_url": cluster.database(), "base_url": "https://login.example.org"}
    with Gateway(answer_slowly) as gateway:
        with Node(tmp_path, gateway, most=MESSAGES, **settings) as first:
            wait_until(lambda: bool(first.ids), 30)
            with Node(tmp_path, gateway, most=MESSAGES, **settings) as second:
                wait_until(lambda: len(set(gateway.ids)) >= 2 * MESSAGES, 60)
                time.sleep(0.5)
        assert Counter(gateway.ids) == dict.fromkeys([*first.ids, *second.ids], 1)
    assert len(gateway.received) == 2 * MESSAGES
