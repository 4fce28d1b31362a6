"""A notice board without a sign-in of its own: it learns from headers who is asking.

It listens on a Unix socket in a private folder, so that only Caddy can reach it, and no client can send the headers
itself.
"""

import html
import json
import socketserver
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

from demo.templates import FORM, NOTICE, PAGE, PUBLIC, VAULT

MOST_BYTES, MOST_NOTICES, LONGEST = 10_000, 100, 500


class Application:
    """The notice board, for `with Application(socket):`."""

    def __init__(self, socket: str) -> None:
        self.server = _Server(socket, type("Bound", (_Handler,), {"notices": []}))

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    notices: list[tuple[str, str]]  # name and text, newest first

    def do_GET(self) -> None:
        """Show a page, or the headers of the request as JSON for `twofold gate probe`."""
        match self.path.partition("?")[0]:
            case "/":
                self._page("Notice board", self._board())
            case "/vault":
                self._page("The vault", VAULT)
            case "/public":
                self._page("For everyone", PUBLIC)
            case "/public/headers":
                self._send(HTTPStatus.OK, json.dumps(dict(self.headers.items()), indent=2), "application/json")
            case _:
                self._page("There is no such page", "", HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Put a notice on the board."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MOST_BYTES))
        text = parse_qs(body.decode(errors="replace")).get("text", [""])[0].strip()[:LONGEST]
        if text:
            self.notices.insert(0, (self._identity()["Remote-Name"], text))
            del self.notices[MOST_NOTICES:]
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _board(self) -> str:
        notices = (NOTICE.format(name=html.escape(name), text=html.escape(text)) for name, text in self.notices)
        return FORM + "".join(notices)

    def _identity(self) -> Mapping[str, str]:
        """Return the headers that tell who is asking; http.server reads UTF-8 as Latin-1."""
        names = ("Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups")
        return {name: self.headers.get(name, "").encode("latin-1").decode(errors="replace") for name in names}

    def _page(self, title: str, content: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        identity = self._identity()
        rows = "".join(f"<dt>{name}</dt><dd>{html.escape(value) or '&ndash;'}</dd>" for name, value in identity.items())
        name = html.escape(identity["Remote-Name"])
        page = PAGE.format(
            title=title,
            greeting=f"Hello, {name}" if name else "You are not signed in",
            way=("/.twofold/sign-out.html", "Sign out") if name else ("/.twofold/sign-in.html", "Sign in"),
            content=content,
            rows=rows,
        )
        self._send(status, page, "text/html; charset=utf-8")

    def _send(self, status: HTTPStatus, text: str, media_type: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as declared there
        """Write no log."""
