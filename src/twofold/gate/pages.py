"""Our own pages on the way to an application: where a bounce leads, and signing out."""

from urllib.parse import quote, urlencode

from msgspec.structs import replace
from starlette.responses import Response

from twofold.base.ids import new_token
from twofold.base.problems import NotFound
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.headers import content_policy
from twofold.base.web.leaving import leave_for
from twofold.base.web.routes import Page
from twofold.gate import actions, states
from twofold.gate.arrivals import BEGIN, SIGN_OUT
from twofold.gate.cookies import hash_of
from twofold.gate.demands import demand_of
from twofold.gate.origins import InvalidOrigin, read_address
from twofold.gate.rules import Asked, Rules
from twofold.gate.states import State
from twofold.sessions import actions as sessions
from twofold.sessions.cookies import delete_session_cookie
from twofold.unlock import step_up
from twofold.unlock.rules import Missing, authenticate_at, refusal

DOOR = "door"  # the cookie of a browser that has come from an application
_DOOR_LASTS = 86_400  # seconds


async def begin(ctx: Context) -> Response:
    """Lead a browser to what it wants: by the sign-in or a step-up if the session needs one, else by a ticket."""
    state = states.unseal(ctx.site.keys, ctx.query.get("s", ""))
    if state is None or not ctx.site.part(Rules).covers(state.origin):
        raise NotFound
    door = ctx.cookies.get(DOOR)
    if not state.is_current(ctx.now, hash_of(door) if door else ""):
        return _to(state.address)
    visitor = await sessions.recognise(ctx.system, ctx.session_token)
    here = _sealed_for_this_browser(ctx, state, door)
    if visitor is None:
        if state.in_frame:
            return _sign_in_from_frame(ctx, state)
        return ctx.redirect(f"/sign-in?return_to={quote(here, safe='')}")
    ctx.visitor = visitor
    if (more := await _step_up(ctx, visitor, state)) is not None:
        return ctx.redirect(f"{more}&return_to={quote(here, safe='')}")
    ticket = await ctx.system.write(_make_ticket, ctx.session_token, state)
    return _to(f"{state.origin}/.twofold/arrive.html?t={ticket}")


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


async def _step_up(ctx: Context, visitor: Visitor, state: State) -> str | None:
    """Return the page where the visitor proves what the rule for an address demands, or None. Raise StepUpRequired."""
    path = state.target.partition("?")[0]
    rule = ctx.site.part(Rules).decide(Asked(state.origin, state.method, path, state.client)).rule
    if rule is None or not rule.asks_who or not rule.admits(visitor.username, visitor.groups):
        return None  # the check answers there, and says why
    demand = demand_of(rule, ctx.now)
    missing = await step_up.lack(ctx.system, visitor, demand)
    if missing is Missing.NOTHING:
        return None
    if missing is Missing.UNAVAILABLE:
        raise refusal(visitor.level, demand, missing, ())
    return authenticate_at(demand)


def _sealed_for_this_browser(ctx: Context, state: State, door: str | None) -> str:
    """Return our address for a state that this browser may use for a day, and remember the browser."""
    if state.door:
        return f"{BEGIN}?s={ctx.query['s']}"
    door = door or new_token()
    ctx.cookies.set(DOOR, door, _DOOR_LASTS)
    return f"{BEGIN}?s={states.seal(ctx.site.keys, replace(state, door=hash_of(door), at=ctx.now, in_frame=False))}"


def _sign_in_from_frame(ctx: Context, state: State) -> Response:
    """Offer a new tab, since people should not type a password into a frame."""
    address = f"{state.origin}/.twofold/sign-in.html?{urlencode({'to': state.target})}"
    response = ctx.render("gate/in_frame.html", address=address, host=state.origin.authority)
    response.headers["Content-Security-Policy"] = content_policy({"frame-ancestors": str(state.origin)})
    response.headers["X-Frame-Options"] = ""  # which knows no other origin
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


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
