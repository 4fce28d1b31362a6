"""Malformed traffic is answered or cut off; the server stays healthy and releases its memory."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.clients import PASSWORD, Api, Person
from tests.support.cookies import cookie_name
from tests.support.forms import FormBrowser
from tests.support.guarded import check_connection
from tests.support.raw_bytes import exchange, get, memory_of, read_all, statuses
from tests.support.service import Service
from tests.support.sync import connect, raw_request

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HEADER_TIME = 10.0  # seconds that a client may take for its headers
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def healthy_afterwards(sqlite_service: Service) -> Iterator[None]:
    """Check after every attack that the server answers, can write, and has logged no error."""
    yield
    assert sqlite_service.running().poll() is None
    assert sqlite_service.is_healthy("/readyz")
    assert "Traceback" not in sqlite_service.output()
    assert " ERROR " not in sqlite_service.output()


def answered(service: Service, *pieces: bytes, pause: float = 0.0) -> list[int]:
    """Return the statuses of all answers. Each must have its security headers, and none may be a 5xx."""
    received = exchange(service.url, *pieces, pause=pause)
    found = check_connection(received)
    assert all(status < 500 for status in found), received[:500]
    assert b"Traceback" not in received
    return found


# ------------------------------------------------------------------ framing

POST = b"POST /sign-in HTTP/1.1\r\nHost: x\r\n"
BROKEN = {
    "no request at all": b"\r\n\r\n\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /sign-in\r\n\r\n",
    "a version that is not there": b"GET /sign-in HTTP/3.7\r\nHost: x\r\n\r\n",
    "line ends of its own": b"GET /sign-in HTTP/1.1\rHost: x\r\r",
    "a header without a colon": b"GET /sign-in HTTP/1.1\r\nHost x\r\n\r\n",
    "a header without a name": b"GET /sign-in HTTP/1.1\r\n: x\r\n\r\n",
    "a space before the colon": b"GET /sign-in HTTP/1.1\r\nHost : x\r\n\r\n",
    "a folded header": b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n 2\r\n\r\n",
    "NUL in the path": b"GET /sign\x00in HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in a header": b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    "bytes above ASCII in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method of bytes": b"\xff\xfe / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a negative length": b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nemail",
    "a length that is no number": b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\nemail",
    "a length beyond all machines": b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: "
    + b"9" * 40
    + b"\r\n\r\nemail",
    "two lengths": b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nemail",
    "chunks that are none": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nemail\r\n0\r\n\r\n",
    "a chunk beyond all machines": b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"f" * 20
    + b"\r\nemail\r\n",
    "chunks of a coding unknown": POST + b"Transfer-Encoding: xchunked\r\n\r\n5\r\nemail\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("bytes_sent", [pytest.param(sent, id=name) for name, sent in BROKEN.items()])
def test_broken_framing_is_refused_or_cut_off(sqlite_service: Service, bytes_sent: bytes) -> None:
    """Invalid HTTP never gets a page, and ambiguous framing is refused."""
    assert set(answered(sqlite_service, bytes_sent)) <= {303, 400, 403, 404, 405, 415, 501, 505}


def test_body_with_length_and_chunks_is_not_read_twice(sqlite_service: Service) -> None:
    """No part of a request with both Content-Length and chunks becomes a second request (RFC 9112, 6.3)."""
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert 200 not in answered(sqlite_service, head % (5 + len(hidden)) + b"0\r\n\r\n" + hidden)


def test_body_shorter_than_announced_changes_nothing(sqlite_service: Service) -> None:
    """A sign-up that is cut off in the middle creates no account."""
    person = Person(sqlite_service.url)
    body = json.dumps({"email": person.email, "password": PASSWORD}).encode()
    whole = raw_request(sqlite_service.url, "/api/v1/accounts", body + b" " * 10, headers=JSON)
    with connect(sqlite_service.url) as connection:
        connection.sendall(whole[:-10])
        connection.shutdown(socket.SHUT_WR)
        assert 201 not in statuses(read_all(connection))
    person.api.sign_in(person.email).refused(401, "wrong_credentials")


def test_many_small_chunks_end_at_the_size_limit(sqlite_service: Service) -> None:
    """A chunked body, which has no length to refuse, is not read beyond the limit."""
    head = b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    assert answered(sqlite_service, head, *[b"400\r\n" + b" " * 1024 + b"\r\n"] * 100, b"0\r\n\r\n") in ([413], [])


def test_pipelined_requests_are_answered_in_order(sqlite_service: Service) -> None:
    """Ten requests in one packet get ten answers, in order."""
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    assert answered(sqlite_service, one * 5 + get(sqlite_service.url)) == [200, 404] * 5 + [200]


def test_http_1_0_request_is_answered_and_closed(sqlite_service: Service) -> None:
    """An HTTP/1.0 client without a Host header is served, and its connection is closed."""
    assert answered(sqlite_service, b"GET /sign-in HTTP/1.0\r\n\r\n") == [200]


# ------------------------------------------------------------------ headers and addresses


def test_oversized_headers_are_refused(sqlite_service: Service) -> None:
    """Ten thousand headers, or one of a megabyte, are not read to the end."""
    many = [f"X-{number}: {'a' * 40}" for number in range(10_000)]
    assert set(answered(sqlite_service, get(sqlite_service.url, *many))) <= {400, 431}
    assert set(answered(sqlite_service, get(sqlite_service.url, "X-A: " + "a" * MIB))) <= {400, 431}


def test_thousands_of_cookies_are_ignored_and_sign_no_one_in(sqlite_service: Service) -> None:
    """The page is served for any content of the cookies, which signs no one in."""
    cookies = "; ".join(f"twofold_computer_{number:08x}={number}" for number in range(1_000))
    assert answered(sqlite_service, get(sqlite_service.url, f"Cookie: {cookies}")) == [200]
    many = [f"Cookie: c{number}=1" for number in range(90)]
    assert answered(sqlite_service, get(sqlite_service.url, *many)) == [200]
    assert answered(sqlite_service, get(sqlite_service.url, f"Cookie: {cookies}", path="/settings")) == [303]


@pytest.mark.parametrize(
    "value", ["a=b=c;;;", "=", "twofold_session", "twofold_session=" + "a" * 9_000, '"', "\udcff\udcfe"]
)
def test_malformed_cookie_header_is_anonymous(sqlite_service: Service, value: str) -> None:
    """A cookie header that cannot be parsed is ignored."""
    assert answered(sqlite_service, get(sqlite_service.url, f"Cookie: {value}", path="/settings")) == [303]


def test_doubled_session_cookies_are_not_mixed(sqlite_service: Service) -> None:
    """Two session cookies are not mixed, and the forged one alone is anonymous."""
    token = Person.signed_in(sqlite_service.url).api.token
    name = cookie_name(sqlite_service.url)
    both = get(sqlite_service.url, f"Cookie: {name}={token}; {name}=x", path="/settings")
    parted = get(sqlite_service.url, f"Cookie: {name}=x", f"Cookie: {name}=y", path="/settings")
    assert answered(sqlite_service, both)[0] in (200, 303)
    assert answered(sqlite_service, parted) == [303]


def test_doubled_headers_are_refused_or_read_once(sqlite_service: Service) -> None:
    """A doubled Host, Origin, Authorization or Content-Type header never grants more than one of them alone."""
    url = sqlite_service.url
    token = Person.signed_in(url).api.token
    foreign_first = get(
        url,
        "Origin: https://evil.example",
        f"Origin: {url}",
        f"Cookie: {cookie_name(url)}={token}",
        method="POST",
        path="/sign-out",
    )
    assert set(answered(sqlite_service, foreign_first)) <= {400, 403}
    two_tokens = get(url, "Authorization: Bearer x", f"Authorization: Bearer {token}", path="/api/v1/session")
    assert set(answered(sqlite_service, two_tokens)) <= {400, 401}
    assert set(answered(sqlite_service, get(url, "Host: evil.example"))) <= {200, 400}


def test_very_long_path_is_refused(sqlite_service: Service) -> None:
    """A path of a megabyte is refused unread; one of eight thousand characters is an ordinary 404."""
    assert set(answered(sqlite_service, get(sqlite_service.url, path="/" + "a" * MIB))) <= {400, 404, 414, 431}
    assert answered(sqlite_service, get(sqlite_service.url, path="/" + "a" * 8_000)) == [404]
    assert answered(sqlite_service, get(sqlite_service.url, path="/sign-in?return_to=" + "a" * 8_000)) == [200]


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff%fe",
        "/%",
        "/%zz",
        "//evil.example/",
        "/..%2f..%2fetc%2fpasswd",
        "/static/..%2fapp.py",
        "/./sign-in/../x",
        "/static/%2e%2e/x",
        "*",
    ],
)
def test_malformed_path_is_not_found(sqlite_service: Service, path: str) -> None:
    """Paths with `..`, and paths that are not text, are not found."""
    assert set(answered(sqlite_service, get(sqlite_service.url, path=path))) <= {400, 404}


def test_absolute_url_and_foreign_host_change_nothing(sqlite_service: Service) -> None:
    """A request that names another site gets our page, and that name appears nowhere in it."""
    for request in (
        b"GET http://evil.example/sign-in HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET /sign-in HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        get(sqlite_service.url, "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example", path="/settings"),
    ):
        received = exchange(sqlite_service.url, request)
        assert statuses(received)[0] in (200, 303, 400, 404)
        assert b"evil" not in received


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PROPFIND", "DEBUG", "get"])
def test_other_methods_are_refused(sqlite_service: Service, method: str) -> None:
    """Only the declared methods of a page do anything, and TRACE echoes nothing."""
    for path in ("/sign-in", "/api/v1/session", "/settings", "/healthz"):
        received = exchange(
            sqlite_service.url, get(sqlite_service.url, "X-Marked: echo-of-a-header", path=path, method=method)
        )
        assert set(statuses(received)) <= {400, 404, 405, 501}, received[:300]
        assert b"echo-of-a-header" not in received


def test_method_override_is_ignored(sqlite_service: Service) -> None:
    """Headers and fields that override the method in other frameworks are ignored."""
    person = Person.signed_in(sqlite_service.url)
    overriding = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
    person.api.call("GET", "/session?_method=DELETE", headers=overriding).expect(200)
    person.api.session().expect(200)


# ------------------------------------------------------------------ bodies

BODIES = {
    "NUL": b'{"email": "a\\u0000b@example.com", "password": "x"}',
    "a raw NUL": b'{"email": "a\x00b@example.com", "password": "x"}',
    "bad UTF-8": b'{"email": "a\xff\xfe@example.com", "password": "x"}',
    "half a surrogate pair": b'{"email": "a\\ud800@example.com", "password": "x"}',
    "half a surrogate pair in the password": b'{"email": "a@example.com", "password": "\\udfff"}',
    "depth": b'{"email": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "depth of objects": b'{"email": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    "depth without an end": b"[" * 60_000,
    "a number beyond all machines": b'{"email": ' + b"9" * 60_000 + b', "password": "x"}',
    "an exponent": b'{"email": 1e999999999, "password": "x"}',
    "not a number": b'{"email": NaN, "password": "x"}',
    "a list": b'[{"email": "a@example.com"}]',
    "nothing": b"",
    "null": b"null",
    "two byte-order marks": b'\xef\xbb\xbf\xef\xbb\xbf{"email": "a@example.com", "password": "x"}',
    "UTF-16": '{"email": "a@example.com", "password": "x"}'.encode("utf-16"),
    "two values": b'{"email": "a@example.com", "password": "x"} {}',
    "too large": b'{"email": "' + b"a" * 70_000 + b'"}',
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BODIES.items()])
def test_malformed_json_body_is_refused(sqlite_service: Service, body: bytes) -> None:
    """Invalid JSON, and JSON of the wrong shape, is refused as a problem by every anonymous call."""
    for path in ("/sign-in", "/sign-in/code", "/accounts", "/password-reset/complete"):
        request = raw_request(sqlite_service.url, f"/api/v1{path}", body, headers=JSON)
        assert set(answered(sqlite_service, request)) <= {400, 413, 422}, path


def test_doubled_json_key_never_means_two_accounts(sqlite_service: Service) -> None:
    """When a body has two addresses, the password is checked against only one of them."""
    one, other = (
        Person.signed_in(sqlite_service.url),
        Person.signed_in(sqlite_service.url, password="quartz-lantern-meadow-81"),
    )
    for first, second in ((one, other), (other, one)):
        body = f'{{"email": "{first.email}", "email": "{second.email}", "password": "{first.password}"}}'
        request = raw_request(sqlite_service.url, "/api/v1/sign-in", body.encode(), headers=JSON)
        assert set(answered(sqlite_service, request)) <= {400, 401, 422}


FORMS = {
    "doubled fields": (b"email=a%40example.com&email=b%40example.com&password=x", 422),
    "NUL": (b"email=a%00%40example.com&password=x", 422),
    "bad UTF-8": (b"email=%ff%fe&password=x", 422),
    "raw bytes": (b"email=\xff\xfe&password=x", 400),
    "half a surrogate pair": (b"email=%ed%a0%80&password=x", 422),
    "five thousand fields": (b"&".join(b"f%d=1" % number for number in range(5_000)), 400),
    "too large": (b"email=" + b"a" * 70_000, 413),
    "half an escape": (b"email=%4&password=%", 422),
}


@pytest.mark.parametrize("body, status", [pytest.param(*expected, id=name) for name, expected in FORMS.items()])
def test_malformed_form_is_refused(sqlite_service: Service, body: bytes, status: int) -> None:
    """Forms are parsed as strictly as JSON."""
    headers = {**FORM, "Origin": sqlite_service.url}
    assert answered(sqlite_service, raw_request(sqlite_service.url, "/sign-in", body, headers=headers)) == [status]


# ------------------------------------------------------------------ slow and many


def test_slow_headers_are_cut_off_while_others_are_served(sqlite_service: Service) -> None:
    """A hundred clients that never finish their headers (slowloris) are cut off, and others do not wait for them."""
    with contextlib.ExitStack() as kept:
        slow = [kept.enter_context(connect(sqlite_service.url)) for _ in range(100)]
        begun = time.monotonic()
        for connection in slow:
            connection.sendall(b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        others = FormBrowser(sqlite_service.url)
        while time.monotonic() < begun + HEADER_TIME + 2:
            asked = time.monotonic()
            others.get("/sign-in").expect(200)
            assert time.monotonic() - asked < 2
            for connection in slow:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(b"a")
            time.sleep(1)
        assert [is_open(connection) for connection in slow] == [False] * 100


def is_open(connection: socket.socket) -> bool:
    """Return whether the server has not closed the connection yet."""
    connection.settimeout(3)
    try:
        while received := connection.recv(4096):
            assert b" 500 " not in received
    except TimeoutError:
        return True
    except ConnectionError:
        return False
    return False


def test_endless_bodies_do_not_block_others(sqlite_service: Service) -> None:
    """A hundred bodies that arrive byte by byte leave room for a sign-in, and change nothing."""
    whole = raw_request(
        sqlite_service.url, "/api/v1/sign-in", b'{"email": "a@example.com", "password": "x"}', headers=JSON
    )
    with contextlib.ExitStack() as kept:
        for connection in [kept.enter_context(connect(sqlite_service.url)) for _ in range(100)]:
            connection.sendall(whole[:-20])
        person = Person.signed_in(sqlite_service.url)
        person.api.session().expect(200)


def test_idle_connections_do_not_block_others_or_leak_memory(sqlite_service: Service) -> None:
    """Five hundred silent connections keep no one out, and their memory is released when they close."""
    pid = sqlite_service.running().pid
    FormBrowser(sqlite_service.url).get("/sign-in").expect(200)
    before = memory_of(pid)
    with contextlib.ExitStack() as kept:
        for _ in range(500):
            kept.enter_context(connect(sqlite_service.url))
        FormBrowser(sqlite_service.url).get("/sign-in").expect(200)
        assert memory_of(pid) < before + 50 * MIB
    FormBrowser(sqlite_service.url).get("/sign-in").expect(200)
    assert memory_of(pid) < before + 20 * MIB


def test_large_requests_do_not_leak_memory(sqlite_service: Service) -> None:
    """Two hundred bodies of the maximum size, half of them too large, do not stay in memory."""
    pid = sqlite_service.running().pid
    shapes = (b'{"email": "%s", "password": "x"}', b'{"email": "%s", "passwords": "x", ')
    bodies = [shape % (b"a" * size) for shape in shapes for size in (60_000, 300_000)]
    for body in bodies:
        exchange(sqlite_service.url, raw_request(sqlite_service.url, "/api/v1/sign-in", body, headers=JSON))
    before = memory_of(pid)
    for _ in range(50):
        for body in bodies:
            received = exchange(
                sqlite_service.url, raw_request(sqlite_service.url, "/api/v1/sign-in", body, headers=JSON)
            )
            assert set(statuses(received)) <= {400, 413, 422}
    assert memory_of(pid) < before + 20 * MIB
    Api(sqlite_service.url).session().refused(401, "not_signed_in")
