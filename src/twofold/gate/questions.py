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
_FRAMES = frozenset({"iframe", "frame", "embed", "object"})
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


_NAMES: Mapping[Dialect, tuple[str, ...]] = {
    Dialect.NGINX: ("x-original-url", "x-original-method"),
    Dialect.FORWARD: ("x-forwarded-host", "x-forwarded-uri", "x-forwarded-method", "x-forwarded-proto"),
    Dialect.ENVOY: ("x-forwarded-host", "x-forwarded-proto"),
}
_DESCRIPTION = ("sec-fetch-mode", "sec-fetch-dest", "sec-purpose", "accept", "referer")


def names_of(dialect: Dialect) -> tuple[str, ...]:
    """Return the names of the headers that a dialect reads, in lower case."""
    return _NAMES[dialect]


def read_question(dialect: Dialect, scope: Scope, client: str) -> Question:
    """Return the question of a proxy. Raise InvalidQuestion."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    told = _read_names(headers, _NAMES[dialect])
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
    if not _METHOD.fullmatch(method):
        raise InvalidQuestion("the method is not a name in capitals")
    described = {name.decode(): value.decode("latin-1") for name, value in headers if name.decode() in _DESCRIPTION}
    return Question(
        origin=origin,
        method=method,
        target=target,
        client=client,
        kind=_kind(method, described),
        referer=described.get("referer", ""),
        is_prefetch="prefetch" in described.get("sec-purpose", ""),
    )


def _read_names(headers: Iterable[tuple[bytes, bytes]], names: tuple[str, ...]) -> dict[str, str]:
    """Return the values of a dialect's headers: each exactly once, and no other spelling of one."""
    told: dict[str, str] = {}
    for raw, value in headers:
        name = raw.decode("latin-1").lower()
        plain = name.replace("_", "-").replace(".", "-")
        if plain not in names:
            continue
        if name != plain or name in told:
            raise InvalidQuestion(f"the header {plain} came twice or in another spelling: clear it in the proxy first")
        told[name] = value.decode("latin-1").strip()
    if absent := [name for name in names if not told.get(name)]:
        raise InvalidQuestion(f"the header {absent[0]} is missing: let the proxy send it")
    return told


def _read_request(dialect: Dialect, told: Mapping[str, str], scope: Scope) -> tuple[Origin, str, str]:
    if dialect is Dialect.NGINX:
        origin, target = read_address(told["x-original-url"])
        return origin, target, told["x-original-method"]
    origin = read_origin(told["x-forwarded-proto"], told["x-forwarded-host"])
    if dialect is Dialect.FORWARD:
        return origin, told["x-forwarded-uri"], told["x-forwarded-method"]
    return origin, _target_below(scope), scope["method"]


def _target_below(scope: Scope) -> str:
    """Return what follows our own path, undecoded."""
    raw = bytes(scope["raw_path"]).decode("latin-1").partition("?")[0]
    path = raw.partition(ENVOY_PATH)[2]
    query = bytes(scope["query_string"]).decode("latin-1")
    return f"{path}?{query}" if query else path


def _kind(method: str, described: Mapping[str, str]) -> Kind:
    mode = described.get("sec-fetch-mode")
    navigates = mode == "navigate" if mode is not None else "text/html" in described.get("accept", "")
    if not navigates:
        return Kind.PROGRAM
    if method not in _READ:
        return Kind.FORM if method == "POST" else Kind.PROGRAM
    return Kind.FRAME if described.get("sec-fetch-dest") in _FRAMES else Kind.NAVIGATION
