"""The security headers of every response, and the few responses of the HTTP library that lack them."""

import re

import httpx2

GUARDS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = ["max-age=31536000; includeSubDomains"]
# hyper, the HTTP library of Granian, refuses what it cannot parse before any application sees it.
LIBRARY_STATUSES = {400, 414, 431}
LIBRARY_HEADERS = ["connection", "content-length", "date"]


def check_guarded(headers: httpx2.Headers, *, secure: bool, kept: bool = False, where: object = "") -> None:
    """Check that every security header is set once, and that only answers that are the same for all may be cached."""
    for name, value in GUARDS.items():
        assert headers.get_list(name) == [value], (name, where, headers)
    assert headers.get_list("strict-transport-security") == (HSTS if secure else []), where
    (policy,) = headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert ("no-store" in headers["cache-control"]) is not kept, where
    assert not {"x-powered-by", "access-control-allow-origin"} & set(headers)
    assert not re.search(r"\d", headers.get("server", "")), "a version helps only attackers"


def check_connection(received: bytes, *, secure: bool = False) -> list[int]:
    """Check all responses on a connection, and return their statuses.

    Each response has every security header, or is an empty error of the library that closes the connection.
    """
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        length = int(headers.get("content-length", "0"))
        body, received = rest[:length], rest[length:]
        if status == 100:  # an interim response has no headers
            continue
        found.append(status)
        if status in LIBRARY_STATUSES and "content-type" not in headers:
            assert sorted(headers) == LIBRARY_HEADERS, headers
            assert (headers["connection"], body, received) == ("close", b"", b""), headers
        else:
            check_guarded(headers, secure=secure, where=head)
    return found


def parse_head(head: bytes) -> tuple[int, httpx2.Headers]:
    """Return the status and headers of a response."""
    first, *lines = head.split(b"\r\n")
    assert first.startswith(b"HTTP/1."), head
    pairs = [line.split(b": ", 1) for line in lines]
    return int(first.split(b" ")[1]), httpx2.Headers([(name, value) for name, value in pairs])
