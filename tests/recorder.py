"""A real web server that keeps what the webhook courier brings, for services whose mail is configured."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Recorder:
    """Takes every message and keeps it, for `with Recorder() as recorder:`; `recorder.url` is a mail URL."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            """Answers 204 to whatever is brought."""

            def do_POST(self) -> None:
                """Keeps one message."""
                taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """What TWOFOLD_MAIL_URL is set to."""
        return f"webhook+http://127.0.0.1:{self.server.server_port}/mail?secret=walnut-harbour-ember"

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
