"""L04: no field, header or path that an anonymous client sends blocks the event loop.

Measured inside the process, for each callback that the loop runs, as processor time of the loop's thread. A busy
machine stretches wall time, but adds hardly anything to this; what holds the interpreter's lock is in it.
"""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, target
from hypothesis import strategies as st

from tests.support.authenticator import oathtool
from tests.support.clients import PASSWORD
from tests.support.cookies import cookie_name
from tests.support.in_process import LocalApp, in_process
from tests.support.routes import ROUTES, SAFE, fields_of, path_of
from twofold.accounts.rules import check_new_password, former_email, normal_email
from twofold.admin import actions as admin
from twofold.base.ids import new_id
from twofold.base.languages import Languages
from twofold.base.problems import Problem
from twofold.base.visitor import Access
from twofold.base.web.returns import safe_return
from twofold.base.web.routes import Call, Page
from twofold.factors.phone.numbers import normal_number
from twofold.factors.recovery.rules import check_form
from twofold.factors.rules import normal_code, normal_name

MOST = 0.05  # seconds
TRIES = 3  # the quickest counts, since the first may load a table
LENGTH = 1024  # characters that a field may have
ROOMY = {"limit_codes": "1000000/5m", "limit_codes_in_a_row": "1000000", "limit_passwords": "1000000 1s..1s"}
SUBSTITUTES = "4@8({[<3691!|1|70$5+%2"  # leetspeak: the former estimate tried every combination of substitutions
ALPHABETS = [
    *[SUBSTITUTES, "ab", "a", "0", "qwertyuiop", "password", "10.10.", "-", " ", "@", ".", "a.", "=?", "%", "\\", '"'],
    *["\u0301", "a\u0301", "\u0327\u0301", "\ufdfa", "\uff41", "\u00df", "\u0130", "\ufb03", "\u1100\u1161\u11a8"],
    *[
        "\u4e00\u9fa5\u8a71",
        "\u0645",
        "\u200b",
        "\u200d",
        "\u202e",
        "\ufe0f",
        "\u0661",
        "\u3164",
        "\u30fc",
        "\U0001d7ce",
    ],
    *["\U0001f9d1\u200d", "\u0915\u094d", "\u00ad", "xn--", "\u03a3", "\u1e9b\u0323"],
]
STRANGERS = [route for route in ROUTES if route.need is Access.PUBLIC]


def texts(name: str) -> Iterator[str]:
    """Return hand-made costly texts for a field. A password of more than 256 characters is refused unread."""
    for alphabet in ALPHABETS:
        text = (alphabet * LENGTH)[: 128 if "password" in name else LENGTH]
        yield from (text, f"{text[:400]}@b", f"a@{text[:250]}") if "email" in name else (text,)


class Loop:
    """Measure the callbacks of the event loop."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.longest = 0.0
        real: Callable[[asyncio.Handle], None] = asyncio.Handle._run

        def measured(handle: asyncio.Handle) -> None:
            begun = time.thread_time()
            try:
                real(handle)
            finally:
                self.longest = max(self.longest, time.thread_time() - begun)

        patch.setattr(asyncio.Handle, "_run", measured)

    async def held_by(
        self, browser: LocalApp, method: str, path: str, body: bytes, *headers: tuple[str, bytes]
    ) -> float:
        """Return the time of the longest callback of one request, as the minimum over several runs."""
        found = []
        for _ in range(TRIES):
            await asyncio.sleep(0)  # end the callback that contains the test's own work
            self.longest = 0.0
            await ask(browser, method, path, body, *headers)
            await asyncio.sleep(0)
            found.append(self.longest)
            if found[-1] <= MOST:
                break
        return min(found)


async def ask(browser: LocalApp, method: str, path: str, body: bytes, *headers: tuple[str, bytes]) -> tuple[int, bytes]:
    """Send a request directly to the application, with headers that a client library would refuse."""
    path, _, query = path.partition("?")
    kind = b"application/json" if path.startswith("/api/") else b"application/x-www-form-urlencoded"
    given = [("host", b"127.0.0.1"), ("origin", browser.url.encode()), ("content-type", kind), *headers]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value) for name, value in given],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 8000),
    }
    answer: list[Any] = [0, b""]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has it
        answer[0] = message.get("status", answer[0])
        answer[1] += message.get("body", b"")

    await browser.twofold(scope, receive, send)
    return answer[0], answer[1]


class Stranger:
    """A client that knows only the links mailed to it, and the password of one account."""

    def __init__(self, browser: LocalApp, loop: Loop) -> None:
        self.browser = browser
        self.loop = loop

    async def holds(self, method: str, path: str, body: bytes, *headers: tuple[str, bytes]) -> float:
        """Return how long the longest callback of one request blocks the loop, as the minimum over several runs."""
        return await self.loop.held_by(self.browser, method, path, body, *headers)

    async def call(self, method: str, path: str, body: dict[str, Any], token: str = "") -> Any:  # noqa: ANN401 - JSON
        """Call the API."""
        headers = [("authorization", f"Bearer {token}".encode())] if token else []
        status, answer = await ask(self.browser, method, f"/api/v1{path}", json.dumps(body).encode(), *headers)
        assert status < 300, answer
        return json.loads(answer)

    async def prepare(self) -> None:
        """Create an account that asks for a code."""
        credentials = {"email": "alice@example.org", "password": PASSWORD}
        await self.call("POST", "/accounts", credentials)
        token = (await self.call("POST", "/sign-in", credentials))["session"]["token"]
        factor = await self.call("POST", "/factors", {"kind": "totp"}, token)
        code = oathtool(factor["secret"], self.browser.clock.now)
        await self.call("POST", f"/factors/{factor['id']}/verify", {"code": code}, token)

    async def token_for(self, route: Call | Page) -> str:
        """Create the token that a route needs: of a link, or of a sign-in under way."""
        acts = self.browser.twofold.system
        if route.path.startswith("/setup"):
            link = await self.browser.twofold.first_administrator_link()
            return str(link).rpartition("/")[2]
        if route.path.startswith("/invitation"):
            return await acts.write(admin.invite, f"guest-{new_id()}@example.org")
        if "password" in route.path:
            return await acts.write(admin.create_password_reset_link, "alice@example.org")
        if not {"sign_in", "code"} & good_body(route, "").keys():
            return "x"
        credentials = {"email": "alice@example.org", "password": PASSWORD}
        return str((await self.call("POST", "/sign-in", credentials)).get("sign_in", "x"))


FORMS = {  # the fields that the pages below a path read
    "sign-in": ("code", "recovery_code"),
    "sign-up": ("email", "password"),
    "setup": ("email", "password"),
    "invitation": ("password",),
    "forgot-password": ("email",),
    "reset-password": ("new_password",),
}
EVERY = ("email", "password", "new_password", "code", "recovery_code", "return_to")


def good_body(route: Call | Page, token: str) -> dict[str, Any]:
    """Return a body whose every field is valid."""
    values = {"recovery_code": "x", "return_to": "/", "factor_id": "x", "trusted_computer": "x", "code": "123456"}
    values |= {"email": "bob@example.org", "password": PASSWORD, "new_password": PASSWORD}
    values |= {"token": token, "sign_in": token}
    below = (
        FORMS.get(route.path.split("/")[1], EVERY) if route.path != "/sign-in" else ("email", "password", "return_to")
    )
    names = fields_of(route) if isinstance(route, Call) else below
    return {name: values[name] for name in names if name in values}


@pytest.fixture(scope="module")
async def stranger(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stranger]:
    """Yield an application in this process whose loop is measured, with the garbage collector off."""
    folder = tmp_path_factory.mktemp("loop")
    async with in_process(folder, trusted_proxies="127.0.0.0/8", **ROOMY) as browser:
        with pytest.MonkeyPatch.context() as patch:
            stranger = Stranger(browser, Loop(patch))
            await stranger.prepare()
            gc.disable()
            yield stranger
            gc.enable()


CHANGING = [route for route in STRANGERS if route.method not in SAFE]
READING = [*(route.path for route in STRANGERS if route.method in SAFE), "/healthz", "/readyz", "/nowhere", "/api/x"]
DOCUMENTS = ["/api/v1/docs", "/api/v1/openapi.json"]


@pytest.mark.anyio
@pytest.mark.parametrize("route", CHANGING, ids=lambda route: f"{route.method} {route.path}")
async def test_no_field_blocks_the_event_loop(stranger: Stranger, route: Call | Page) -> None:
    """This covers every field of a body or form, with the costliest texts of many alphabets."""
    held = {}
    for name in good_body(route, "x"):
        token = ""
        for number, text in enumerate(texts(name)):
            if number % 4 == 0 and name not in ("email", "return_to"):  # a sign-in and a link allow five attempts
                token = await stranger.token_for(route)
            fields = good_body(route, token) | {name: text}
            body = json.dumps(fields) if isinstance(route, Call) else urlencode(fields)
            cookie = f"{cookie_name(stranger.browser.url, 'sign_in')}={token}"
            path = path_of(route, token)
            seconds = await stranger.holds(route.method, path, body.encode(), ("cookie", cookie.encode()))
            if seconds > MOST:
                held[f"{name}: {text[:12]!r}, {len(text)} characters"] = seconds
    assert held == {}


BODIES = {
    "deep": b"[" * 65_000,
    "deep objects": b'{"email":' * 7_000,
    "unknown": b'{"' + b"x" * 65_000 + b'":1}',
    "many unknown": b"{" + b",".join(b'"%d":0' % number for number in range(7_000)) + b"}",
    "escapes": b'{"email":"' + b"\\u0041" * 10_000 + b'"}',
    "surrogates": b'{"email":"' + b"\\ud800" * 10_000 + b'"}',
    "number": b'{"email":' + b"1" * 65_000 + b"}",
    "bytes": b"\xff" * 65_000,
    "marks": b"\xef\xbb\xbf" * 21_000,
    "percent": b"email=" + b"%ff" * 21_000,
    "fields": b"&".join(b"a%d=1" % number for number in range(7_000)),
    "ampersands": b"&" * 65_000,
    "backquotes": b'{"' + b"` - at `$." * 6_500 + b'":1}',
}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", BODIES)
async def test_no_body_blocks_the_event_loop(stranger: Stranger, kind: str) -> None:
    """No body of the maximum size does, however hard it is to parse."""
    for route in CHANGING:
        assert await stranger.holds(route.method, path_of(route, "x"), BODIES[kind]) <= MOST, route.path


def lists(first: str, count: int) -> bytes:
    """Return a header with many different values."""
    return ", ".join(first.format(number // 250 % 250, number % 250) for number in range(count)).encode()


HEADERS = {
    "accept-language": [lists("x{}-y{}-z;q=0.5", 20_000), b"-" * 300_000, b"a," * 150_000],
    "authorization": [b"Bearer " + b"x" * 300_000, b" " * 300_000],
    "cookie": [b"; ".join(b"c%d=v" % number for number in range(30_000)), b";" * 300_000, b"=" * 300_000],
    "forwarded": [lists("for=10.0.{}.{}", 15_000)],
    "if-none-match": [lists('"{}{}"', 30_000)],
    "user-agent": [b"Mozilla " * 40_000],
    "x-forwarded-for": [lists("127.0.{}.{}", 20_000), lists("10.0.{}.{}:80", 15_000), b"," * 300_000, b"::%1" * 75_000],
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", HEADERS)
async def test_no_header_blocks_the_event_loop(stranger: Stranger, name: str) -> None:
    """No header of the maximum size does."""
    for value in HEADERS[name]:
        for path in (*READING, *DOCUMENTS):
            held = await stranger.holds("GET", path.replace("{token}", "x"), b"", (name, value))
            assert held <= MOST, (path, value[:20])


QUERIES = ["&" * 60_000, "a=1&" * 15_000, "return_to=" + "/a" * 30_000, "return_to=" + "%2F" * 20_000, "=" * 60_000]


@pytest.mark.anyio
@pytest.mark.parametrize("path", READING)
async def test_no_path_or_query_blocks_the_event_loop(stranger: Stranger, path: str) -> None:
    """No path or query of the maximum length does."""
    for query in (*QUERIES, "".join(f"a{number}=1&" for number in range(8_000))):
        assert await stranger.holds("GET", f"{path.replace('{token}', 'x')}?{query}", b"") <= MOST, query[:20]
    for part in ("x" * 60_000, "/" * 60_000, "é" * 30_000, ".." * 30_000):
        assert await stranger.holds("GET", f"{path.replace('{token}', 'x')}/{part}", b"") <= MOST, part[:20]


# ------------------------------------------------------------------ by search


def password_is_checked(text: str) -> None:
    """Check a new password for an account with the longest possible address."""
    public = f"{'a.' * 31}b@{'ab.' * 83}org"
    check_new_password(text, field="password", least=8, email=public, site_name="My Site")


READERS: dict[str, Callable[[str], object]] = {
    "password": password_is_checked,
    "email": normal_email,
    "domain": lambda text: normal_email(f"a@{text}"),
    "former email": former_email,
    "code": normal_code,
    "recovery code": check_form,
    "name": normal_name,
    "phone": lambda text: normal_number(text, countries=("*",)),
    "return address": safe_return,
    "language": Languages().preferred,
}
HOSTILE = st.builds(
    lambda parts, length: "".join(part * times for part, times in parts)[:length],
    st.lists(st.tuples(st.sampled_from(ALPHABETS) | st.text(max_size=3), st.integers(1, 400)), min_size=1, max_size=6),
    st.integers(1, LENGTH),
)


@pytest.mark.parametrize("reader", READERS)
@given(text=HOSTILE)
def test_search_finds_no_costly_text(reader: str, text: str) -> None:
    """Hypothesis searches for the text that costs the most."""
    held = min(seconds_of(READERS[reader], text) for _ in range(TRIES))
    target(held)
    assert held <= MOST


def seconds_of(read: Callable[[str], object], text: str) -> float:
    """Return the processor time of one check."""
    begun = time.thread_time()
    with suppress(Problem):
        read(text)
    return time.thread_time() - begun
