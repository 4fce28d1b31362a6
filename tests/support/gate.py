"""The gate in this process, asked as proxies ask it, and browsers that open applications through it."""

import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlencode, urlsplit

import httpx2

from tests.support.authenticator import STEP, Authenticator
from tests.support.clients import PASSWORD
from tests.support.cookies import cookie_name
from tests.support.forms import FIREFOX, PageAnswer
from tests.support.in_process import LocalApp, in_process

AUTH, APP, FILES = "https://auth.example.org", "https://app.example.org", "https://files.example.net"
PROXY, CLIENT = "127.0.0.1", "203.0.113.7"
DIALECTS = ("nginx", "forward", "envoy")
HOSTS = "files.example.net *.apps.example.org wide.example.org:8443"
RULES = """
[[rules]]
host = "app.example.org"
path = "/admin"
require = "two_factor"

[[rules]]
host = "app.example.org"
path = "/vault"
fresh = "5m"

[[rules]]
host = "app.example.org"
path = "/keys"
require = "phishing_resistant"

[[rules]]
host = "app.example.org"
path = "/closed"
require = "deny"

[[rules]]
host = "app.example.org"
path = "/public"
require = "open"

[[rules]]
host = "app.example.org"
path = "/staff"
groups = ["staff"]

[[rules]]
host = "app.example.org"
path = "/mail"
user = "email"

[[rules]]
host = "app.example.org"
path = "/office"
networks = ["203.0.113.0/24"]
methods = ["GET"]
require = "two_factor"

[[rules]]
host = "app.example.org"
path = "/id"
user = "id"
headers = {user = "X-WebAuth-User", name = "X-WebAuth-Name"}

[[rules]]
host = "app.example.org"
"""
Headers = Iterable[tuple[str, str]]
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


@dataclass
class Checked:
    """An answer of the check."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for each, value in self.headers if each == name]

    def one(self, name: str) -> str:
        """Return the only value of a header, or an empty text."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else ""

    @property
    def location(self) -> str:
        """The address to which the browser is sent."""
        return self.one("location")

    @property
    def set_cookie(self) -> tuple[str, str]:
        """Name and value of the cookie that is set; both are empty without one."""
        name, _, value = self.one("set-cookie").partition(";")[0].partition("=")
        return name, value

    @property
    def user(self) -> str:
        """The user that the application sees."""
        return self.one("remote-user")

    def expect(self, *statuses: int) -> Self:
        """Return the answer itself. Raise AssertionError if it has none of these statuses."""
        assert self.status in statuses, f"expected {statuses}, got {self}"
        return self

    def bounced(self) -> Self:
        """Return the answer itself. Raise AssertionError unless it leads to the sign-in."""
        assert self.status in {302, 401}, str(self)
        assert self.location.startswith(f"{AUTH}/gate/begin?s="), str(self)
        return self


@dataclass
class Member:
    """A person with an account, the token of a session, and perhaps an authenticator."""

    email: str
    account_id: str = ""
    username: str = ""
    token: str = ""
    authenticator: Authenticator | None = None


def question(dialect: str, url: str, method: str = "GET") -> tuple[str, str, list[tuple[str, str]]]:
    """Return method, path and headers with which a proxy asks about a request."""
    scheme, _, rest = url.partition("://")
    cut = min((rest.find(mark) for mark in "/?" if mark in rest), default=len(rest))
    host, target = rest[:cut], rest[cut:] or "/"
    if dialect == "nginx":
        return "GET", "/gate/nginx", [("X-Original-URL", url), ("X-Original-Method", method)]
    told = [("X-Forwarded-Host", host), ("X-Forwarded-Proto", scheme)]
    if dialect == "forward":
        return "GET", "/gate/forward", [*told, ("X-Forwarded-Uri", target), ("X-Forwarded-Method", method)]
    return method, f"/gate/envoy{target}", told


class Gate:
    """An instance with a gate, and what its tests need of it."""

    def __init__(self, local: LocalApp) -> None:
        self.local, self.clock, self.twofold = local, local.clock, local.twofold
        self.site = local.twofold.system.site

    async def ask(
        self, dialect: str, url: str, *, method: str = "GET", headers: Mapping[str, str] | Headers = (), **more: str
    ) -> Checked:
        """Ask about a request as a proxy does."""
        asked, path, told = question(dialect, url, method)
        sent = headers.items() if isinstance(headers, Mapping) else headers
        return await self.send(asked, path, [*told, ("X-Forwarded-For", CLIENT), *sent], **more)

    async def send(self, method: str, path: str, headers: Headers, *, peer: str = PROXY) -> Checked:
        """Send one request to the instance, byte for byte."""
        target, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": target,
            "raw_path": target.encode("latin-1"),
            "root_path": "",
            "query_string": query.encode("latin-1"),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": (peer, 40_000),
            "server": ("127.0.0.1", 8000),
        }
        answered = Checked(0, [])

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def keep(message: Mapping[str, object]) -> None:
            if message["type"] == "http.response.start":
                pairs: Iterable[tuple[bytes, bytes]] = message["headers"]  # type: ignore[assignment]  # ASGI's
                answered.status = int(str(message["status"]))
                answered.headers = [(name.decode(), value.decode("latin-1")) for name, value in pairs]
            else:
                answered.body += bytes(message.get("body", b""))  # type: ignore[call-overload]  # ASGI's

        await self.twofold(scope, receive, keep)
        return answered

    async def api(self, method: str, path: str, body: object = None, token: str = "") -> httpx2.Response:
        """Make a call of the API."""
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.twofold), base_url=AUTH) as http:
            head = {"X-Forwarded-For": CLIENT, **({"Authorization": f"Bearer {token}"} if token else {})}
            return await http.request(method, f"/api/v1{path}", json=body, headers=head)

    async def member(self, *, groups: str = "", with_totp: bool = False) -> Member:
        """Return a new person who is signed in."""
        person = Member(f"person-{uuid.uuid4().hex[:12]}@example.com")
        made = await self.api("POST", "/accounts", {"email": person.email, "password": PASSWORD})
        assert made.status_code == 201, made.text
        await self.sign_in(person)
        shown = (await self.api("GET", "/session", token=person.token)).json()["account"]
        person.account_id, person.username = shown["id"], shown["username"]
        if groups:
            await self.run("UPDATE account SET group_names = :groups WHERE id = :id", groups=groups, id=shown["id"])
        if with_totp:
            await self.add_totp(person)
        return person

    async def sign_in(self, person: Member) -> str:
        """Sign in by the API with what is required, and return the token of the session."""
        answer = (await self.api("POST", "/sign-in", {"email": person.email, "password": PASSWORD})).json()
        if answer["status"] == "code_required":
            given = {"sign_in": answer["sign_in"], "code": self.code(person)}
            answer = (await self.api("POST", "/sign-in/code", given)).json()
        person.token = answer["session"]["token"]
        return person.token

    async def add_totp(self, person: Member) -> str:
        """Add an authenticator, and return the id of the factor."""
        begun = (await self.api("POST", "/factors", {"kind": "totp"}, person.token)).json()
        person.authenticator = Authenticator(begun["secret"], self.clock)
        code = {"code": self.code(person)}
        verified = await self.api("POST", f"/factors/{begun['id']}/verify", code, person.token)
        assert verified.status_code == 200, verified.text
        return str(begun["id"])

    def code(self, person: Member) -> str:
        """Return an unused code, advancing the clock if there is none yet."""
        assert person.authenticator is not None, "this person has no authenticator"
        while person.authenticator.last_step > self.clock.now // STEP:
            self.clock.now += STEP
        return person.authenticator.code()

    async def run(self, sql: str, **values: str | int | bytes | None) -> list[dict[str, object]]:
        """Run one statement, and return its rows."""
        return await self.site.db.write(lambda tx: _rows(tx.all(sql, **values)))

    def browser(self, dialect: str = "forward", person: Member | None = None) -> "Browser":
        """Return a new browser, with a person's session if there is one."""
        return Browser(self, dialect, person.token if person else None)


async def _rows(rows) -> list[dict[str, object]]:  # type: ignore[no-untyped-def]  # of the database  # noqa: ANN001
    return [dict(row) for row in await rows]


@dataclass
class Browser:
    """A browser that keeps the cookies of each host, and opens applications through the check."""

    gate: Gate
    dialect: str
    token: str | None = None
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)  # by origin
    trail: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        transport = httpx2.ASGITransport(self.gate.twofold)
        head = {"User-Agent": FIREFOX, "X-Forwarded-For": CLIENT}
        self.http = httpx2.AsyncClient(transport=transport, base_url=AUTH, headers=head)
        if self.token:
            self.http.cookies.set(cookie_name(AUTH), self.token, domain="auth.example.org")

    def cookie_line(self, url: str) -> str:
        """Return the Cookie header for an address of an application."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.get(origin_of(url), {}).items())

    async def open(
        self, url: str, *, method: str = "GET", headers: Mapping[str, str] = NAVIGATION, dialect: str = ""
    ) -> Checked:
        """Open an address of an application: ask the check, and keep its cookie."""
        line = self.cookie_line(url)
        sent = {**headers, **({"Cookie": line} if line else {})}
        answer = await self.gate.ask(dialect or self.dialect, url, method=method, headers=sent)
        name, value = answer.set_cookie
        if name:
            self.cookies.setdefault(origin_of(url), {})[name] = value
        return answer

    async def page(self, url: str) -> PageAnswer:
        """Open one of our own pages."""
        return PageAnswer(await self.http.get(url))

    async def post(self, path: str, fields: Mapping[str, str]) -> PageAnswer:
        """Send a form as from our own pages."""
        sent = {"Origin": AUTH, "Content-Type": "application/x-www-form-urlencoded"}
        return PageAnswer(await self.http.post(path, content=urlencode(fields), headers=sent))

    async def submit(self, shown: PageAnswer, action: str, **fields: str) -> PageAnswer:
        """Fill in and submit a form."""
        form = shown.form(action, *fields)
        return await self.post(action, {**form.fields, **fields})

    async def follow(self, url: str, most: int = 12) -> Checked | PageAnswer:
        """Follow redirects from an address, and return the first answer that is none."""
        self.trail = []
        for _ in range(most):
            self.trail.append(url)
            answer = await (self.page(url) if url.startswith(AUTH) else self.open(url))
            if not answer.location:
                return answer
            url = httpx2.URL(url).join(answer.location).__str__() if answer.location[0] == "/" else answer.location
        raise AssertionError(f"more than {most} redirects: {self.trail}")

    async def arrive(self, url: str) -> Checked:
        """Follow redirects until the application answers."""
        answer = await self.follow(url)
        assert isinstance(answer, Checked), f"ended at {self.trail[-1]}: {answer}"
        return answer

    async def ticket(self, url: str) -> str:
        """Return the address at which a ticket to an address of an application is spent."""
        begun = await self.page((await self.open(url)).bounced().location)
        assert begun.location.startswith(f"{origin_of(url)}/.twofold/arrive.html?t="), str(begun)
        return begun.location

    def gate_cookie(self, url: str = APP) -> tuple[str, str]:
        """Return name and value of the gate cookie at an origin."""
        kept = self.cookies.get(origin_of(url), {})
        return next(((name, value) for name, value in kept.items() if "twofold_gate_" in name), ("", ""))


def origin_of(url: str) -> str:
    """Return the origin of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@asynccontextmanager
async def open_gate(folder: Path, **settings: str) -> AsyncIterator[Gate]:
    """Open an instance at a public address behind a trusted proxy, with the rules above unless others are set."""
    given = {
        "base_url": AUTH,
        "trusted_proxies": "127.0.0.1/32 127.0.1.0/24",
        "gate_hosts": HOSTS,
        "gate_rules": RULES,
        **settings,
    }
    async with in_process(folder, **{name: value for name, value in given.items() if value}) as local:
        yield Gate(local)
