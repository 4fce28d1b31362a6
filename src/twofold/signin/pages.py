"""The pages of the sign-in: password, code, recovery code."""

from urllib.parse import quote

from starlette.responses import Response

from twofold.base.ids import token_hash
from twofold.base.problems import Problem
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.cookie_check import is_marked, unmarked
from twofold.base.web.cookies import BROWSER, SESSION
from twofold.base.web.routes import Page
from twofold.factors.actions import two_factor
from twofold.factors.contract import kinds
from twofold.factors.prompt import code_prompt, method_label
from twofold.factors.recovery.pages import after_saving, show_code
from twofold.factors.trust import Trust
from twofold.factors.verification import read_answers, wait_for_delivery
from twofold.repeats.rules import SignInCompleted
from twofold.sessions.actions import identify, recognise
from twofold.sessions.cookies import redirect_after_sign_in, set_browser_cookie, set_session_cookie
from twofold.signin import actions, attempts
from twofold.signin.actions import Client, SignedIn
from twofold.signin.attempts import CodeRequired
from twofold.signin.rules import CookieNotKept, OtherSignIn, SignInExpired

COOKIE = "sign_in"
_COOKIE_LIFETIME = 3600  # seconds, longer than an attempt, to tell an expired one from a cookie that was not stored


async def show_password_form(ctx: Context) -> Response:
    """Show the form for address and password; redirect a visitor who is already signed in."""
    visitor = await recognise(ctx.system, ctx.session_token)
    return_to = unmarked(ctx.return_to)
    if ctx.problem is None and visitor is not None:
        return ctx.redirect(return_to)
    return ctx.render(
        "signin/sign_in.html",
        return_to=return_to,
        registration_open=ctx.site.config.registration == "open",
        cookie_not_kept=CookieNotKept(host=ctx.site.config.host)
        if is_marked(ctx.return_to) and not ctx.cookies.are_kept
        else None,
    )


async def submit_password(ctx: Context) -> Response:
    """Check address and password."""
    email, password = ctx.form.get("email", ""), ctx.form.get("password", "")
    outcome = await actions.submit_password(ctx.system, _client(ctx), email, password)
    if isinstance(outcome, CodeRequired):
        ctx.cookies.set(COOKIE, outcome.sign_in.token, _COOKIE_LIFETIME)
        return _to_code(ctx, sent=await _send_first_code(ctx, outcome))
    _set_cookies(ctx, outcome)
    return redirect_after_sign_in(ctx, ctx.return_to)


async def show_code_form(ctx: Context) -> Response:
    """Show the form for a code; redirect a visitor who is already signed in."""
    return await _show_form(ctx, "signin/code.html")


async def send_code(ctx: Context) -> Response:
    """Send a code to one of the account's phones."""
    sent = await actions.send_code(ctx.system, await _token(ctx), ctx.form.get("factor_id", ""))
    await wait_for_delivery(ctx.system, sent)
    return _to_code(ctx)


async def submit_code(ctx: Context) -> Response:
    """Check a code."""
    trust = ctx.form.get("trust_this_computer") == "yes"
    token, answers = await _token(ctx), read_answers(ctx, ctx.form)
    outcome = await actions.submit_code(ctx.system, _client(ctx), token, answers, trust=trust)
    _set_cookies(ctx, outcome)
    return ctx.redirect(ctx.return_to)


async def show_recovery_code_form(ctx: Context) -> Response:
    """Show the form for the recovery code; redirect a visitor who is already signed in."""
    return await _show_form(ctx, "signin/recovery_code.html")


async def submit_recovery_code(ctx: Context) -> Response:
    """Check the recovery code; the response shows the new one, once."""
    visitor = await recognise(ctx.system, ctx.session_token)
    if visitor is not None and not ctx.cookies.get(COOKIE):  # a reload: the code is used up and the new one was shown
        answer = await show_code(ctx, None)
        answer.status_code = SignInExpired.status
        return answer
    text, token = ctx.form.get("recovery_code", ""), await _token(ctx)
    outcome = await actions.submit_recovery_code(ctx.system, _client(ctx), token, text)
    _set_cookies(ctx, outcome)
    ctx.visitor = await ctx.system.read(identify, outcome.session.token)
    return ctx.render(
        "signin/recovered.html",
        recovery_code=outcome.recovery_code,
        shown=kinds(ctx).recovery.confirmation_token(outcome.account_id, outcome.recovery_code or ""),
        factors=[
            {"id": each.id, "name": each.name, "label": method_label(ctx, each)}
            for each in (await ctx.system.read(two_factor, outcome.account_id)).factors
        ],
        return_to=after_saving(ctx.return_to),
    )


async def cancel(ctx: Context) -> Response:
    """Cancel the attempt."""
    token = ctx.cookies.get(COOKIE) or ""
    if _belongs_to(ctx, token):
        await actions.cancel(ctx.system, token)
        ctx.cookies.drop(COOKIE)
    return ctx.redirect("/sign-in")


async def _send_first_code(ctx: Context, outcome: CodeRequired) -> bool:
    """Send a code at once if the default factor is a phone; return False if it could not be sent.

    The response to the password waits for it. If it cannot be sent, the next page says so and offers other methods.
    """
    default = outcome.two_factor.default
    kind = kinds(ctx).get(default.kind) if default else None
    if default is None or kind is None or not kind.sends:
        return True
    try:
        sent = await actions.send_code(ctx.system, outcome.sign_in.token, default.id)
        await wait_for_delivery(ctx.system, sent)
    except Problem:
        return False
    return True


def _to_code(ctx: Context, *, sent: bool = True) -> Response:
    failed = "" if sent else "&sent=no"
    return ctx.redirect(f"/sign-in/code?return_to={quote(ctx.return_to, safe='')}{failed}")


def _client(ctx: Context) -> Client:
    return Client(
        is_browser=True,
        browser=ctx.cookies.get(BROWSER),
        session=ctx.cookies.get(SESSION),
        attempt=ctx.cookies.get(COOKIE),
        computer=lambda account_id: ctx.site.part(Trust).token_of(ctx, account_id),
    )


async def _show_form(ctx: Context, template: str) -> Response:
    if ctx.problem is None and not ctx.cookies.get(COOKIE) and await recognise(ctx.system, ctx.session_token):
        return ctx.redirect(ctx.return_to)  # the sign-in is completed, and the user went back
    attempt = await ctx.system.read(attempts.current, await _token(ctx))
    return ctx.render(
        template,
        address=attempt.address,
        attempt=_attempt_id(attempt.sign_in.token),
        prompt=code_prompt(ctx, attempt.two_factor, attempt.challenge),
        may_trust=attempt.may_trust and ctx.site.part(Trust).offered,
        trust_days=ctx.site.config.trust // 86400,
        expires_at=attempt.sign_in.expires_at,
        return_to=ctx.return_to,
    )


async def _token(ctx: Context) -> str:
    """Return the token of this browser's current attempt.

    Raise OtherSignIn if the form belongs to another one, and SignInCompleted, SignInExpired or CookieNotKept if there
    is none.
    """
    token = ctx.cookies.get(COOKIE)
    if token and (ctx.problem is not None or _belongs_to(ctx, token)):
        return token
    if token:
        ctx.form = {}  # what was entered for one account must not be shown for another
        raise OtherSignIn
    if await recognise(ctx.system, ctx.session_token):
        raise SignInCompleted
    if ctx.cookies.are_kept:
        raise SignInExpired
    raise CookieNotKept(host=ctx.site.config.host)


def _belongs_to(ctx: Context, token: str) -> bool:
    """Return whether a form belongs to this attempt; two users may sign in in two tabs of one browser."""
    return ctx.form.get("attempt", _attempt_id(token)) == _attempt_id(token)


def _attempt_id(token: str) -> str:
    return token_hash(f"form:{token}").hex()[:32]


def _set_cookies(ctx: Context, outcome: SignedIn) -> None:
    ctx.cookies.drop(COOKIE)
    set_session_cookie(ctx, outcome.session)
    set_browser_cookie(ctx, outcome.browser)
    if outcome.trusted_computer:
        ctx.site.part(Trust).set_cookie(ctx, outcome.account_id, outcome.trusted_computer)


ROUTES = (
    Page("GET", "/sign-in", show_password_form, Access.PUBLIC),
    Page("POST", "/sign-in", submit_password, Access.PUBLIC, again=show_password_form),
    Page("GET", "/sign-in/code", show_code_form, Access.PUBLIC),
    Page("POST", "/sign-in/code", submit_code, Access.PUBLIC, again=show_code_form),
    Page("POST", "/sign-in/code/send", send_code, Access.PUBLIC, again=show_code_form),
    Page("GET", "/sign-in/recovery-code", show_recovery_code_form, Access.PUBLIC),
    Page("POST", "/sign-in/recovery-code", submit_recovery_code, Access.PUBLIC, again=show_recovery_code_form),
    Page("POST", "/sign-in/cancel", cancel, Access.PUBLIC),
)
