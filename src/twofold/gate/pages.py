"""Our own pages on the way to an application: where a bounce leads, and signing out."""

from urllib.parse import quote, urlencode

from msgspec.structs import replace
from starlette.responses import Response

from twofold.base.ids import new_token
from twofold.base.problems import NotFound
from twofold.base.texts import _
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.cookie_check import is_marked
from twofold.base.web.leaving import leave_for
from twofold.base.web.routes import Page
from twofold.gate import actions, answers, states
from twofold.gate.answers import Link
from twofold.gate.arrivals import BEGIN, SIGN_OUT
from twofold.gate.cookies import hash_of
from twofold.gate.demands import demand_of
from twofold.gate.loops import StaleStates
from twofold.gate.origins import InvalidOrigin, read_address
from twofold.gate.rules import Asked, Rules
from twofold.gate.states import State
from twofold.sessions import actions as sessions
from twofold.sessions.cookies import delete_session_cookie
from twofold.unlock import step_up
from twofold.unlock.rules import ANY, Demand, Missing, authenticate_at, refusal

DOOR = "door"  # the cookie of a browser that has come from an application
_DOOR_LASTS = 86_400  # seconds


async def begin(ctx: Context) -> Response:
    """Lead a browser to what it wants: by the sign-in or a step-up if the session needs one, else by a ticket."""
    state = states.unseal(ctx.site.keys, ctx.query.get("s", ""))
    if state is None or not ctx.site.part(Rules).covers(state.origin):
        raise NotFound
    door = ctx.cookies.get(DOOR)
    if not state.is_current(ctx.now, hash_of(door) if door else ""):
        return _begin_again(ctx, state)
    ctx.visitor = visitor = await sessions.recognise(ctx.system, ctx.session_token)
    demand = _demand(ctx, state, visitor) if visitor else ANY
    missing = await step_up.lack(ctx.system, visitor, demand) if visitor else Missing.STEP_UP
    if missing is Missing.NOTHING:
        ticket = await ctx.system.write(_make_ticket, ctx.session_token, state)
        return _to(f"{state.origin}/.twofold/arrive.html?t={ticket}")
    if state.in_frame:
        return _open_a_tab(ctx, state)
    if visitor and missing is Missing.UNAVAILABLE:
        raise refusal(visitor.level, demand, missing, ())
    ask_at = f"{authenticate_at(demand)}&" if visitor else "/sign-in?"
    return ctx.redirect(f"{ask_at}return_to={quote(_sealed_for_this_browser(ctx, state, door), safe='')}")


async def show_sign_out(ctx: Context) -> Response:
    """Ask whether to sign out of everything."""
    ctx.visitor = await sessions.recognise(ctx.system, ctx.session_token)
    return ctx.render("gate/sign_out.html", rd=_return_address(ctx) or "")


async def sign_out(ctx: Context) -> Response:
    """Sign out, and go back to the application."""
    await ctx.write(sessions.sign_out)
    delete_session_cookie(ctx)
    return await leave(ctx)


async def leave(ctx: Context) -> Response:
    """Go back to the application."""
    address = _return_address(ctx)
    return leave_for(ctx, address) if address else ctx.redirect("/sign-in")


async def _make_ticket(uow: UnitOfWork, token: str | None, state: State) -> str:
    visitor = await sessions.admit(uow, token, Access.SIGNED_IN)
    return await actions.make_ticket(uow, visitor, state)


def _begin_again(ctx: Context, state: State) -> Response:
    """Send the browser to the address, from where it comes back with a new state, unless it goes in circles."""
    return_to = f"{BEGIN}?{ctx.request.url.query}"
    if is_marked(return_to) and not ctx.cookies.are_kept:
        return ctx.redirect(f"/sign-in?return_to={quote(return_to, safe='')}")  # which says that cookies are needed
    if ctx.site.part(StaleStates).is_one_too_many(hash_of(ctx.query["s"]), ctx.now):
        page = {"host": state.origin.authority, "address": state.address}
        return ctx.render("gate/circle.html", status_code=answers.FORBIDDEN, **page)
    return _to(state.address)


def _demand(ctx: Context, state: State, visitor: Visitor) -> Demand:
    """Return what the rules for a page and its data demand of the visitor's session."""
    page = _demand_at(ctx, state, visitor, state.target.partition("?")[0])
    data = _demand_at(ctx, state, visitor, state.data) if state.data else ANY
    return Demand(max(page.level, data.level), max(page.since, data.since))


def _demand_at(ctx: Context, state: State, visitor: Visitor, path: str) -> Demand:
    rule = ctx.site.part(Rules).decide(Asked(state.origin, state.method, path, state.client)).rule
    if rule is None or not rule.asks_who or not rule.admits(visitor.username, visitor.groups):
        return ANY  # the check answers there, and says why
    return demand_of(rule, ctx.now)


def _sealed_for_this_browser(ctx: Context, state: State, door: str | None) -> str:
    """Return our address for a state that this browser may use for a day, and remember the browser."""
    if state.door:
        return f"{BEGIN}?s={ctx.query['s']}"
    door = door or new_token()
    ctx.cookies.set(DOOR, door, _DOOR_LASTS)
    return f"{BEGIN}?s={states.seal(ctx.site.keys, replace(state, door=hash_of(door), at=ctx.now, in_frame=False))}"


def _open_a_tab(ctx: Context, state: State) -> Response:
    """Offer a new tab, since people should not type a password into a frame.

    Any page may frame this one, as it may frame the application: there is nothing on it but this link.
    """
    title, link = _("Sign in to see this part"), _("Sign in")
    if ctx.visitor:
        title, link = _("Authenticate to see this part"), _("Authenticate")
    answer = answers.page(
        ctx.site,
        answers.OK,
        title,
        _("{host} opens in a new tab. Sign in there, then reload this page.").format(host=state.origin.authority),
        _("If you see this again, stay in the new tab: your browser does not send cookies to a frame of another site."),
        links=[Link(link, f"{state.origin}/.twofold/sign-in.html?{urlencode({'to': state.target})}")],
        framed=True,
    )
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    may_be_framed = {"X-Frame-Options": "", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(answer.body, answer.status, {**headers, **may_be_framed})


def _return_address(ctx: Context) -> str | None:
    """Return the address of an application to go back to, or None unless a rule is about it."""
    try:
        origin, target = read_address(ctx.form.get("rd") or ctx.query.get("rd", ""))
    except InvalidOrigin:
        return None
    target = quote(target, safe="/:?#[]@!$&()*+,;=%~-._")  # as browsers write it
    return f"{origin}{target}" if ctx.site.part(Rules).covers(origin) else None


def _to(address: str) -> Response:
    """Redirect to an application, byte for byte."""
    return Response(b"", 302, {"Location": address, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})


ROUTES = (
    Page("GET", BEGIN, begin, Access.PUBLIC, leaves=True),
    Page("GET", SIGN_OUT, show_sign_out, Access.PUBLIC),
    Page("POST", SIGN_OUT, sign_out, Access.SIGNED_IN, repeat=leave),
)
