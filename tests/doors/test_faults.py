"""A check that cannot be asked, or breaks in the middle, lets nothing pass."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from tests.doors.conftest import APP, OPEN, Site
from tests.support.door_visitor import FETCH, NAVIGATION, WEBSOCKET, Reply, Visitor
from tests.support.doors import Door
from tests.support.gateway import closed_port

Reached = Callable[[], list[str]]
BROKEN = {
    "closed": b"",
    "garbage": b"\x00\xffnonsense\r\n\r\n",
    "cut": b"HTTP/1.1 200 OK\r\nRemote-Us",
    "error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "unknown": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 402 Payment Required\r\nContent-Length: 0\r\n\r\n",
}
BROKEN_SCRIPTS = {
    "not Lua": "this is not Lua",
    "no check": "local nothing = 1",
    "error": "function check(r) error('broken') end",
    "no library": "local http = require 'socket.nothing'\nfunction check(r) return apache2.OK end",
}
INCOMPLETE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_without_twofold_nothing_passes(site: Site, door: Door, reached: Reached) -> None:
    """The proxy answers 5xx, also where everyone may pass."""
    with site.behind(door.name, twofold=closed_port()) as proxy:

        def ask(host: str, headers: tuple[tuple[str, str], ...]) -> Reply:
            return Visitor(proxy.port, site.authority.ca).get(f"https://{host}/", headers)

        with ThreadPoolExecutor() as pool:  # some proxies try again for a few seconds
            replies = list(pool.map(lambda pair: ask(*pair), product((APP, OPEN), (NAVIGATION, FETCH, WEBSOCKET))))
    assert {reply.status for reply in replies} <= {500, 502, 503}
    assert not reached()


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_broken_check_lets_nothing_pass(site: Site, door: Door, answer: bytes, reached: Reached) -> None:
    """Whatever is wrong with its answer."""
    with _answers(answer) as port, site.behind(door.name, twofold=port) as proxy:
        assert 400 <= Visitor(proxy.port, site.authority.ca).get(f"https://{APP}/").status < 600
    assert not reached()


def test_incomplete_answer_leaves_no_forged_identity(site: Site, door: Door) -> None:
    """Where a proxy admits it, the application sees no identity at all; scripts in Lua fail on it."""
    forged = (*NAVIGATION, ("Remote-User", "mallory"), ("Remote-Groups", "staff"))
    with _answers(INCOMPLETE) as port, site.behind(door.name, twofold=port) as proxy:
        reply = Visitor(proxy.port, site.authority.ca).get(f"https://{APP}/", forged)
    if door.name in {"apache", "haproxy"}:
        assert reply.status == 503
    else:
        assert reply.seen("Remote-User", "Remote-Groups") == {}


@pytest.mark.parametrize("script", BROKEN_SCRIPTS.values(), ids=BROKEN_SCRIPTS)
def test_broken_script_of_apache_lets_nothing_pass(site: Site, script: str, reached: Reached) -> None:
    """Apache reads it again when it changes."""
    with site.behind("apache") as proxy:
        (proxy.place.public / "twofold.lua").write_text(script)
        for host in (APP, OPEN):
            assert Visitor(proxy.port, site.authority.ca).get(f"https://{host}/").status in {500, 503}
    assert not reached()


@contextlib.contextmanager
def _answers(answer: bytes) -> Iterator[int]:
    """Yield the port of a server that sends these bytes after each request head, and closes the connection."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
