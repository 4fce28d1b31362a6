"""The most expensive known requests that need no account. To add one, add a line to `ATTACKS`.

Each attack names the resource that it exhausts. The requests are prepared once, so that sending them costs the
client little: `NUMBER` in them is replaced with an unused number of the same length.
"""

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from bench.client import request

Scarce: TypeAlias = Literal["hash queue", "writer", "pool", "loop", "connections"]

ORIGIN = "http://127.0.0.1"  # base URL of the service under attack, which refuses forms from any other origin
NUMBER = "00000000"
_TOKEN = "A" * 35 + NUMBER
_EMAIL = f"n{NUMBER}@example.org"
_STRONG = "walnut-harbour-ember-53"
_LEET = ("4@8({[<3691!|1|70$5+%2" * 6)[:128]  # zxcvbn tries every combination of substitutions
_UNFOLDING = "\ufdfa" * 1000  # NFKC turns one character into 18


@dataclass(frozen=True, slots=True)
class Attack:
    """One request, sent in `pieces` with a `pause` (seconds) after each.

    Without an answer for `max_wait` seconds, it is started again on another connection.
    """

    name: str
    scarce: Scarce
    pieces: tuple[bytes, ...]
    pause: float = 0.0
    max_wait: float = 30.0

    def numbered(self, number: int) -> tuple[bytes, ...]:
        """Return the pieces with this number in them."""
        fresh = b"%08d" % number
        return tuple(piece.replace(NUMBER.encode(), fresh) for piece in self.pieces)


def _call(path: str, method: str = "POST", **fields: str) -> tuple[bytes, ...]:
    body = json.dumps(fields, ensure_ascii=False).encode()
    return (request(method, f"/api/v1{path}", body, content_type="application/json"),)


def _form(path: str, cookie: str = "", **fields: str) -> tuple[bytes, ...]:
    headers = {"origin": ORIGIN, "content_type": "application/x-www-form-urlencoded"}
    headers |= {"cookie": cookie} if cookie else {}
    return (request("POST", path, urlencode(fields).encode(), **headers),)


def _get(path: str, **headers: str) -> tuple[bytes, ...]:
    return (request("GET", path, b"", **headers),)


def _in_pieces(whole: bytes, *sizes: int) -> tuple[bytes, ...]:
    pieces = []
    for size in sizes:
        pieces.append(whole[:size])
        whole = whole[size:]
    return tuple(pieces)


_FOREIGN_COOKIES = "; ".join(f"c{place}=x" for place in range(3000))
_WIDE_DOMAIN = "a@" + "\uff41" * 900  # wide letters, which IDNA maps to ASCII
_RECOVERY = {"sign_in": _TOKEN, "recovery_code": "-".join(["ABCDE"] * 5)}
_SIGN_IN = _call("/sign-in", email=_EMAIL, password="x")
_LARGE_SIGN_IN = _call("/sign-in", email=_EMAIL, password="x" * 60_000)

ATTACKS = (
    Attack("wrong sign-ins, new addresses", "hash queue", _SIGN_IN),
    Attack("wrong sign-ins, one address", "hash queue", _call("/sign-in", email="same@example.org", password="x")),
    Attack("wrong sign-ins by the form", "hash queue", _form("/sign-in", email=_EMAIL, password="x")),
    Attack("sign-ups", "hash queue", _call("/accounts", email=_EMAIL, password=_STRONG)),
    Attack("made-up sign-up links", "hash queue", _call("/accounts/complete", token=_TOKEN, password=_STRONG)),
    Attack("made-up sign-up links by the form", "hash queue", _form(f"/sign-up/{_TOKEN}", password=_STRONG)),
    Attack("made-up invitations", "pool", _form(f"/invitation/{_TOKEN}", email=_EMAIL, password=_STRONG)),
    Attack("made-up set-up links", "pool", _form(f"/setup/{_TOKEN}", email=_EMAIL, password=_STRONG)),
    Attack("made-up attempts, code", "writer", _call("/sign-in/code", sign_in=_TOKEN, code="123456")),
    Attack("made-up attempts, recovery code", "writer", _call("/sign-in/recovery-code", **_RECOVERY)),
    Attack("made-up attempts, send", "writer", _call("/sign-in/code/send", sign_in=_TOKEN, factor_id="A")),
    Attack(
        "made-up attempts by the form", "writer", _form("/sign-in/code", f"twofold_sign_in={_TOKEN}", code="123456")
    ),
    Attack("made-up attempts given up", "writer", _form("/sign-in/cancel", f"twofold_sign_in={_TOKEN}")),
    Attack("made-up reset links", "writer", _call("/password-reset/complete", token=_TOKEN, new_password=_STRONG)),
    Attack("password resets", "writer", _call("/password-reset", email=_EMAIL)),
    Attack("made-up sessions", "pool", _get("/api/v1/session", authorization=f"Bearer {_TOKEN}")),
    Attack("made-up sessions, settings", "pool", _get("/settings", cookie=f"twofold_session={_TOKEN}")),
    Attack("made-up sessions, unlock", "pool", _call("/session/unlock", password="x")),
    Attack("made-up reset links, page", "pool", _get(f"/reset-password/{_TOKEN}")),
    Attack("readiness", "pool", _get("/readyz")),
    Attack("sign-ups, 128 substitutions", "loop", _call("/accounts", email=_EMAIL, password=_LEET)),
    Attack("sign-ups, weak and long", "loop", _call("/accounts", email=_EMAIL, password="ab" * 64)),
    Attack("sign-ups, weak", "loop", _call("/accounts", email=_EMAIL, password="password")),
    Attack("sign-ins, a password that unfolds", "loop", _call("/sign-in", email=_EMAIL, password=_UNFOLDING)),
    Attack("sign-ins, a wide domain", "loop", _call("/sign-in", email=_WIDE_DOMAIN, password="x")),
    Attack("password resets, a wide domain", "loop", _call("/password-reset", email=_WIDE_DOMAIN)),
    Attack("documentation", "loop", _get("/api/v1/docs")),
    Attack("OpenAPI document", "loop", _get("/api/v1/openapi.json")),
    Attack("page /sign-in", "loop", _get("/sign-in")),
    Attack("3,000 foreign cookies", "loop", _get("/sign-in", cookie=_FOREIGN_COOKIES)),
    Attack("long queries", "loop", _get("/sign-in?return_to=" + "%2e%2e%2f" * 3000)),
    Attack("many fields", "loop", _form("/sign-in", **{f"f{place}": "x" for place in range(5000)})),
    Attack("deep JSON", "loop", (request("POST", "/api/v1/sign-in", b"[" * 60_000, content_type="application/json"),)),
    Attack("many languages", "loop", _get("/sign-in", accept_language=",".join(["xx-yy;q=0.5"] * 3000))),
    Attack("forwarded by many", "loop", _get("/sign-in", x_forwarded_for=",".join(["192.0.2.1"] * 3000))),
    Attack("large bodies", "connections", _call("/sign-in", email=_EMAIL, password="x" * 70_000)),
    Attack("slow bodies", "connections", _in_pieces(_LARGE_SIGN_IN[0], 300, 100, 100, 100), 1.0, max_wait=10.0),
    Attack("half-sent requests", "connections", _in_pieces(_SIGN_IN[0], 40, 10), 1.0, max_wait=10.0),
    Attack("silent connections", "connections", (), max_wait=5.0),
)
