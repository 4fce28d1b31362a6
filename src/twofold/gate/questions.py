"""Read a proxy's question: the request to an application that it asks about.

Each dialect reads its own header names alone, since proxies hand on what a browser sends under other names. A name that
is missing, doubled or misspelt makes the question invalid; nothing is guessed.
"""

import re
from collections.abc import Iterable, Mapping
from enum import Enum, auto

import msgspec
from starlette.types import Scope

from twofold.gate.origins import InvalidOrigin, Origin, is_forbidden, read_address, read_origin
from twofold.gate.rules import Asked
from twofold.gate.sightings import INVALID_QUESTION, PLAIN_QUESTION

ENVOY_PATH = "/gate/envoy"
_FRAMES = frozenset({b"iframe", b"frame", b"embed", b"object"})
_METHOD = re.compile(r"[A-Z][A-Z-]*")
_READ = frozenset({"GET", "HEAD"})


class Dialect(Enum):
    """The way in which a proxy asks, and what it does with the answer."""

    NGINX = auto()  # knows 200, 401 and 403 only; follows no redirect
    FORWARD = auto()
    ENVOY = auto()


class Kind(Enum):
    """Who waits for the answer."""

    NAVIGATION = auto()
    FRAME = auto()
    FORM = auto()
    PROGRAM = auto()


class InvalidQuestion(ValueError):
    """The question cannot be read; the message is a sentence for the operator."""

    sighting = INVALID_QUESTION


class PlainQuestion(InvalidQuestion):
    """The question is about plain http, which the gate cannot protect."""

    sighting = PLAIN_QUESTION


class Question(msgspec.Struct, frozen=True):
    """A request to an application. `target` is path and query as they were sent."""

    origin: Origin
    method: str
    target: str
    client: str
    kind: Kind
    referer: str = ""
    is_prefetch: bool = False

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query, without its question mark."""
        return self.target.partition("?")[2]

    @property
    def address(self) -> str:
        """The whole address."""
        return f"{self.origin}{self.target}"

    @property
    def asked(self) -> Asked:
        """What rules look at."""
        return Asked(self.origin, self.method, self.path, self.client)


_NAMES: Mapping[Dialect, frozenset[bytes]] = {
    Dialect.NGINX: frozenset({b"x-original-url", b"x-original-method"}),
    Dialect.FORWARD: frozenset({b"x-forwarded-host", b"x-forwarded-uri", b"x-forwarded-method", b"x-forwarded-proto"}),
    Dialect.ENVOY: frozenset({b"x-forwarded-host", b"x-forwarded-proto"}),
}
_DESCRIPTION = frozenset({b"sec-fetch-mode", b"sec-fetch-dest", b"sec-purpose", b"accept", b"referer"})
_HYPHENS = bytes.maketrans(b"_.", b"--")


def names_of(dialect: Dialect) -> frozenset[bytes]:
    """Return the names of the headers that a dialect reads, in lower case."""
    return _NAMES[dialect]


def read_question(dialect: Dialect, scope: Scope, client: str) -> Question:
    """Return the question of a proxy. Raise InvalidQuestion."""
    told, described = _read_headers(scope["headers"], _NAMES[dialect])
    try:
        origin, target, method = _read_request(dialect, told, scope)
    except InvalidOrigin as fault:
        raise InvalidQuestion(f"the address is not valid: {fault}") from None
    if not origin.is_safe:
        raise PlainQuestion(
            "the application is asked for by http: let the proxy send X-Forwarded-Proto: https for what came by TLS"
        )
    if is_forbidden(target):
        raise InvalidQuestion("the path or query has characters that no browser sends")
    if method not in _READ and not _METHOD.fullmatch(method):
        raise InvalidQuestion("the method is not a name in capitals")
    return Question(
        origin=origin,
        method=method,
        target=target,
        client=client,
        kind=_kind(method, described),
        referer=described.get(b"referer", b"").decode("latin-1"),
        is_prefetch=b"prefetch" in described.get(b"sec-purpose", b""),
    )


def _read_headers(
    headers: Iterable[tuple[bytes, bytes]], names: frozenset[bytes]
) -> tuple[dict[bytes, str], dict[bytes, bytes]]:
    """Return the values of a dialect's headers, each exactly once in no other spelling, and what describes the client.

    Names come in lower case (ASGI).
    """
    told: dict[bytes, str] = {}
    described: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in names:
            if name in told:
                raise _unclear(name)
            told[name] = value.decode("latin-1").strip()
        elif name in _DESCRIPTION:
            described[name] = value
        elif (b"_" in name or b"." in name) and name.translate(_HYPHENS) in names:
            raise _unclear(name)
    if len(told) < len(names) or not all(told.values()):
        absent = min(name for name in names if not told.get(name))
        raise InvalidQuestion(f"the header {absent.decode()} is missing: let the proxy send it")
    return told, described


def _unclear(name: bytes) -> InvalidQuestion:
    plain = name.translate(_HYPHENS).decode()
    return InvalidQuestion(f"the header {plain} came twice or in another spelling: clear it in the proxy first")


def _read_request(dialect: Dialect, told: Mapping[bytes, str], scope: Scope) -> tuple[Origin, str, str]:
    if dialect is Dialect.NGINX:
        origin, target = read_address(told[b"x-original-url"])
        return origin, target, told[b"x-original-method"]
    origin = read_origin(told[b"x-forwarded-proto"], told[b"x-forwarded-host"])
    if dialect is Dialect.FORWARD:
        return origin, told[b"x-forwarded-uri"], told[b"x-forwarded-method"]
    return origin, _target_below(scope), scope["method"]


def _target_below(scope: Scope) -> str:
    """Return what follows our own path, undecoded."""
    raw = bytes(scope["raw_path"]).decode("latin-1").partition("?")[0]
    path = raw.partition(ENVOY_PATH)[2]
    query = bytes(scope["query_string"]).decode("latin-1")
    return f"{path}?{query}" if query else path


def _kind(method: str, described: Mapping[bytes, bytes]) -> Kind:
    mode = described.get(b"sec-fetch-mode")
    navigates = mode == b"navigate" if mode is not None else b"text/html" in described.get(b"accept", b"")
    if not navigates:
        return Kind.PROGRAM
    if method not in _READ:
        return Kind.FORM if method == "POST" else Kind.PROGRAM
    return Kind.FRAME if described.get(b"sec-fetch-dest") in _FRAMES else Kind.NAVIGATION
