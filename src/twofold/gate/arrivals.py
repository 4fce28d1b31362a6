"""Between an application and us: bounces, and the reserved paths at which browsers come back."""

import re
from urllib.parse import parse_qs, quote, urlencode

from starlette.types import Scope

from twofold.base.proofs import Level
from twofold.base.site import Site
from twofold.base.texts import N_, _
from twofold.base.unit_of_work import Runner
from twofold.gate import answers, states
from twofold.gate.actions import Arrival, is_ticket, spend_ticket, visitor_behind
from twofold.gate.answers import Answer, Link
from twofold.gate.cookies import (
    ApplicationCookies,
    hash_of,
    is_nonce,
    new_nonce,
    read_gate_cookie,
    write_gate_cookie,
)
from twofold.gate.loops import RecentArrivals
from twofold.gate.origins import InvalidOrigin, is_forbidden, read_address
from twofold.gate.questions import Dialect, Kind, Question
from twofold.gate.rules import Rules
from twofold.gate.states import State
from twofold.unlock.rules import Demand

RESERVED = "/.twofold/"
BEGIN, SIGN_OUT = "/gate/begin", "/gate/sign-out"
_ARRIVE, _SIGN_IN, _SIGN_OUT = (f"{RESERVED}{name}.html" for name in ("arrive", "sign-in", "sign-out"))
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_SIGN_IN_FIRST = N_("Sign in to continue.")
_NOTHING_SENT = N_("Nothing was sent. Your browser keeps what you entered while this page is open.")
_SEND_AGAIN = N_("Sign in in a new tab. Then come back to this tab and reload it to send the form again.")


def ask_to_sign_in(
    site: Site, dialect: Dialect, question: Question, cookies: ApplicationCookies, scope: Scope
) -> Answer:
    """Answer a request without a session."""
    if question.kind in {Kind.NAVIGATION, Kind.FRAME}:
        return bounce(site, dialect, question, cookies, scope)
    if question.kind is Kind.FORM:
        return _nothing_sent(site, question, _("You were signed out"))
    return answers.refuse_program(_(_SIGN_IN_FIRST), "Bearer")


def ask_for_more(
    site: Site, dialect: Dialect, question: Question, cookies: ApplicationCookies, scope: Scope, demand: Demand
) -> Answer:
    """Answer a request whose session has not proved enough (RFC 9470 3)."""
    if question.kind in {Kind.NAVIGATION, Kind.FRAME}:
        return bounce(site, dialect, question, cookies, scope)
    if question.kind is Kind.FORM:
        return _nothing_sent(site, question, _("Confirm that it is you"))
    level = f', acr_values="{demand.level}"' if demand.level > Level.ONE_FACTOR else ""
    age = f', max_age="{site.clock() - demand.since}"' if demand.since else ""
    challenge = f'Bearer error="insufficient_user_authentication"{level}{age}'
    return answers.refuse_program(_("Authenticate again to continue."), challenge)


def bounce(
    site: Site,
    dialect: Dialect,
    question: Question,
    cookies: ApplicationCookies,
    scope: Scope,
    target: str | None = None,
    data: str = "",
) -> Answer:
    """Send a browser to us with what it wants, sealed. Nothing is written."""
    wanted = states.short_target(question.target if target is None else target)
    known = cookies.read_nonce(scope["headers"])
    nonce = known if known and is_nonce(known) else new_nonce()
    state = State(
        origin=question.origin,
        target=wanted,
        nonce=hash_of(nonce),
        at=site.clock(),
        method=question.method,
        client=question.client,
        in_frame=question.kind is Kind.FRAME,
        data=states.short_data(data, wanted),
    )
    location = f"{site.config.base_url}{BEGIN}?s={states.seal(site.keys, state)}"
    return answers.redirect(dialect, location, None if nonce == known else cookies.line(cookies.nonce_name, nonce))


async def answer(
    runner: Runner, dialect: Dialect, question: Question, cookies: ApplicationCookies, scope: Scope
) -> Answer:
    """Answer at a reserved path of an application, which never reaches the application."""
    site = runner.site
    if question.path not in {_ARRIVE, _SIGN_IN, _SIGN_OUT}:
        front_page = Link(_("Open {host}").format(host=question.origin.authority), "/")
        text = _("This address belongs to Twofold.")
        return answers.forbid(site, question, _("This is closed"), text, links=[front_page])
    navigates = question.kind in {Kind.NAVIGATION, Kind.FRAME} and question.method == "GET"
    if not navigates or question.is_prefetch:
        return answers.refuse_program(_(_SIGN_IN_FIRST), "Bearer")
    given = {name: values[0] for name, values in parse_qs(question.query).items() if len(values) == 1}
    if question.path == _SIGN_OUT:
        query = urlencode({"rd": f"{question.origin}/"})
        return answers.redirect(dialect, f"{site.config.base_url}{SIGN_OUT}?{query}")
    if question.path == _SIGN_IN:
        page = _local_target(given.get("to", "/"))
        data = _local_target(given["for"]) if "for" in given else ""
        return bounce(site, dialect, question, cookies, scope, page, data)
    return await _arrive(runner, dialect, question, cookies, scope, given.get("t", ""))


async def _arrive(
    runner: Runner, dialect: Dialect, question: Question, cookies: ApplicationCookies, scope: Scope, token: str
) -> Answer:
    site, origin = runner.site, question.origin
    nonce = cookies.read_nonce(scope["headers"])
    known = read_gate_cookie(site.keys, cookies.read_gate(scope["headers"]), origin)
    is_in = known is not None and await visitor_behind(site, known, is_use=False) is not None
    has_nonce = is_nonce(nonce)
    if dialect is Dialect.NGINX and not is_in and not has_nonce:
        return _cookie_not_kept(site, question, "/")  # nginx asks again for the page, and the ticket is spent then
    arrival = Arrival()
    is_known = _TOKEN.fullmatch(token) is not None and await runner.read(is_ticket, token)
    if is_known:  # an invented one causes no write
        arrival = await runner.write(spend_ticket, token, str(origin), hash_of(nonce or ""))
    address = f"{origin}{arrival.target or '/'}"
    if not is_in and not has_nonce:
        return _cookie_not_kept(site, question, address)
    if is_in and arrival.gate_id in {None, known}:
        return answers.redirect(dialect, address)
    if _goes_in_circles(site, nonce or "", arrival):
        return _cookie_not_kept(site, question, address)
    if arrival.gate_id is None:
        return answers.redirect(dialect, address)
    value = write_gate_cookie(site.keys, arrival.gate_id, origin)
    return answers.redirect(dialect, address, cookies.line(cookies.gate_name, value))


def _goes_in_circles(site: Site, nonce: str, arrival: Arrival) -> bool:
    """Count a ticket, good or not. Without one, only look: nginx asks twice for a page, after the ticket was spent."""
    recent = site.part(RecentArrivals)
    return (recent.is_one_too_many if arrival.is_known else recent.is_exhausted)(nonce, site.clock())


def _cookie_not_kept(site: Site, question: Question, address: str) -> Answer:
    host = question.origin.authority
    if question.kind is Kind.FRAME:
        return answers.forbid(
            site,
            question,
            _("Open this part in a tab of its own"),
            _("Your browser does not send cookies to a frame of another site."),
            links=[Link(_("Open {host}").format(host=host), address)],
        )
    return answers.forbid(
        site,
        question,
        _("This browser, or the proxy in front of {host}, did not keep our cookie").format(host=host),
        _("Allow cookies for {host} and try again.").format(host=host),
        _("Administrators: check that the proxy passes on the cookie that the gate sets, as in the recipes."),
        links=[Link(_("Try again"), address)],
    )


def _nothing_sent(site: Site, question: Question, title: str) -> Answer:
    """Say that a form has not reached the application, and open its page, which leads to the sign-in."""
    try:
        origin, _target = read_address(question.referer)
        back = question.referer if site.part(Rules).covers(origin) else "/"
    except InvalidOrigin:
        back = "/"
    link = Link(_("Sign in in a new tab"), back)  # in this tab, a link would lose what was entered
    return answers.page(site, answers.UNAUTHORIZED, title, _(_NOTHING_SENT), _(_SEND_AGAIN), links=[link], new_tab=True)


def _local_target(wanted: str) -> str:
    """Return a target at the same origin: the one wanted, or the front page."""
    encoded = quote(wanted, safe="/:?#[]@!$&'()*+,;=%~-._")
    is_local = encoded.startswith("/") and not encoded.startswith("//") and not is_forbidden(encoded)
    return encoded if is_local and not encoded.startswith(RESERVED) else "/"
