"""Every answer has all security headers, except the HTTP library's own empty refusals of unparsable requests."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.test_raw_bytes import BROKEN, MIB
from tests.support.guarded import LIBRARY_STATUSES, check_connection
from tests.support.raw_bytes import exchange, get, read_all
from tests.support.service import Service
from tests.support.sync import connect, raw_request

BUILD = Path(__file__).parents[1] / "support" / "failing_build.py"
BASE_URL = "https://id.example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": BASE_URL}
HOST = b"Host: x\r\n"
UNUSUAL = {
    "more headers than the library reads": b"GET / HTTP/1.1\r\n" + b"X-A: a\r\n" * 200 + b"\r\n",
    "a header of a megabyte": b"GET / HTTP/1.1\r\nX-A: " + b"a" * MIB + b"\r\n\r\n",
    "an address of a megabyte": b"GET /" + b"a" * MIB + b" HTTP/1.1\r\n\r\n",
    "an address of 70,000 characters": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    "an address that is none": b"GET http://[::1 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method of 20,000 characters": b"A" * 20_000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a WebSocket": b"GET /settings HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "an upgrade to HTTP/2": b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    "CONNECT": b"CONNECT a.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "no Host": b"GET /sign-in HTTP/1.1\r\n\r\n",
    "a Host that is none": b"GET /sign-in HTTP/1.1\r\nHost: a b/c\r\n\r\n",
    "bytes above ASCII": "GET /é HTTP/1.1\r\nHost: x\r\nX-A: é\r\n\r\n".encode(),
    "an expectation": b"POST /sign-in HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    "an unknown expectation": b"POST /sign-in HTTP/1.1\r\n" + HOST + b"Expect: tea\r\nContent-Length: 1\r\n\r\nx",
    "a broken request after a sound one": b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\nBROKEN\r\n\r\n",
    "endless trailers": b"POST /sign-in HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
}


@pytest.fixture(scope="module")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server as it runs behind a proxy that terminates TLS, with routes that fail."""
    launcher = [sys.executable, str(BUILD)]
    with Service(tmp_path_factory.mktemp("https"), launcher=launcher, settings={"base_url": BASE_URL}) as running:
        yield running


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in {**BROKEN, **UNUSUAL}.items()])
def test_unusual_requests_get_security_headers_or_known_refusals(https: Service, sent: bytes) -> None:
    """The library's own refusals are an empty 400, 414 or 431 that closes the connection."""
    check_connection(exchange(https.url, sent, within=0.5), secure=True)


def test_http_library_answers_only_400_414_and_431(https: Service) -> None:
    """The library can return each of the three. A new version may change this list, and decision 23 with it."""
    own = ("no version", "an address of 70,000 characters", "more headers than the library reads")
    answers = [
        check_connection(exchange(https.url, {**BROKEN, **UNUSUAL}[name], within=0.5), secure=True) for name in own
    ]
    assert sorted(answers) == [[status] for status in sorted(LIBRARY_STATUSES)]


SOUND = get(BASE_URL, "Accept-Language: en", "Cookie: a=b") + raw_request(BASE_URL, "/sign-in", b"x=1", headers=FORM)
PIECES = st.sampled_from([b"\r\n", b"\r", b"\n", b" ", b":", b"\x00", b"\xff", b"HTTP/1.1", b"HTTP/2", b"Host: y\r\n"])
CHANGES = st.tuples(st.integers(0, len(SOUND)), st.integers(0, 30), PIECES | st.binary(max_size=4))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_damaged_requests_get_security_headers_or_known_refusals(
    https: Service, changes: list[tuple[int, int, bytes]]
) -> None:
    """Two requests with some bytes replaced are followed by an intact one, which ends the connection."""
    sent = SOUND.replace(b"Connection: close\r\n", b"")
    for start, length, put in changes:
        sent = sent[:start] + put + sent[start + length :]
    check_connection(exchange(https.url, sent + get(BASE_URL), within=0.3), secure=True)


@pytest.mark.parametrize("path", ["/fails/early", "/fails/silent", "/fails/late"])
def test_error_outside_of_handlers_is_answered_and_logged(https: Service, path: str) -> None:
    """The answer is a 500 with security headers and a reference that finds the cause in the log; no header is split."""
    received = exchange(https.url, get(https.url, path=path))
    assert check_connection(received, secure=True) == [500]
    assert b"planted" not in received
    found = re.search(rb"reference[\": ]+([0-9a-f]{8})", received)
    assert found is not None, received
    assert found[1].decode() in https.output()
    assert b"Internal server error" not in received


def test_requests_cut_off_at_shutdown_get_503_with_security_headers(tmp_path: Path) -> None:
    """A page and a call whose bodies never end are answered 503 with Retry-After."""
    with Service(tmp_path, settings={"base_url": BASE_URL}) as service, ExitStack() as opened:
        page, call = (opened.enter_context(connect(service.url)) for _ in range(2))
        page.sendall(raw_request(service.url, "/sign-in", b"x" * 40, headers=FORM)[:-20])
        json = {**FORM, "Content-Type": "application/json"}
        call.sendall(raw_request(service.url, "/api/v1/sign-in", b"x" * 40, headers=json)[:-20])
        time.sleep(0.3)
        assert service.stop() == 0
        for connection, media_type in ((page, b"text/plain"), (call, b"application/problem+json")):
            received = read_all(connection)
            assert check_connection(received, secure=True) == [503]
            assert b"\r\nretry-after: 5\r\n" in received
            assert b"\r\ncontent-type: " + media_type in received
