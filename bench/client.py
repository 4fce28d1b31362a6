"""The load client: connections that are kept alive, one thread, as little work a request as Python allows.

An act is one thing that a person does: a generator that yields requests and is given their answers. Latency is the
whole act's. Any answer that the act did not expect ends the bench.
"""

import select
import socket
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_PATIENCE = 60.0  # seconds without any answer, after which the server counts as hung


class Answer(NamedTuple):
    """One HTTP answer; `head` is the status line and the headers as they came."""

    status: int
    head: bytes
    body: bytes


Act = Generator[bytes, Answer, None]


class WrongAnswer(Exception):
    """An answer that the act did not expect."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run did: acts, its length and the client's own CPU (seconds), latencies (seconds, sorted)."""

    acts: int
    seconds: float
    client_cpu: float
    latencies: list[float]

    def percentile(self, percent: float) -> float:
        """The latency that so many percent of the acts did not exceed, in seconds."""
        return self.latencies[min(int(len(self.latencies) * percent / 100), len(self.latencies) - 1)]


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Write an HTTP/1.1 request; `content_type` becomes Content-Type."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + _HEAD_END + body


def expect(answer: Answer, status: int) -> Answer:
    """Give the answer back if it has this status. Raises WrongAnswer with all of it."""
    if answer.status != status:
        raise WrongAnswer(f"expected {status}:\n{(answer.head + _HEAD_END + answer.body).decode(errors='replace')}")
    return answer


def run(port: int, acts: Iterator[Act], *, concurrency: int, seconds: float) -> Load:
    """Do acts one after another on each of `concurrency` connections until the time is over or no act is left."""
    latencies: list[float] = []
    with select.epoll() as poll:
        connections = {}
        for _ in range(concurrency):
            connection = _Connection(port, acts, latencies)
            connections[connection.number] = connection
            poll.register(connection.number, select.EPOLLIN)
        cpu, began = time.process_time(), time.perf_counter()
        busy = sum(connection.begin() for connection in connections.values())
        ends = began + seconds
        while busy:
            ready = poll.poll(_PATIENCE)
            if not ready:
                raise WrongAnswer(f"no answer within {_PATIENCE:.0f} s")
            go_on = time.perf_counter() < ends
            for number, _ in ready:
                busy -= connections[number].answered(go_on=go_on)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    for connection in connections.values():
        connection.close()
    return Load(len(latencies), took, cpu, sorted(latencies))


def once(port: int, act: Act) -> list[tuple[str, Answer]]:
    """Do one act and give the path and the answer of each of its requests."""
    heard: list[tuple[str, Answer]] = []

    def listening() -> Act:
        wanted = next(act)
        while True:
            answer = yield wanted
            heard.append((wanted.split(b" ", 2)[1].decode(), answer))
            try:
                wanted = act.send(answer)
            except StopIteration:
                return

    run(port, iter([listening()]), concurrency=1, seconds=_PATIENCE)
    return heard


class _Connection:
    """One connection and the act that is under way on it."""

    def __init__(self, port: int, acts: Iterator[Act], latencies: list[float]) -> None:
        self._acts = acts
        self._latencies = latencies
        self._act: Act | None = None
        self._began = 0.0
        self._held = b""
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = self._socket.fileno()

    def begin(self) -> bool:
        """Begin the next act; tells whether there was one."""
        self._act = next(self._acts, None)
        if self._act is None:
            return False
        self._began = time.perf_counter()
        self._socket.sendall(next(self._act))
        return True

    def answered(self, *, go_on: bool) -> bool:
        """Read what came, and go on with the act or begin the next; tells whether this connection is done."""
        data = self._socket.recv(262_144)
        if not data:
            raise WrongAnswer(f"the server closed the connection after {self._held!r}")
        answer = _parse(self._held + data if self._held else data)
        if answer is None:
            self._held += data
            return False
        self._held = b""
        assert self._act is not None
        try:
            self._socket.sendall(self._act.send(answer))
        except StopIteration:
            self._latencies.append(time.perf_counter() - self._began)
            return not (go_on and self.begin())
        return False

    def close(self) -> None:
        self._socket.close()


def _parse(data: bytes) -> Answer | None:
    """Take a whole answer apart; None while a part of it is still to come."""
    end = data.find(_HEAD_END)
    if end < 0:
        return None
    at = data.find(_LENGTH, 0, end)
    length = int(data[at + len(_LENGTH) : data.find(b"\r", at)]) if at > 0 else 0
    body = data[end + len(_HEAD_END) :]
    return Answer(int(data[9:12]), data[:end], body) if len(body) >= length else None
