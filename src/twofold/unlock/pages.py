"""The page that unlocks settings or proves what a page demands, then returns to the previous page."""

from urllib.parse import urlencode

from starlette.responses import Response

from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import Page
from twofold.factors.contract import kinds
from twofold.factors.prompt import code_prompt
from twofold.factors.recovery.pages import after_saving, show_code
from twofold.factors.set_up import set_up_page
from twofold.factors.verification import wait_for_delivery
from twofold.repeats.rules import SignInCompleted
from twofold.sessions.actions import identify
from twofold.sessions.cookies import set_session_cookie
from twofold.unlock import actions
from twofold.unlock.actions import Credentials, Requirements, Unlocked
from twofold.unlock.rules import ANY, Demand, Missing, fields, read_demand, refusal


async def show(ctx: Context) -> Response:
    """Ask for the password and, with 2FA on or for a level that needs it, for a code.

    If the demand is already met, redirect at once; if it needs a new method, redirect to its set-up.
    """
    demand = _demand(ctx)
    required = await ctx.read(actions.requirements, demand)
    if demand != ANY and ctx.problem is None and required.missing is not Missing.STEP_UP:
        return _away(ctx, demand, required)
    return ctx.render(
        "unlock/authenticate.html",
        second_factor=required.second_factor,
        by_recovery_code=required.recovery_code and _uses_recovery_code(ctx),
        recovery_code=required.recovery_code,
        prompt=code_prompt(ctx, required.two_factor, required.challenge),
        to_continue=demand != ANY,
        return_to=ctx.return_to,
        passed_on=_passed_on(ctx),
    )


async def send_code(ctx: Context) -> Response:
    """Send a code to one of the visitor's phones."""
    await wait_for_delivery(ctx.system, await ctx.write(actions.send_code, ctx.form.get("factor_id", "")))
    return ctx.redirect(f"/authenticate?{urlencode(_passed_on(ctx))}")


async def authenticate(ctx: Context) -> Response:
    """Unlock the settings."""
    token, browser = ctx.session_token or "", ctx.cookies.get(BROWSER)
    credentials, demand = _read_credentials(ctx), _demand(ctx)
    if demand != ANY:
        required = await ctx.read(actions.requirements, demand)
        if required.missing in (Missing.ENROLMENT, Missing.UNAVAILABLE):  # the method was removed meanwhile
            return _away(ctx, demand, required)
    try:
        unlocked = await actions.unlock(ctx.system, ctx.known_visitor, token, browser, credentials, demand)
    except SignInCompleted:
        ctx.visitor = None  # the token was replaced meanwhile, so a form for its session would be useless
        raise
    return await _respond(ctx, unlocked)


async def repeat(ctx: Context) -> Response:
    """Repeat the answer to an unlock with the recovery code."""
    token, browser = ctx.session_token or "", ctx.cookies.get(BROWSER)
    unlocked = await actions.repeat(ctx.system, token, browser, _read_credentials(ctx))
    ctx.visitor = await ctx.system.read(identify, unlocked.session.token)
    return await _respond(ctx, unlocked)


def _demand(ctx: Context) -> Demand:
    given = ctx.form or ctx.query
    return read_demand(given.get("level", ""), given.get("since", ""), ctx.now)


def _passed_on(ctx: Context) -> dict[str, str]:
    """Return what the forms and links of the page pass on."""
    return {**fields(_demand(ctx)), "return_to": ctx.return_to}


def _uses_recovery_code(ctx: Context) -> bool:
    return ctx.query.get("with") == "recovery_code" or "recovery_code" in ctx.form


def _away(ctx: Context, demand: Demand, required: Requirements) -> Response:
    if required.missing is Missing.NOTHING:
        return ctx.redirect(ctx.return_to)
    if required.missing is Missing.ENROLMENT:
        return ctx.redirect(set_up_page(demand.level, ctx.return_to))
    raise refusal(ctx.known_visitor.level, demand, required.missing, required.asks_for)


def _read_credentials(ctx: Context) -> Credentials:
    form = ctx.form
    names = {name for kind in kinds(ctx).offered for name in kind.answer_fields}
    answer = {name: form[name] for name in names if form.get(name)}
    return Credentials(form.get("password", ""), answer, form.get("recovery_code"))


async def _respond(ctx: Context, unlocked: Unlocked) -> Response:
    set_session_cookie(ctx, unlocked.session)
    if unlocked.recovery_code:
        return await show_code(ctx, unlocked.recovery_code, then=after_saving(ctx.return_to), earlier=True)
    return ctx.redirect(ctx.return_to)


ROUTES = (
    Page("GET", "/authenticate", show, Access.SIGNED_IN),
    Page("POST", "/authenticate/send", send_code, Access.SIGNED_IN, again=show),
    Page("POST", "/authenticate", authenticate, Access.SIGNED_IN, again=show, repeat=repeat),
)
