"""Headers that clients invent: those of the proxy's question, the client's address, and the identity."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence

from twofold.base.feature import Checked
from twofold.base.visitor import Visitor
from twofold.base.web.peers import is_trusted
from twofold.gate.actions import visitor_behind
from twofold.gate.answers import IDENTITY
from twofold.gate.cookies import ApplicationCookies, read_gate_cookie
from twofold.gate.probe.client import Headers
from twofold.gate.probe.findings import fail, ok, warn
from twofold.gate.probe.notes import Note
from twofold.gate.probe.prober import NAVIGATION, Observation, Prober
from twofold.gate.questions import Dialect, names_of
from twofold.gate.rules import Asked, Rule, Rules

_FORGED_CLIENT = "192.0.2.123"  # reserved for documentation (RFC 5737)
_RECIPE = "the recipe for your proxy in docs/doors"


async def check_question(prober: Prober) -> AsyncIterator[Checked]:
    """Yield whether a client can answer the gate's questions in the place of the proxy."""
    believed = [name for name in _question_headers() if await _is_believed(prober, name)]
    if believed:
        yield fail(
            "question",
            f"The gate believes what clients send in {', '.join(believed)}, so they can choose the rule: let the proxy"
            f" set these headers itself, as in {_RECIPE}.",
        )
    else:
        yield ok("question", "What clients send in the headers of the proxy's question is not believed.")


async def check_client(prober: Prober, first: Note) -> AsyncIterator[Checked]:
    """Yield whether a client can invent its address; from an address that is a proxy's, this cannot be seen."""
    if is_trusted(first.client, prober.site.config.trusted_proxies):
        return
    seen = await prober.ask(headers=(*NAVIGATION, ("X-Forwarded-For", _FORGED_CLIENT)))
    if any(note.client == _FORGED_CLIENT for note in seen.notes):
        yield fail(
            "client address",
            "Clients can choose their address by sending X-Forwarded-For, so limits and rules with `networks` do not"
            f" hold: let the proxy replace this header or add to it, as in {_RECIPE}.",
        )
    else:
        yield ok("client address", f"Clients cannot choose it; this one is {first.client}.")


async def check_identity(prober: Prober, echo: str, cookies: str) -> AsyncIterator[Checked]:
    """Yield which identity headers a client can invent, by a page that shows the headers it gets."""
    if not echo:
        yield warn(
            "identity",
            "Not seen: pass --echo with the path of a page that shows the headers that it gets, and --cookie-file if"
            " it needs a sign-in.",
        )
        return
    forged = dict(_forged(prober, echo))
    headers = (*NAVIGATION, *((name, value) for value, name in forged.items()), *_cookie(cookies))
    seen = await prober.ask(echo, headers=headers)
    if not (seen.was_admitted and seen.reply.is_success):
        yield warn(
            "identity",
            f"Not seen: {echo} is answered {seen.reply.status}. Pass --cookie-file with the cookies of a browser that"
            " is signed in there.",
        )
        return
    for finding in _judge_identity(seen, forged, await _visitor(prober, cookies)):
        yield finding


def _judge_identity(seen: Observation, forged: dict[str, str], visitor: Visitor | None) -> Iterator[Checked]:
    shown = seen.reply.body.decode("utf-8", "replace")
    if passed := [name for value, name in forged.items() if value in shown]:
        yield fail(
            "identity",
            f"What clients send as {', '.join(passed)} reaches the application, so they can be anyone: let the proxy"
            f" delete these headers first, as in {_RECIPE}.",
        )
    elif visitor and not re.search(rf"(?<![\w-])({'|'.join(map(re.escape, _names(visitor)))})(?![\w-])", shown):
        yield fail(
            "identity",
            "The application does not learn who is signed in: let the proxy copy the identity headers from the gate's"
            f" answer, as in {_RECIPE}.",
        )
    else:
        yield ok("identity", "Identity headers come from the gate only.")


def _names(visitor: Visitor) -> tuple[str, ...]:
    """Return what may identify a visitor in `Remote-User`."""
    return visitor.username, visitor.email, visitor.account_id


def _question_headers() -> list[str]:
    """Return the names of all headers that a dialect reads, as they are usually written."""
    names = sorted({name.decode() for dialect in Dialect for name in names_of(dialect)})
    return [name.title().replace("Url", "URL") for name in names]


async def _is_believed(prober: Prober, name: str) -> bool:
    """Return whether the gate decides about what a client has sent in a header."""
    main, other = prober.new_mark(), prober.new_mark()
    path = prober.marked(f"/twofold-probe-{prober.run[:8]}", other)
    values = {
        "x-original-url": f"{prober.origin}{path}",
        "x-forwarded-uri": path,
        "x-forwarded-host": f"twofold-probe-{prober.run[:8]}.invalid",
        "x-forwarded-proto": "http",
    }
    seen = await prober.ask(headers=(*NAVIGATION, (name, values.get(name.lower(), "PROPFIND"))), mark=main)
    right = ("GET", f"{prober.origin}{seen.target}")
    about_main = [note for note in seen.notes if note.counts and (note.method, note.address) != right]
    return bool(about_main or [note for note in await prober.notes(other) if note.counts])


def _forged(prober: Prober, echo: str) -> Iterator[tuple[str, str]]:
    """Yield a value and the name of each header under which a client may pretend to be someone else."""
    rule = _rule(prober, echo)
    names = [*IDENTITY.values(), *(name for _, name in (rule.headers if rule else ()))]
    spelt = dict.fromkeys(each for name in names for each in (name, name.replace("-", "_"), name.replace("-", ".")))
    yield from ((f"forged-{prober.run[:8]}-{number}-", name) for number, name in enumerate(spelt))


def _rule(prober: Prober, target: str) -> Rule | None:
    asked = Asked(prober.origin, "GET", target.partition("?")[0], "")
    return prober.site.part(Rules).decide(asked).rule


async def _visitor(prober: Prober, cookies: str) -> Visitor | None:
    """Return who is signed in with these cookies."""
    known = ApplicationCookies(prober.site.config, prober.origin)
    value = known.read_gate([(b"cookie", cookies.encode())])
    gate_id = read_gate_cookie(prober.site.keys, value, prober.origin)
    return await visitor_behind(prober.site, gate_id, is_use=False) if gate_id else None


def _cookie(cookies: str) -> Headers:
    return (("Cookie", cookies),) if cookies else ()


def parse_cookies(text: str, host: str) -> str:
    """Return the Cookie header for a host from the text of a file: such a header, or cookies.txt of curl or a browser.

    Raise ValueError if there is none.
    """
    lines = [line.removeprefix("#HttpOnly_") for line in text.splitlines()]
    fields = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    rows = [each for each in fields if len(each) == 7 and each[0].lstrip(".").lower() == host]  # noqa: PLR2004 - its columns
    if rows:
        return "; ".join(f"{row[5]}={row[6]}" for row in rows)
    plain: Sequence[str] = [each[0].strip().removeprefix("Cookie:").strip() for each in fields if len(each) == 1]
    if len(plain) != 1 or "=" not in plain[0] or not plain[0].isprintable():
        raise ValueError(f"it has no cookies for {host}")
    return plain[0]
