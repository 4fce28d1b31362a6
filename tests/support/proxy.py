"""A network between a service and PostgreSQL that fails just before or just after a COMMIT."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Literal, Self

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # the simple query message (PostgreSQL protocol 3.0, 55.7)


class Proxy:
    """A proxy that forwards everything until `cut`, and then drops the next COMMIT or its response."""

    def __init__(self, port: int) -> None:
        self.server_port = port
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listening.getsockname()[1])
        self.cut: Literal["before", "after"] | None = None
        self.cuts = 0
        self.clients: list[socket.socket] = []
        self.passing: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.serving = threading.Thread(target=self.serve)
        self.serving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        hang_up(self.listening)  # close() alone would not wake the thread that waits in accept()
        self.serving.join()
        self.listening.close()
        for client in self.clients:
            hang_up(client)
        for passing in self.passing:
            passing.join()

    def serve(self) -> None:
        """Accept connections until the proxy is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                self.clients.append(client)
                self.passing.append(threading.Thread(target=self.pass_on, args=(client,)))
                self.passing[-1].start()

    def pass_on(self, client: socket.socket) -> None:
        """Handle one connection from beginning to end."""
        with client, socket.create_connection(("127.0.0.1", self.server_port)) as server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answering = threading.Thread(target=self.back, args=(client, server))
            answering.start()
            self.forth(client, server)
            answering.join()

    def forth(self, client: socket.socket, server: socket.socket) -> None:
        """Forward what the service sends, until a cut."""
        with contextlib.suppress(OSError):
            while sent := client.recv(65536):
                if self.cut is not None and COMMIT in sent:
                    self.part(client, server, sent)
                    break
                server.sendall(sent)
        hang_up(server)

    def back(self, client: socket.socket, server: socket.socket) -> None:
        """Forward what the server sends."""
        with contextlib.suppress(OSError):
            while said := server.recv(65536):
                client.sendall(said)
        hang_up(client)

    def part(self, client: socket.socket, server: socket.socket, commit: bytes) -> None:
        """Cut the connection before the response to COMMIT, whether or not the server receives it."""
        self.cuts += 1
        hang_up(client)
        if self.cut == "after":
            server.sendall(commit)


def hang_up(connection: socket.socket) -> None:
    """Close a connection in both directions."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
