"""A small application behind the gate: pages, a form, a frame, and three single-page applications.

The service workers behave as those of Angular, Create React App, and a Workbox that answers every navigation from its
cache. Their pages use the script that docs/gate.md shows.
"""

import html
import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

DOCUMENTS = Path(__file__).parents[2] / "docs"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,"></head><body><main><h1>{title}</h1>{content}</main></body></html>"""
FORM = (
    '<form method="post" action="/save"><textarea name="text" aria-label="Text"></textarea><button>Save</button></form>'
)
SHELL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shell</title>
<link rel="icon" href="data:,"><script type="module" src="/app.js"></script></head>
<body><main><h1>Loading</h1><p id="worker"></p></main></body></html>"""
APPLICATION = """
const heading = document.querySelector("h1");
const response = await fetch("/data.json");
if (response.ok) {
  heading.textContent = `Hello ${(await response.json()).user}`;
  await navigator.serviceWorker.register("/worker.js");
  await navigator.serviceWorker.ready;
  document.getElementById("worker").textContent = "Works offline";
} else {
  heading.textContent = "No data";
  await signInAgain(response);
}
"""
WORKER = """
const SHELL = "shell-1";
self.addEventListener("install", (event) => event.waitUntil(
  caches.open(SHELL).then((cache) => cache.addAll(["/index.html", "/app.js"])).then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname === "/app.js") return event.respondWith(caches.match("/app.js"));
  if (request.mode === "navigate" && answers(url)) event.respondWith(caches.match("/index.html"));
});
"""
NAVIGATIONS: Mapping[str, str] = {  # which navigations the worker of each framework answers from its cache
    # `navigationUrls` of @angular/service-worker: /**, !/**/*.*, !/**/*__*, !/**/*__*/**
    "angular": r"""const answers = (url) => !/\/[^/]*\.[^/]*$/.test(url.pathname) && !/__/.test(url.pathname);""",
    # src/service-worker.js of cra-template-pwa
    "react": r"""const answers = (url) => !url.pathname.startsWith("/_") && !/\/[^/?]+\.[^/]+$/.test(url.pathname);""",
    # new NavigationRoute(createHandlerBoundToURL("/index.html"))
    "workbox": "const answers = () => true;",
    # the same in an application that knows nothing of the gate
    "unaware": "const answers = () => true;",
    # the worker of docs/doors/single-page-applications.md, which answers everything else
    "guarded": "",
    # leaves pages to the network; its data requires a second factor, unlike its pages
    "strict": "const answers = () => false;",
    # asks the network for each page, with the request of the browser or with one of its own
    "relaying": """const answers = () => false;
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate") event.respondWith(fetch(event.request));
});""",
    "asking": """const answers = () => false;
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate") event.respondWith(fetch(event.request.url));
});""",
    # not a framework: stores every answer to a navigation, and never asks again
    "hoarder": """const answers = () => false;
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" && event.request.method === "GET") event.respondWith(hoard(event.request));
});
const hoard = async (request) => {
  const cache = await caches.open("all");
  const known = await cache.match(request.url);
  if (known) return known;
  const response = await fetch(request);
  await cache.put(request.url, response.clone()).catch(() => {});
  return response;
};""",
}

SCRIPTS: Mapping[str, str] = {  # instead of the one in docs/gate.md
    "unaware": "const signInAgain = () => {};",
    # without the lines that remove a worker which answers for Twofold
    "guarded": """const signInAgain = (response) => location.assign(
  response.headers.get("Twofold-Sign-In") + "?to=" + encodeURIComponent(location.pathname + location.search));""",
}


class Visit(NamedTuple):
    """A request as the application saw it."""

    method: str
    host: str
    target: str
    user: str
    fields: Mapping[str, str]


class SmallApplication:
    """The application on a free loopback port, for `with SmallApplication() as application:`."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"visits": self.visits}))
        self.port: int = self.server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as declared there
        """Ignore connections that the proxy closes."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    visits: list[Visit]

    def do_GET(self) -> None:
        """Answer with a page, or with a part of a single-page application."""
        self._note({})
        kind = self.headers["Host"].partition(".")[0]
        path = urlsplit(self.path).path
        if path == "/data.json":
            self._send("application/json", json.dumps({"user": self.headers.get("Remote-User", "")}))
        elif kind in NAVIGATIONS and path == "/worker.js":
            self._send("text/javascript", (guarded_worker() if kind == "guarded" else NAVIGATIONS[kind]) + WORKER)
        elif kind in NAVIGATIONS and path == "/app.js":
            self._send("text/javascript", SCRIPTS.get(kind, sign_in_script()) + APPLICATION)
        elif kind in NAVIGATIONS:
            self._send("text/html; charset=utf-8", SHELL)
        else:
            self._send("text/html; charset=utf-8", self._page(path))

    def do_POST(self) -> None:
        """Answer with what was sent."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        fields = dict(parse_qsl(body, keep_blank_values=True))
        self._note(fields)
        content = f"<p>{html.escape(fields.get('text', ''))}</p>"
        self._send("text/html; charset=utf-8", PAGE.format(title="Saved", content=content))

    def _page(self, path: str) -> str:
        if path == "/form":
            return PAGE.format(title="Write", content=FORM)
        if path == "/portal":
            source = parse_qs(urlsplit(self.path).query)["frame"][0]
            frame = f'<iframe src="{html.escape(source)}" title="Part" width="600" height="400"></iframe>'
            return PAGE.format(title="Portal", content=frame)
        user = html.escape(self.headers.get("Remote-User", ""))
        content = f"<p>{html.escape(self.path)}</p><p><a href='/.twofold/sign-out.html'>Sign out</a></p>"
        return PAGE.format(title=f"Hello {user}", content=content)

    def _note(self, fields: Mapping[str, str]) -> None:
        target = self.requestline.split(" ")[1]  # `path` has lost a slash if there were two
        self.visits.append(
            Visit(self.command, self.headers["Host"], target, self.headers.get("Remote-User", ""), fields)
        )

    def _send(self, media_type: str, content: str) -> None:
        body = content.encode()
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as declared there
        """Write no log."""


def sign_in_script() -> str:
    """Return the script of docs/gate.md."""
    return script_of("gate.md")


def guarded_worker() -> str:
    """Return the worker of docs/doors/single-page-applications.md, which answers all other navigations."""
    worker = script_of("doors/single-page-applications.md", indented="  ")
    comment = "// …how the application handles all other requests"
    assert comment in worker
    handling = 'if (event.request.mode === "navigate") event.respondWith(caches.match("/index.html"));'
    return f"const answers = () => false;{worker.replace(comment, handling)}"


def script_of(document: str, *, indented: str = "") -> str:
    """Return the first script of a document below docs, or the first that is indented like this."""
    text = (DOCUMENTS / document).read_text("utf-8")
    found = re.search(rf"^{indented}```js\n(.*?)^{indented}```$", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]
