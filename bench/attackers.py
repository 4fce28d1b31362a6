"""Attackers in a separate process: `python -m bench.attackers PORT SECONDS CONNECTIONS NETWORK NAME...`.

They share the machine with the server, so they do little: the requests are prepared, and only the status of an answer
is read. The outcomes are printed as JSON at the end.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import count, cycle, islice
from typing import cast

import uvloop

from bench.attacks import ATTACKS, Attack
from bench.client import parse

SOURCES = 4  # addresses of all attackers
_PAUSE = 0.05  # seconds between an answer and the next request of a connection
_CLOSED, _UNANSWERED, _UNFINISHED = "closed", "unanswered", "unfinished"  # the last: when the time ended


class Crowd:
    """Connections that send attacks to a server on loopback until the time ends."""

    def __init__(self, port: int, network: int, attacks: Sequence[Attack]) -> None:
        """Use source addresses from 127.0.`network`.1 upwards."""
        self.heard = {attack.name: Counter[str]() for attack in attacks}
        self._port, self._network, self._attacks = port, network, attacks
        self._numbers = count(1)
        self._over = False
        self._stopped = asyncio.Event()

    async def attack(self, connections: int, seconds: float, grace: float = 0.0) -> None:
        """Attack for this many seconds, or until `stop`, then wait at most `grace` seconds for open requests."""
        self._over = False
        self._stopped.clear()
        attacks = islice(cycle(self._attacks), connections)
        tasks = [asyncio.create_task(self._go_on(attack, place)) for place, attack in enumerate(attacks)]
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)
        self._over = True
        await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """End the attack early."""
        self._stopped.set()

    def next_number(self) -> int | None:
        """Return the number of the next request, or None once the time is up."""
        return None if self._over else next(self._numbers)

    async def _go_on(self, attack: Attack, place: int) -> None:
        source = f"127.0.{self._network}.{1 + place // len(self._attacks) % SOURCES}"
        while not self._over:
            try:
                await self._connection(attack, source)
            except OSError:
                self.heard[attack.name][_CLOSED] += 1
            await asyncio.sleep(_PAUSE)

    async def _connection(self, attack: Attack, source: str) -> None:
        attacker = _Attacker(attack, self)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: attacker, "127.0.0.1", self._port, local_addr=(source, 0))
        try:
            await attacker.over
        finally:
            attacker.give_up(_UNFINISHED)
            transport.abort()


class _Attacker(asyncio.Protocol):
    """One connection. `over` is set when it is closed or abandoned."""

    def __init__(self, attack: Attack, crowd: Crowd) -> None:
        self._attack, self._crowd = attack, crowd
        self._loop = asyncio.get_running_loop()
        self._held = b""
        self._waits = False
        self.over = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        self._held += data
        answer = parse(self._held)
        if answer is not None and self._waits:
            self._held = b""
            self._end(str(answer.status))
            self._loop.call_later(_PAUSE, self._begin)

    def connection_lost(self, _error: Exception | None) -> None:
        self.give_up(_CLOSED)

    def _begin(self) -> None:
        number = self._crowd.next_number()
        if number is None or self.over.done():
            self.give_up(_UNFINISHED)
            return
        self._waits = True
        self._deadline = self._loop.call_later(self._attack.max_wait, self.give_up, _UNANSWERED)
        self._send(self._attack.numbered(number))

    def _send(self, pieces: tuple[bytes, ...]) -> None:
        if pieces and self._waits:
            self._transport.write(pieces[0])
            if len(pieces) > 1:
                self._loop.call_later(self._attack.pause, self._send, pieces[1:])

    def _end(self, outcome: str) -> None:
        self._waits = False
        self._deadline.cancel()
        self._crowd.heard[self._attack.name][outcome] += 1

    def give_up(self, outcome: str) -> None:
        """Count an open request with this outcome, and abandon the connection."""
        if self._waits:
            self._end(outcome)
        if not self.over.done():
            self.over.set_result(None)


def main() -> None:
    """Attack until the time ends or the standard input is closed, and print the outcomes."""
    port, seconds, connections, network, *names = sys.argv[1:]
    crowd = Crowd(int(port), int(network), [each for each in ATTACKS if each.name in names])
    print("ready", flush=True)
    cpu = time.process_time()
    uvloop.run(_attack(crowd, int(connections), float(seconds)))
    print(json.dumps({"heard": crowd.heard, "cpu": time.process_time() - cpu}))


async def _attack(crowd: Crowd, connections: int, seconds: float) -> None:
    asyncio.get_running_loop().add_reader(sys.stdin, crowd.stop)
    await crowd.attack(connections, seconds)


if __name__ == "__main__":
    main()
