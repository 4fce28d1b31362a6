"""Ways around the gate: methods, spellings, paths, hosts and ports about which the proxy does not ask."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from msgspec.structs import replace

from twofold.base.feature import Checked
from twofold.base.web.headers import security_headers
from twofold.config import Config
from twofold.gate.answers import SIGN_IN_PATH
from twofold.gate.arrivals import BEGIN, RESERVED
from twofold.gate.origins import Origin
from twofold.gate.probe.client import Reply
from twofold.gate.probe.findings import fail, ok, warn
from twofold.gate.probe.prober import PROGRAM, Observation, Prober
from twofold.gate.probe.spellings import METHODS, often_exempt, paths_of_files, spellings
from twofold.gate.rules import Rules

WEBSOCKET = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-Fetch-Mode", "websocket"),
)
_SHOWN = 6  # examples in one sentence
_UNAUTHORIZED, _FORBIDDEN = 401, 403


async def check_program(prober: Prober, *, is_open: bool) -> AsyncIterator[Checked]:
    """Yield whether programs get 401, and what tells a page where to sign in."""
    seen = await prober.ask(headers=PROGRAM)
    if is_open or not any(note.status == _UNAUTHORIZED for note in seen.notes):
        return
    if seen.reply.status != _UNAUTHORIZED:
        yield fail(
            "programs",
            f"Programs without a session get {seen.reply.status} instead of 401: let the proxy redirect only if the"
            " gate's answer has a Location.",
        )
    elif seen.reply.header("twofold-sign-in") != SIGN_IN_PATH:
        yield warn(
            "programs",
            "Programs get 401 without the header Twofold-Sign-In, so pages cannot lead their users to the sign-in:"
            " let the proxy hand on the gate's headers and body.",
        )
    else:
        yield ok("programs", "Programs get 401, and learn where to sign in.")


async def check_methods(prober: Prober) -> AsyncIterator[Checked]:
    """Yield about which methods the gate is not asked. Only names that no application has are requested."""
    target = f"{prober.path.rstrip('/')}/{_name(prober)}"
    seen = [(method, await prober.ask(target, method=method)) for method in METHODS]
    seen.append(("a websocket", await prober.ask(prober.target, headers=WEBSOCKET)))
    for finding in _unasked("methods", seen, remedy="remove exceptions for methods from the proxy"):
        yield finding


async def check_spellings(prober: Prober, *, is_open: bool) -> AsyncIterator[Checked]:
    """Yield which other spellings of the path reach the application unasked, or are admitted."""
    name = _name(prober)
    targets = [each for each in dict.fromkeys(spellings(prober.path, name)) if each != prober.path]
    seen = [(each, await prober.ask(each)) for each in targets]
    seen.append(("an absolute address", await prober.ask(f"{prober.origin}{prober.target}")))
    for finding in _unasked("spellings", seen, remedy="let it ask about every path, before it rewrites anything"):
        yield finding
    admitted = [] if is_open else [(each, one) for each, one in seen if one.was_admitted and one.reply.is_success]
    if admitted:
        other = await prober.ask(f"/{name}{prober.path}")
        yield _admitted(prober, admitted, is_catch_all=other.reply.is_success and other.was_admitted)


async def check_paths(prober: Prober) -> AsyncIterator[Checked]:
    """Yield which paths the proxy passes on without asking."""
    name = _name(prober)
    targets = dict.fromkeys((*paths_of_files(prober.path, name), *paths_of_files("/", name), *often_exempt(name)))
    seen = [(each, await prober.ask(each, headers=PROGRAM)) for each in targets]
    for finding in _unasked("paths", seen, remedy="remove its exceptions, and give open paths a rule with `open`"):
        yield finding


async def check_reserved(prober: Prober) -> AsyncIterator[Checked]:
    """Yield whether the gate answers the paths at which browsers arrive."""
    seen = [(path, await prober.ask(path)) for path in (f"{RESERVED}arrive.html", SIGN_IN_PATH)]
    lost = [path for path, one in seen if not one.was_asked or one.was_admitted]
    if lost:
        yield fail(
            "reserved paths",
            f"{_listed(lost)} does not reach the gate, so no one arrives after the sign-in: let the proxy ask about"
            f" {RESERVED}, as about every path, and serve nothing there.",
        )
    else:
        yield ok("reserved paths", f"The gate answers {RESERVED}.")


async def check_hosts(prober: Prober) -> AsyncIterator[Checked]:
    """Yield whether another Host header than that of the address changes what the gate is asked about."""
    other = f"{_name(prober)}.invalid"
    seen = await prober.ask(f"{prober.origin}{prober.target}", host=other)
    if any(other in note.address for note in seen.notes):
        yield fail(
            "hosts",
            f"If the request line has {prober.origin} and the Host header another host, the proxy chooses the"
            " application by the request line, but asks the gate about the Host header. So the rules of one host"
            " can open another: let the proxy ask about the host by which it chose (nginx: $host), or refuse such"
            " requests.",
        )
    else:
        yield ok("hosts", "A request that names two hosts does not confuse the gate.")


async def check_plain_http(prober: Prober) -> AsyncIterator[Checked]:
    """Yield whether the application answers plain http."""
    if prober.origin.scheme != "https" or prober.origin.port:
        return
    seen = await prober.ask(origin=Origin("http", prober.origin.host))
    to = urlsplit(seen.reply.header("location"))
    if seen.reply.is_success or (seen.reply.header("location") and to.scheme != "https"):
        yield fail(
            "plain http",
            f"http://{prober.origin.host} is answered {seen.reply.status}: let the proxy redirect it to https, since"
            " the gate protects https only.",
        )
    else:
        yield ok("plain http", "Nothing is served by plain http.")


async def check_wildcard(prober: Prober) -> AsyncIterator[Checked]:
    """Yield whether a name under a wildcard of the rules that no application has is answered by one."""
    patterns = [rule.host for rule in prober.site.part(Rules).all if rule.host.wildcard]
    pattern = next((each for each in patterns if each.matches(prober.origin)), None)
    if pattern is None:
        return
    stranger = replace(prober.origin, host=f"{_name(prober)}.{pattern.host}")
    seen = await prober.ask(origin=stranger)
    if not is_application(prober.site.config, seen.reply):
        yield ok("wildcard", f"No application answers names under {pattern} that do not exist.")
    elif not seen.was_asked:
        yield fail(
            "wildcard",
            f"{stranger.host} does not exist, but is answered {seen.reply.status} without the gate being asked: let the"
            " proxy refuse names that it does not know.",
        )
    else:
        yield fail(
            "wildcard",
            f"{stranger.host} does not exist, but an application answers it: let the proxy refuse names that it does"
            " not know, since every name is behind your rules.",
        )


def is_application(config: Config, reply: Reply) -> bool:
    """Return whether an answer is neither a refusal, nor the gate's redirect, nor one of our own pages."""
    own = dict(security_headers(secure=config.secure))[b"content-security-policy"].decode()
    return not (
        reply.status == 0
        or reply.status >= 400  # noqa: PLR2004 - RFC 9110 15.5
        or reply.header("location").startswith(f"{config.base_url}{BEGIN}?")
        or reply.header("content-security-policy") == own
    )


def _unasked(name: str, seen: Sequence[tuple[str, Observation]], *, remedy: str) -> Iterator[Checked]:
    """Yield what was not asked about, and what the gate refused in vain."""
    reached = [each for each, one in seen if not one.was_asked and one.reply.status and one.reply.status < 400]  # noqa: PLR2004
    unclear = [
        f"{each} ({one.reply.status})"
        for each, one in seen
        if not one.was_asked and one.reply.status >= 400 and not one.was_not_understood  # noqa: PLR2004
    ]
    ignored = [each for each, one in seen if one.was_asked and not one.was_admitted and one.reply.is_success]
    if reached:
        yield fail(name, f"The proxy does not ask the gate about {_listed(reached)}: {remedy}.")
    if ignored:
        yield fail(name, f"The gate refused {_listed(ignored)}, but the proxy let it pass: {remedy}.")
    if unclear:
        yield warn(
            name,
            f"The gate was not asked about {_listed(unclear)}. If the proxy refused it itself, all is well; if that was"
            f" the application: {remedy}.",
        )
    if not (reached or ignored or unclear):
        yield ok(name, f"The gate is asked about all {len(seen)} that were tried, or the proxy refuses them.")


def _admitted(prober: Prober, admitted: Sequence[tuple[str, Observation]], *, is_catch_all: bool) -> Checked:
    listed = _listed([each for each, _ in admitted])
    reason = admitted[0][1].notes[0].reason
    remedy = (
        f"If your application reads them as {prober.path}, protect the whole host instead, and open only what everyone"
        " may see"
    )
    if is_catch_all:
        return warn("spellings", f"Without a sign-in, the application answers {listed}, since {reason}. {remedy}.")
    return fail(
        "spellings",
        f"Without a sign-in, the application answers {listed}, since {reason}; it answers other names differently, so"
        f" it reads them as {prober.path}. Protect the whole host instead, and open only what everyone may see.",
    )


def _name(prober: Prober) -> str:
    """Return a name that nothing has."""
    return f"twofold-probe-{prober.run[:8]}"


def _listed(items: Iterable[str]) -> str:
    items = list(items)
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return f"{', '.join(items[:_SHOWN])}{more}"
