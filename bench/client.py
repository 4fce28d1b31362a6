"""The load client: connections that are kept alive, one thread, as little work a request as Python allows.

An act is one thing that a person does: a generator that yields requests and is given their answers. Latency is the
whole act's. Any answer that the act did not expect ends the bench.
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


@dataclass(frozen=True, slots=True)
class Stream:
    """Acts that are done on so many connections: each begins the next as soon as one is done, or one `every` second.

    `most` ends it before its time. What waits for a free connection counts as latency.
    """

    acts: Iterator[Act]
    concurrency: int
    every: float | None = None
    most: int | None = None


def run(port: int, *streams: Stream, seconds: float) -> list[Load]:
    """Do all streams side by side until the time is over or no act is left; gives what each did.

    The client's CPU is told of all together.
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
                raise WrongAnswer(f"no answer within {_PATIENCE:.0f} s")
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return [Load(len(lane.latencies), took, cpu, sorted(lane.latencies)) for lane in lanes]


def _next(paced: Sequence["_Lane"], ends: float) -> float:
    """How long to wait for answers: until the next act is due."""
    due = min((lane.due for lane in paced if lane.idle and lane.due < ends), default=None)
    return _PATIENCE if due is None else max(due - time.perf_counter(), 0.0)


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

    run(port, Stream(iter([listening()]), 1), seconds=_PATIENCE)
    return heard


class _Lane:
    """A stream under way: its connections, and when its next act is due (never, where each is begun by an answer)."""

    def __init__(self, port: int, stream: Stream, poll: select.epoll) -> None:
        self.every = stream.every
        self.due = math.inf
        self.latencies: list[float] = []
        self.busy = 0
        self._waited = False  # an act was due, and no connection was free
        self._acts = islice(stream.acts, stream.most)
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
        """Begin on every connection, or at the first due time."""
        if self.every:
            self.due = now
        while self.idle and not self.every:
            self._begin(self.idle.pop(), now)

    def catch_up(self, ends: float) -> None:
        """Begin what is due on connections that are free."""
        assert self.every
        while self.idle and self.due <= (now := time.perf_counter()) and self.due < ends:
            # The client's own delay is not the server's; only what waited for a connection counts from when it was due.
            self._begin(self.idle.pop(), self.due if self._waited else now)
            self.due += self.every
        self._waited = not self.idle

    def answered(self, connection: "_Connection", *, go_on: bool) -> None:
        """Read what came, and go on with the act or begin the next."""
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
        act = next(self._acts, None)
        if act is None:
            self.due = math.inf
        else:
            self.busy += 1
            connection.begin(act, now)


class _Connection:
    """One connection and the act that is under way on it."""

    def __init__(self, port: int) -> None:
        self._act: Act | None = None
        self.began = 0.0
        self._held = b""
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = self._socket.fileno()

    def begin(self, act: Act, now: float) -> None:
        """Begin an act."""
        self._act, self.began = act, now
        self._socket.sendall(next(act))

    def answered(self) -> bool:
        """Read what came and go on; tells whether the act is done."""
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
            return True
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
