"""The first request: whether the gate is asked, understands the question, and its answer arrives unchanged."""

from collections.abc import Iterator
from urllib.parse import parse_qs

from twofold.base.feature import Checked
from twofold.base.sightings import REMEDIES
from twofold.gate import states
from twofold.gate.arrivals import BEGIN
from twofold.gate.cookies import ApplicationCookies
from twofold.gate.probe.findings import fail, ok, warn
from twofold.gate.probe.notes import Note
from twofold.gate.probe.prober import Observation, Prober
from twofold.gate.sightings import REMEDIES as GATE_REMEDIES
from twofold.gate.sightings import UNTRUSTED_PROXY

_RECIPE = "the recipe for your proxy in docs/doors"
_FORBIDDEN, _FAULTS = 403, 500


def judge_question(prober: Prober, seen: Observation) -> Iterator[Checked]:
    """Yield why the gate cannot decide about the first request; nothing if it can."""
    address = f"{prober.origin}{prober.target}"
    if seen.failure:
        yield fail("address", f"{address} cannot be reached: {seen.failure}. Start the proxy, or use --connect.")
        return
    if not seen.was_asked:
        yield from _not_asked(prober, seen, address)
    for note in seen.notes:
        if not note.is_trusted:
            yield fail("proxy", f"{note.peer} {GATE_REMEDIES[UNTRUSTED_PROXY]}.")
        elif note.fault:
            yield fail(
                "question",
                f"The gate cannot read the proxy's question: {note.fault}. Compare it with {_RECIPE}.",
            )


def judge_answer(prober: Prober, seen: Observation) -> Iterator[Checked]:
    """Yield what becomes of the gate's answer on the way to the browser."""
    note = seen.notes[0]
    yield from _judge_address(prober, seen, note)
    yield from _judge_client(note)
    if seen.was_admitted:
        yield ok("sign-in", f"None is needed here: {note.reason}.")
    elif seen.reply.is_success:
        yield fail(
            "answer",
            f"The gate refused the request with {note.status}, but it was answered {seen.reply.status}: let the proxy"
            " refuse what the gate refuses, and remove exceptions such as `satisfy any`.",
        )
    elif note.status == _FORBIDDEN:
        yield warn(
            "rules",
            f"The gate refuses everyone here: {note.reason}. Run `twofold gate test` for this address.",
        )
    else:
        yield from _judge_redirect(prober, seen)


def _not_asked(prober: Prober, seen: Observation, address: str) -> Iterator[Checked]:
    location = seen.reply.header("location")
    if location.startswith(f"{prober.site.config.base_url}{BEGIN}"):
        yield fail(
            "address",
            f"The gate was asked, but not about {address} and its query: let the proxy send the address as the client"
            f" sent it (nginx: $request_uri), as in {_RECIPE}.",
        )
    elif seen.reply.status >= _FAULTS:
        yield fail(
            "proxy",
            f"{address} is answered {seen.reply.status}, and the gate was not asked: start Twofold, and let the proxy"
            f" ask at the address where it listens, as in {_RECIPE}.",
        )
    else:
        yield fail(
            "proxy",
            f"{address} is answered {seen.reply.status} without the gate being asked: let the proxy ask about every"
            f" request to this host, as in {_RECIPE}.",
        )


def _judge_address(prober: Prober, seen: Observation, note: Note) -> Iterator[Checked]:
    if note.address != f"{prober.origin}{seen.target}" or note.method != "GET":
        asked = note.address.partition("?")[0]
        yield fail(
            "address",
            f"The gate was asked about {note.method} {asked} instead of GET {prober.origin}{prober.target}: let the"
            f" proxy send scheme, host, path and query as the client sent them, as in {_RECIPE}.",
        )
    else:
        yield ok("address", "The gate is asked about this address, and the query arrives unchanged.")


def _judge_client(note: Note) -> Iterator[Checked]:
    if note.forwarding:
        yield warn("client address", f"{note.peer} {REMEDIES[note.forwarding]} (X-Forwarded-For).")


def _judge_redirect(prober: Prober, seen: Observation) -> Iterator[Checked]:
    """Yield the faults of the redirect to the sign-in: its address, its cookie, and what keeps it out of caches."""
    location = seen.reply.header("location")
    if not 300 <= seen.reply.status < 400 or not location:  # noqa: PLR2004 - RFC 9110 15.4
        yield fail(
            "sign-in",
            f"The gate's redirect to the sign-in does not arrive; browsers get {seen.reply.status}. Let the proxy hand"
            f" on status, Location and Set-Cookie of the gate's answer, as in {_RECIPE}.",
        )
        return
    begin = f"{prober.site.config.base_url}{BEGIN}"
    state = states.unseal(prober.site.keys, next(iter(parse_qs(location.partition("?")[2]).get("s", [])), ""))
    if not location.startswith(f"{begin}?") or state is None or state.target != states.short_target(seen.target):
        yield fail(
            "sign-in",
            f"The redirect leads to {location.partition('?')[0]} instead of {begin}, or its address was changed on the"
            f" way: let the proxy hand on the gate's Location unchanged, as in {_RECIPE}.",
        )
    else:
        yield ok("sign-in", "Browsers are sent to the sign-in, and back to the exact address.")
    yield from _judge_cookie(prober, seen)
    if "no-store" not in ",".join(seen.reply.all("cache-control")).lower():
        yield fail(
            "cache",
            "The redirect comes without `Cache-Control: no-store`, so a cache may repeat it to people who are signed"
            f" in: let the proxy hand on or add this header, as in {_RECIPE}.",
        )


def _judge_cookie(prober: Prober, seen: Observation) -> Iterator[Checked]:
    cookies = ApplicationCookies(prober.site.config, prober.origin)
    lines = [line for line in seen.reply.all("set-cookie") if line.startswith(f"{cookies.nonce_name}=")]
    if not lines:
        yield fail(
            "cookie",
            "The cookie of the redirect does not arrive, so no one can sign in: let the proxy hand on Set-Cookie of"
            f" the gate's answer, as in {_RECIPE}.",
        )
        return
    expected = cookies.line(cookies.nonce_name, lines[0].partition("=")[2].partition(";")[0])[1].decode()
    if _attributes(lines[0]) != _attributes(expected):
        yield fail(
            "cookie",
            "The proxy changes the attributes of our cookie, so browsers refuse it or send it elsewhere: let it hand"
            " on Set-Cookie unchanged, and remove settings that rewrite cookies.",
        )
    else:
        yield ok("cookie", "The cookie of the redirect arrives unchanged.")


def _attributes(line: str) -> set[str]:
    return {part.strip().lower() for part in line.split(";")[1:]}
