"""The pages for creating accounts; each signs the new user in."""

from starlette.responses import Response

from twofold.accounts.rules import Account
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.cookies import BROWSER, SESSION
from twofold.base.web.routes import Page
from twofold.sessions.cookies import redirect_after_sign_in, set_browser_cookie, set_session_cookie
from twofold.signup import actions


async def show_sign_up_form(ctx: Context) -> Response:
    """Ask for address and password if sign-up is open."""
    registration = ctx.site.config.registration
    if registration != "open":
        return ctx.render("signup/closed.html", status_code=403, invite_only=registration == "invite")
    return_to = ctx.return_to
    return ctx.render("signup/sign_up.html", kind="open", email=None, action="/sign-up", return_to=return_to)


async def sign_up(ctx: Context) -> Response:
    """Create the account and return to where the user wanted to go, or mail a link."""
    email, password = ctx.form.get("email", ""), ctx.form.get("password", "")
    account = await actions.sign_up(ctx.system, email, password)
    if account is None:
        return ctx.render("signup/check_mail.html", email=email)
    return await _sign_in(ctx, account, ctx.return_to)


async def show_password_form(ctx: Context) -> Response:
    """Ask for the password chosen at sign-up, without consuming the link."""
    token = ctx.request.path_params["token"]
    email = await ctx.system.read(actions.signed_up_address, token)
    return ctx.render("signup/confirm.html", email=email, action=f"/sign-up/{token}")


async def finish_sign_up(ctx: Context) -> Response:
    """Create the account with the mailed link."""
    token = ctx.request.path_params["token"]
    return await _sign_in(ctx, await actions.finish_sign_up(ctx.system, token, ctx.form.get("password", "")))


async def show_set_up_form(ctx: Context) -> Response:
    """Ask for the first administrator's address and password."""
    token = ctx.request.path_params["token"]
    await ctx.system.read(actions.check_first_administrator, token)
    return ctx.render(
        "signup/sign_up.html", kind="first_administrator", email=None, action=f"/setup/{token}", return_to=None
    )


async def set_up(ctx: Context) -> Response:
    """Create the first administrator."""
    form, token = ctx.form, ctx.request.path_params["token"]
    return await _sign_in(ctx, await actions.set_up(ctx.system, token, form.get("email", ""), form.get("password", "")))


async def show_invitation_form(ctx: Context) -> Response:
    """Ask an invited user for a password."""
    token = ctx.request.path_params["token"]
    email = await ctx.system.read(actions.invited_address, token)
    return ctx.render(
        "signup/sign_up.html", kind="invitation", email=email, action=f"/invitation/{token}", return_to=None
    )


async def accept_invitation(ctx: Context) -> Response:
    """Create the invited user's account."""
    token = ctx.request.path_params["token"]
    return await _sign_in(ctx, await actions.accept_invitation(ctx.system, token, ctx.form.get("password", "")))


async def _sign_in(ctx: Context, account: Account, return_to: str = "/settings") -> Response:
    browser, old_session = ctx.cookies.get(BROWSER), ctx.cookies.get(SESSION)
    signed_in = await ctx.system.write(actions.sign_in, account, browser, old_session)
    set_session_cookie(ctx, signed_in.session)
    set_browser_cookie(ctx, signed_in.browser)
    return redirect_after_sign_in(ctx, return_to)


_GONE = "signup/link_gone.html"

ROUTES = (
    Page("GET", "/sign-up", show_sign_up_form, Access.PUBLIC),
    Page("POST", "/sign-up", sign_up, Access.PUBLIC, again=show_sign_up_form),
    Page("GET", "/sign-up/{token}", show_password_form, Access.PUBLIC, gone=_GONE),
    Page("POST", "/sign-up/{token}", finish_sign_up, Access.PUBLIC, again=show_password_form, gone=_GONE),
    Page("GET", "/setup/{token}", show_set_up_form, Access.PUBLIC, gone=_GONE),
    Page("POST", "/setup/{token}", set_up, Access.PUBLIC, again=show_set_up_form, gone=_GONE),
    Page("GET", "/invitation/{token}", show_invitation_form, Access.PUBLIC, gone=_GONE),
    Page("POST", "/invitation/{token}", accept_invitation, Access.PUBLIC, again=show_invitation_form, gone=_GONE),
)
