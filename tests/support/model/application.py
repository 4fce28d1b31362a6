"""The real application in this process, on a real database, with a manual clock.

Requests are passed to it as by a server, but without a socket, so that ten thousand sequences take an hour.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from starlette.types import Message

from tests.support.cookies import cookie_name
from tests.support.forms import FIREFOX
from tests.support.model.facts import IN_A_ROW
from twofold import Config, Twofold
from twofold.base.housekeeping import purge
from twofold.base.unit_of_work import UnitOfWork
from twofold.config import HashCost
from twofold.features import FEATURES

T = TypeVar("T")

URL = "http://127.0.0.1:8000"
START = 1_900_000_000 // 30 * 30  # epoch seconds, the beginning of a time step
# Argon2id with the least memory there is, below the minimum of the settings: the cost of a hash is not tested here.
CHEAPEST = HashCost(memory_cost=8, time_cost=1, parallelism=1)
RECOVERY_CODE = re.compile(r"\b(?:[A-Z2-9]{5}-){4}[A-Z2-9]{5}\b")
LED_TO = {"/sign-in": "not_signed_in", "/authenticate": "locked_settings"}


class App:
    """The application, for `with App(folder) as inside:`, with default limits except for wrong codes in a row."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        settings = {
            "TWOFOLD_DATA_DIR": str(folder),
            "TWOFOLD_BASE_URL": URL,
            "TWOFOLD_LIMIT_CODES_IN_A_ROW": str(IN_A_ROW),
        }
        if database_url is not None:
            settings["TWOFOLD_DATABASE_URL"] = database_url
        self.now = START
        self.loop = asyncio.new_event_loop()
        self.app = Twofold(replace(Config.from_env(settings), password_hash=CHEAPEST), clock=lambda: self.now)
        self.devices = self.sequences = self.acts = 0

    def __enter__(self) -> Self:
        self.run(self.app.open())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.run(self.app.close())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run an awaitable to its end."""
        return self.loop.run_until_complete(work)

    def operate(self, action: Callable[[UnitOfWork, str], Awaitable[T]], email: str) -> T:
        """Run an action of the command line on an account."""
        return self.run(self.app.system.write(action, email))

    def keep_house(self) -> None:
        """Purge expired rows, as the service does every ten minutes."""
        self.run(purge(self.app.system.site, FEATURES.expiries(self.app.config)))

    def device(self, *, is_browser: bool) -> "Device":
        """Return a client at a new IP address."""
        self.devices += 1
        address = ".".join(map(str, (10 << 24 | self.devices).to_bytes(4, "big")))
        return Device(self, address, is_browser=is_browser)

    def ghost(self, session: str) -> "Device":
        """Return a client that still uses a previous token."""
        device = self.device(is_browser=False)
        device.session = session
        return device


class Reply:
    """A response; `code` is the problem code, if one is shown."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        self.status = status
        self.headers = {name.decode().lower(): value.decode() for name, value in headers}
        self.cookies = [value.decode() for name, value in headers if name.lower() == b"set-cookie"]
        self.text = content.decode()
        kind = self.headers.get("content-type", "")
        self.body: Any = json.loads(self.text) if "json" in kind else {}
        self.location, led_back, _ = self.headers.get("location", "").partition("?")
        self.code: str | None = self.body.get("code") if "problem" in kind else None
        if led_back:
            self.code = LED_TO.get(self.location)

    @property
    def recovery_code(self) -> str | None:
        """The recovery code in the body or on the page."""
        found = RECOVERY_CODE.search(self.text)
        return found[0] if found else None

    def __repr__(self) -> str:
        return f"{self.status} {self.location} {self.text[:500]}"


class Device:
    """A browser that submits forms and stores cookies, or a program that sends JSON and stores tokens."""

    def __init__(self, inside: App, address: str, *, is_browser: bool) -> None:
        self.inside = inside
        self.address = address
        self.is_browser = is_browser
        self.cookies: dict[str, str] = {}
        self.session: str | None = None
        self.sign_in: str | None = None
        self.computers: dict[str, str] = {}
        self.buried: list[str] = []  # sessions whose token was replaced or given back

    # ------------------------------------------------------------------ sending

    def api(self, method: str, path: str, body: object = None) -> Reply:
        """Make a call of the JSON API; browsers send their cookies with it."""
        sent = [] if body is None else [(b"content-type", b"application/json")]
        return self._send(method, f"/api/v1{path}", sent, b"" if body is None else json.dumps(body).encode())

    def form(self, path: str, **fields: str) -> Reply:
        """Submit a form as from our own pages."""
        kind = (b"content-type", b"application/x-www-form-urlencoded")
        return self._send("POST", path, [kind], urlencode(fields).encode())

    def page(self, path: str) -> Reply:
        """Open a page."""
        return self._send("GET", path, [], b"")

    def _send(self, method: str, path: str, more: list[tuple[bytes, bytes]], content: bytes) -> Reply:
        headers = [(b"host", b"127.0.0.1:8000"), (b"origin", URL.encode()), *more]
        if self.is_browser:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers += [(b"user-agent", FIREFOX.encode()), *([(b"cookie", cookies.encode())] if cookies else [])]
        elif self.session:
            headers.append((b"authorization", f"Bearer {self.session}".encode()))
        reply = self.inside.run(ask(self.inside.app, self.address, method, path, headers, content))
        self._keep_cookies(reply)
        return reply

    def _keep_cookies(self, reply: Reply) -> None:
        before = self.cookies.get(cookie_name(URL))
        for line in reply.cookies:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        if before and before != self.cookies.get(cookie_name(URL)):
            self.buried.append(before)

    # ------------------------------------------------------------------ the door

    def sign_up(self, email: str, password: str) -> Reply:
        """Make an account."""
        if self.is_browser:
            return self.form("/sign-up", email=email, password=password)
        return self.api("POST", "/accounts", {"email": email, "password": password})

    def give_password(self, email: str, password: str) -> Reply:
        """Start a sign-in, with the token of the trusted computer if there is one."""
        if self.is_browser:
            return self.form("/sign-in", email=email, password=password)
        shown = {"trusted_computer": self.computers[email]} if email in self.computers else {}
        reply = self.api("POST", "/sign-in", {"email": email, "password": password, **shown})
        if reply.status == 200:
            self.sign_in = reply.body.get("sign_in")
        return self._keep(reply, email)

    def give_code(self, email: str, code: str, *, trust: bool) -> Reply:
        """Continue a sign-in with a code."""
        if self.is_browser:
            return self.form("/sign-in/code", code=code, **({"trust_this_computer": "yes"} if trust else {}))
        body = {"sign_in": self.sign_in or "", "code": code, "trust_this_computer": trust}
        return self._keep(self.api("POST", "/sign-in/code", body), email)

    def give_recovery_code(self, text: str) -> Reply:
        """Continue a sign-in with the recovery code."""
        if self.is_browser:
            return self.form("/sign-in/recovery-code", recovery_code=text)
        body = {"sign_in": self.sign_in or "", "recovery_code": text}
        return self._keep(self.api("POST", "/sign-in/recovery-code", body), "")

    def unlock(self, password: str, code: str | None, recovery_code: str | None) -> Reply:
        """Unlock with every required proof."""
        given = {"password": password, "code": code, "recovery_code": recovery_code}
        kept = {name: value for name, value in given.items() if value is not None}
        if self.is_browser:
            return self.form("/authenticate", **kept)
        return self._keep(self.api("POST", "/session/unlock", kept), "")

    def sign_out(self) -> Reply:
        """Leave."""
        if self.is_browser:
            return self.form("/sign-out")
        if self.session:
            self.buried.append(self.session)
        return self.api("DELETE", "/session")

    def _keep(self, reply: Reply, email: str) -> Reply:
        if session := reply.body.get("session"):
            if "unlocked_until" in reply.body and self.session:
                self.buried.append(self.session)
            self.session = session["token"]
        if computer := reply.body.get("trusted_computer"):
            self.computers[email] = computer["token"]
        return reply


async def ask(
    app: Twofold, address: str, method: str, path: str, headers: list[tuple[bytes, bytes]], content: bytes
) -> Reply:
    """Send one request from an address directly to the application."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": (address, 40_000),
        "server": ("127.0.0.1", 8000),
    }
    answered: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        answered.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in answered[1:])
    return Reply(answered[0]["status"], answered[0]["headers"], body)
