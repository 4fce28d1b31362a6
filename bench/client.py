"""The load client: persistent connections, one thread, as little work for each request as Python allows.

An action is one thing that a user does: a generator that yields requests and receives their answers. Latencies are
those of whole actions. An answer that the action does not expect ends the benchmark.
"""

import math
import select
import socket
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, Self

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_CHUNKED, _LAST_CHUNK = b"transfer-encoding: chunked", b"0\r\n\r\n"
_MAX_WAIT = 60.0  # seconds without any answer, after which the server is considered hung


class Answer(NamedTuple):
    """One HTTP answer; `head` is the status line and the headers as received."""

    status: int
    head: bytes
    body: bytes


Action = Generator[bytes, Answer, None]


class WrongAnswer(Exception):
    """An answer that the action did not expect."""


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a run: number of actions, duration, CPU time of the client, and sorted latencies, in seconds."""

    actions: int
    seconds: float
    client_cpu: float
    latencies: list[float]

    def percentile(self, percent: float) -> float:
        """Return the latency that this percentage of the actions did not exceed, in seconds."""
        return self.latencies[min(int(len(self.latencies) * percent / 100), len(self.latencies) - 1)]


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return an HTTP/1.1 request; `content_type` becomes Content-Type."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + _HEAD_END + body


def expect(answer: Answer, status: int) -> Answer:
    """Return the answer. Raise WrongAnswer, with the whole answer, if it has another status."""
    if answer.status != status:
        raise WrongAnswer(f"expected {status}:\n{(answer.head + _HEAD_END + answer.body).decode(errors='replace')}")
    return answer


@dataclass(frozen=True, slots=True)
class Stream:
    """Actions on `concurrency` connections: the next starts when one ends, or one starts after each `every` seconds.

    The stream ends early after `most` actions. Waiting for a free connection counts as latency.
    """

    actions: Iterator[Action]
    concurrency: int
    every: float | None = None
    most: int | None = None


def run(port: int, *streams: Stream, seconds: float) -> list[Load]:
    """Run all streams in parallel until the time ends or no action is left, and return the result of each.

    The CPU time of the client is that of all streams together.
    """
    with select.epoll() as poll, ExitStack() as stack:
        lanes = [stack.enter_context(_Lane(port, stream, poll)) for stream in streams]
        lane_of = {connection.number: (lane, connection) for lane in lanes for connection in lane.idle}
        cpu, began = time.process_time(), time.perf_counter()
        ends = began + seconds
        for lane in lanes:
            lane.begin(began)
        paced = [lane for lane in lanes if lane.every]
        while any(lane.busy or lane.due < ends for lane in lanes):
            ready = poll.poll(_next(paced, ends))
            now = time.perf_counter()
            for number, _ in ready:
                lane, connection = lane_of[number]
                lane.answered(connection, go_on=now < ends)
            for lane in paced:
                lane.catch_up(ends)
            if not ready and not paced:
                raise WrongAnswer(f"no answer within {_MAX_WAIT:.0f} s")
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return [Load(len(lane.latencies), took, cpu, sorted(lane.latencies)) for lane in lanes]


def _next(paced: Sequence["_Lane"], ends: float) -> float:
    """Return how long to wait for answers: until the next action is due."""
    due = min((lane.due for lane in paced if lane.idle and lane.due < ends), default=None)
    return _MAX_WAIT if due is None else max(due - time.perf_counter(), 0.0)


def once(port: int, action: Action) -> list[tuple[str, Answer]]:
    """Run one action and return the path and the answer of each of its requests."""
    heard: list[tuple[str, Answer]] = []

    def listening() -> Action:
        wanted = next(action)
        while True:
            answer = yield wanted
            heard.append((wanted.split(b" ", 2)[1].decode(), answer))
            try:
                wanted = action.send(answer)
            except StopIteration:
                return

    run(port, Stream(iter([listening()]), 1), seconds=_MAX_WAIT)
    return heard


class _Lane:
    """A running stream: its connections, and when its next action is due (never if an answer starts it)."""

    def __init__(self, port: int, stream: Stream, poll: select.epoll) -> None:
        self.every = stream.every
        self.due = math.inf
        self.latencies: list[float] = []
        self.busy = 0
        self._waited = False  # an action was due, and no connection was free
        self._acts = islice(stream.actions, stream.most)
        self.idle = [_Connection(port) for _ in range(stream.concurrency)]
        self._all = tuple(self.idle)
        for connection in self._all:
            poll.register(connection.number, select.EPOLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._all:
            connection.close()

    def begin(self, now: float) -> None:
        """Start an action on every connection, or at the first due time."""
        if self.every:
            self.due = now
        while self.idle and not self.every:
            self._begin(self.idle.pop(), now)

    def catch_up(self, ends: float) -> None:
        """Start the actions that are due on free connections."""
        assert self.every
        while self.idle and self.due <= (now := time.perf_counter()) and self.due < ends:
            # Delays of the client do not count; only an action that waited for a connection counts from its due time.
            self._begin(self.idle.pop(), self.due if self._waited else now)
            self.due += self.every
        self._waited = not self.idle

    def answered(self, connection: "_Connection", *, go_on: bool) -> None:
        """Read an answer, and continue the action or start the next one."""
        if not connection.answered():
            return
        now = time.perf_counter()
        self.latencies.append(now - connection.began)
        self.busy -= 1
        if go_on and not self.every:
            self._begin(connection, now)
        else:
            self.idle.append(connection)

    def _begin(self, connection: "_Connection", now: float) -> None:
        action = next(self._acts, None)
        if action is None:
            self.due = math.inf
        else:
            self.busy += 1
            connection.begin(action, now)


class _Connection:
    """One connection and its current action."""

    def __init__(self, port: int) -> None:
        self._act: Action | None = None
        self.began = 0.0
        self._held = b""
        self._socket = socket.create_connection(("127.0.0.1", port), _MAX_WAIT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = self._socket.fileno()

    def begin(self, action: Action, now: float) -> None:
        """Start an action."""
        self._act, self.began = action, now
        self._socket.sendall(next(action))

    def answered(self) -> bool:
        """Read an answer and continue the action; return whether it has ended."""
        data = self._socket.recv(262_144)
        if not data:
            raise WrongAnswer(f"the server closed the connection after {self._held!r}")
        answer = parse(self._held + data if self._held else data)
        if answer is None:
            self._held += data
            return False
        self._held = b""
        assert self._act is not None
        try:
            self._socket.sendall(self._act.send(answer))
        except StopIteration:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


def parse(data: bytes) -> Answer | None:
    """Parse a whole answer; return None if it is incomplete. A body in chunks stays as it is."""
    end = data.find(_HEAD_END)
    if end < 0:
        return None
    at = data.find(_LENGTH, 0, end)
    if at < 0:  # other servers write names in other cases, or send chunks
        head = data[:end].lower()
        at = head.find(_LENGTH)
        if at < 0 and _CHUNKED in head and not data.endswith(_LAST_CHUNK):
            return None
    length = int(data[at + len(_LENGTH) : data.find(b"\r", at)]) if at > 0 else 0
    body = data[end + len(_HEAD_END) :]
    return Answer(int(data[9:12]), data[:end], body) if len(body) >= length else None
