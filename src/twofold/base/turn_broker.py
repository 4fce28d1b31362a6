"""Turns for several worker processes: their parent has the queue, and workers use it over a Unix socket.

Each message is one line. A worker joins the queue with `+number network account known` (0 or 1) and leaves it with
`-number`. It receives `+number` when the turn begins and `!number seconds` when the turn cannot begin in time. Networks
and accounts are sent as hashes, passwords not at all.
"""

import asyncio
import hashlib
import itertools
import os
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from twofold.base.problems import Unavailable
from twofold.base.turn_queue import Turn, TurnQueue
from twofold.base.turns import TurnRequest


class TurnBroker:
    """The queue, run in a thread of its own, within `with TurnBroker(...) as broker`."""

    def __init__(self, queue: TurnQueue, fallback: Path) -> None:
        """Create a broker; `fallback` is a directory for the socket if there is no temporary one."""
        self._queue = queue
        self._owners: dict[Turn, _WorkerConnection] = {}
        self._directory = _private_directory(fallback)
        self.path = f"{self._directory}/turns"
        self._listening = socket.socket(socket.AF_UNIX)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="turns", daemon=True)
        self._connected: dict[int, asyncio.Transport] = {}  # by file descriptor
        self._closed = False

    def __enter__(self) -> Self:
        self._listening.bind(self.path)
        self._thread.start()
        serving = self._loop.create_unix_server(lambda: _WorkerConnection(self), sock=self._listening)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        os.register_at_fork(after_in_child=self._close_inherited)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._loop.call_soon_threadsafe(self._close)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _close_inherited(self) -> None:
        """Close inherited connections in a forked worker, so that they end with their own processes."""
        if not self._closed:
            for descriptor in (self._listening.fileno(), *self._connected):
                os.close(descriptor)

    # The methods below run in the broker's thread.

    def _close(self) -> None:
        self._server.close()
        for transport in self._connected.values():
            transport.abort()
        self._loop.call_soon(self._loop.call_soon, self._loop.stop)  # after the connections are closed

    def add_connection(self, descriptor: int, transport: asyncio.Transport) -> None:
        """Add the connection of a worker."""
        self._connected[descriptor] = transport

    def join(self, turn: Turn, worker: "_WorkerConnection") -> None:
        """Add a worker's turn to the queue."""
        self._owners[turn] = worker
        leaving = self._queue.join(turn)
        if leaving is not None:
            self._owners.pop(leaving).refuse(leaving, self._queue.drained_in)
        self._begin()

    def leave(self, turn: Turn) -> None:
        """End a worker's turn, or the wait for it."""
        self._owners.pop(turn, None)
        self._queue.leave(turn, time.monotonic())
        self._begin()

    def remove_connection(self, worker: "_WorkerConnection", descriptor: int) -> None:
        """End all turns of a worker that has disconnected."""
        self._connected.pop(descriptor, None)
        for turn in [turn for turn, owner in self._owners.items() if owner is worker]:
            self.leave(turn)

    def _begin(self) -> None:
        for turn in self._queue.begin(time.monotonic()):
            self._owners[turn].grant(turn)


class _WorkerConnection(asyncio.Protocol):
    """The broker's side of a connection."""

    def __init__(self, broker: TurnBroker) -> None:
        self._broker = broker
        self._turns: dict[bytes, Turn] = {}
        self._numbers: dict[Turn, bytes] = {}
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._descriptor = transport.get_extra_info("socket").fileno()
        self._broker.add_connection(self._descriptor, self._transport)

    def data_received(self, data: bytes) -> None:
        """Process messages."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            number, *names = line[1:].split(b" ")
            if line.startswith(b"+"):
                network, account, known = (name.decode() for name in names)
                turn = self._turns[number] = Turn(network, account, known=known == "1")
                self._numbers[turn] = number
                self._broker.join(turn, self)
            elif dropped := self._drop(number):
                self._broker.leave(dropped)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """End the turns of the worker."""
        self._broker.remove_connection(self, self._descriptor)

    def grant(self, turn: Turn) -> None:
        """Signal to the worker that a turn begins."""
        self._transport.write(b"+%b\n" % self._numbers[turn])

    def refuse(self, turn: Turn, wait: int) -> None:
        """Signal to the worker that a turn cannot begin in time."""
        number = self._numbers[turn]
        self._drop(number)
        self._transport.write(b"!%b %d\n" % (number, wait))

    def _drop(self, number: bytes) -> Turn | None:
        turn = self._turns.pop(number, None)
        if turn is not None:
            del self._numbers[turn]
        return turn


class SharedTurns(asyncio.Protocol):
    """The turns of a worker; joining raises Unavailable while the broker cannot be reached."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._numbers = itertools.count(1)
        self._requests: dict[bytes, TurnRequest] = {}
        self._numbers_by_request: dict[TurnRequest, bytes] = {}
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._unsent: list[bytes] = []
        self._buffer = b""

    def request(self, network: str, account: str, *, known: bool = False) -> TurnRequest:
        """Join the queue."""
        request, number = TurnRequest(network, account, known=known), b"%d" % next(self._numbers)
        self._requests[number], self._numbers_by_request[request] = request, number
        self._send(b"+%b %b %b %d\n" % (number, _hashed(network), _hashed(account), known))
        return request

    def leave(self, request: TurnRequest) -> None:
        """End a turn, or the wait for it."""
        number = self._numbers_by_request.pop(request, None)
        if number is not None:
            del self._requests[number]
            self._send(b"-%b\n" % number)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the messages queued before the connection."""
        self._transport, self._buffer = cast("asyncio.Transport", transport), b""  # uvloop's class is not a subclass
        self._transport.writelines(self._unsent)
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        """Process messages."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            number, *seconds = line[1:].split(b" ")
            request = self._requests.get(number)
            if request is None:
                continue  # the worker has left in the meantime
            if line.startswith(b"+"):
                request.grant()
            else:
                request.refuse(int(seconds[0]))

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """End all turns; the next request connects again."""
        self._transport = None
        self._unsent.clear()
        for request in self._requests.values():
            request.fail(Unavailable())
        self._requests.clear()
        self._numbers_by_request.clear()

    def _send(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.write(message)
            return
        self._unsent.append(message)
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, self._path)
        except OSError as error:
            self.connection_lost(error)


def _hashed(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest().encode()


def _private_directory(fallback: Path) -> str:
    """Create a directory that only this user can enter."""
    try:
        return tempfile.mkdtemp(prefix="twofold-")
    except OSError:
        return tempfile.mkdtemp(prefix="turns-", dir=fallback)
