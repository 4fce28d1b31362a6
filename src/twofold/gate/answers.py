"""The answers of the check: for each dialect, for people and for programs.

Each answer but 200 has at most one `Set-Cookie` and one `WWW-Authenticate`, since nginx hands on only the first. Its
pages need nothing from our own origin, since browsers show them at the application's address.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

import msgspec
from markupsafe import Markup

from twofold.base.problems import Problem
from twofold.base.site import Site
from twofold.base.texts import _, locale
from twofold.base.visitor import NotSignedIn, Visitor
from twofold.base.web.templates import Templates
from twofold.gate.questions import Dialect, Kind, Question
from twofold.gate.rules import Rule

Header = tuple[bytes, bytes]
FORBIDDEN = 403
SIGN_IN_PATH = "/.twofold/sign-in.html"
OK, _FOUND, UNAUTHORIZED = 200, 302, 401
IDENTITY: Mapping[str, str] = {
    "user": "Remote-User",
    "email": "Remote-Email",
    "name": "Remote-Name",
    "groups": "Remote-Groups",
}
_IDENTITY_NAMES = tuple((key, name.lower().encode()) for key, name in IDENTITY.items())
_NO_IDENTITY: Mapping[str, str] = dict.fromkeys(IDENTITY, "")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")  # would end a header, wherever a name came from
_STYLE = (  # as our other pages look
    ":root{--accent:#0e5a54;--on:#fff;--paper:#f3f5f4;--card:#fff;--ink:#15201e;--line:#dfe1e1;color-scheme:light dark}"
    "@media(prefers-color-scheme:dark){:root{--accent:#6ed0c2;--on:#04231f;--paper:#0f1514;--card:#182120;--ink:#e6edeb;"
    "--line:#333c3a}}"
    "*{box-sizing:border-box}"
    'body{margin:0;font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere;'
    "color:var(--ink);background:var(--paper)}"
    "header{padding:1.25rem 1rem;font-weight:650}"
    "main{max-width:28rem;margin:0 auto;padding:2rem 1rem 1.5rem;background:var(--card);border:1px solid var(--line);"
    "border-width:5px 0 1px}"
    "h1{margin:0;font-size:1.625rem;line-height:1.2;letter-spacing:-.015em;font-weight:650;text-wrap:balance}"
    "p{margin:1rem 0 0}h1+p{margin-top:.75rem}.link{margin-top:1.5rem}"
    "a{display:inline-block;padding:.625rem 1rem;font-weight:600;line-height:1.25;text-decoration:none;color:var(--on);"
    "background:var(--accent);border:1px solid var(--accent);border-radius:6px}"
    "a:focus-visible{outline:3px solid var(--ink);outline-offset:2px}"
    "@media(min-width:32rem){header{padding:1.25rem 1.5rem}main{margin:clamp(0rem,7vh,5rem) auto 3rem;"
    "padding:3rem 2rem 2rem;border-width:5px 1px 1px;border-radius:0 0 6px 6px}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_NO_STORE = (b"cache-control", b"no-store")
_GUARDS: tuple[Header, ...] = (
    _NO_STORE,
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Answer(msgspec.Struct, frozen=True):
    """What the proxy gets."""

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = b""


class Link(msgspec.Struct, frozen=True):
    """A link on a page."""

    text: str
    address: str


def admit(rule: Rule, values: Mapping[str, str]) -> Answer:
    """Admit a request, with every identity header."""
    headers = [(name, values[key].encode()) for key, name in _IDENTITY_NAMES]
    if rule.headers:
        headers += [(name.lower().encode(), values[key].encode()) for key, name in rule.headers]
    headers.append(_NO_STORE)
    return Answer(OK, tuple(headers))


def identity(rule: Rule, visitor: Visitor | None) -> Mapping[str, str]:
    """Return the values of the identity headers under a rule; they are empty without a session."""
    if visitor is None:
        return _NO_IDENTITY
    email = visitor.email_for_applications
    return {
        "user": _safe({"username": visitor.username, "email": email, "id": visitor.account_id}[rule.user]),
        "email": _safe(email),
        "name": _safe(visitor.name),
        "groups": _safe(",".join(visitor.groups)),
    }


def _safe(value: str) -> str:
    """Return a value that ends no header."""
    return value if value.isprintable() else _CONTROLS.sub(" ", value)


def redirect(dialect: Dialect, location: str, cookie: Header | None = None) -> Answer:
    """Send a navigation elsewhere, with at most one cookie; nginx takes the address from a 401."""
    status = UNAUTHORIZED if dialect is Dialect.NGINX else _FOUND
    return Answer(status, (*_GUARDS, *((cookie,) if cookie else ()), (b"location", location.encode())))


def refuse_program(detail: str, challenge: str) -> Answer:
    """Refuse a program that is not signed in, and include the path of the page for signing in."""
    content = {"code": "not_signed_in", "title": _(NotSignedIn.title), "detail": detail, "sign_in": SIGN_IN_PATH}
    headers = (b"www-authenticate", challenge.encode()), (b"twofold-sign-in", SIGN_IN_PATH.encode())
    return problem(UNAUTHORIZED, content, *headers)


def forbid(site: Site, question: Question | None, title: str, *paragraphs: str, links: Sequence[Link] = ()) -> Answer:
    """Refuse a request: with a page for people, and with a problem for programs."""
    if question is not None and question.kind is not Kind.PROGRAM:
        framed = question.kind is Kind.FRAME
        return page(site, FORBIDDEN, title, *paragraphs, links=links, framed=framed)
    return problem(FORBIDDEN, {"code": "not_allowed", "title": title, "detail": " ".join(paragraphs)})


def problem(status: int, content: Mapping[str, str], *headers: Header) -> Answer:
    """Answer with a problem document (RFC 9457)."""
    body = msgspec.json.encode({"type": "about:blank", "status": status, **content})
    return Answer(status, (*_GUARDS, *headers, (b"content-type", b"application/problem+json")), body)


def fail(fault: Problem) -> Answer:
    """Answer that the question cannot be decided now; proxies refuse the request then."""
    return problem(fault.status, {"code": fault.code, "title": _(fault.title), "detail": fault.detail})


def page(
    site: Site,
    status: int,
    title: str,
    *paragraphs: str,
    links: Sequence[Link] = (),
    framed: bool = False,
    new_tab: bool = False,
) -> Answer:
    """Answer with a page that needs nothing else; in a frame, its links always open new tabs."""
    context = {
        "lang": locale(),
        "title": title,
        "paragraphs": paragraphs,
        "links": links,
        "new_tab": framed or new_tab,
        "style": Markup(_STYLE),  # noqa: S704 - written above
    }
    body = site.part(Templates).render("gate/answer.html", context).encode()
    ancestors = "*" if framed else "'none'"  # in a frame, there is nothing on it but links that open new tabs
    policy = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors {ancestors}"
    described = ((b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", policy.encode()))
    return Answer(status, (*_GUARDS, *described), body)
