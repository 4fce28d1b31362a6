"""A web server that stores what the webhook courier sends, for services with mail."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

WITHIN = 10.0  # seconds until a mail must arrive


class Recorder:
    """A server that stores every message, for `with Recorder() as recorder:`; `url` is a mail setting."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            """Respond with 204 to every message."""

            def do_POST(self) -> None:
                """Store one message."""
                taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The value for TWOFOLD_MAIL_URL."""
        return f"webhook+http://127.0.0.1:{self.server.server_port}/mail?secret=walnut-harbour-ember"

    def wait_for(self, address: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for this many mails to an address, and return them."""
        give_up_at = time.monotonic() + WITHIN
        while len(found := [each for each in self.taken if each["to"] == address]) < count:
            assert time.monotonic() < give_up_at, f"{len(found)} mails instead of {count}: {found}"
            time.sleep(0.02)
        return found

    def path_to(self, address: str) -> str:
        """Return the path of the link in the newest mail to an address."""
        url = next(each for each in self.wait_for(address)[-1]["text"].split() if "://" in each)
        return str(urlsplit(url).path)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
