"""The pages on which accounts are made. Whoever makes one is signed in."""

from starlette.responses import Response

from twofold.accounts.links import LinkGone
from twofold.accounts.rules import Account
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.cookies import BROWSER, SESSION
from twofold.base.web.routes import Page
from twofold.sessions.cookies import keep_browser, keep_session
from twofold.signup import actions


async def ask_sign_up(ask: Ask) -> Response:
    """Ask for address and password, where anybody may sign up."""
    registration = ask.site.config.registration
    if registration != "open":
        return ask.render("signup/closed.html", status_code=403, invite_only=registration == "invite")
    return ask.render("signup/sign_up.html", kind="open", email=None, action="/sign-up")


async def sign_up(ask: Ask) -> Response:
    """Make the account."""
    email, password = ask.form.get("email", ""), ask.form.get("password", "")
    account = await actions.sign_up(ask.acts, email, password)
    return await _welcome(ask, account) if account else ask.render("signup/check_mail.html", email=email)


async def ask_password(ask: Ask) -> Response:
    """Ask for the password that was chosen; looking does not use the link up."""
    token = ask.request.path_params["token"]
    try:
        await ask.acts.read(actions.check_sign_up, token)
    except LinkGone:
        return ask.render("signup/link_gone.html", status_code=404)
    return ask.render("signup/confirm.html", action=f"/sign-up/{token}")


async def finish_sign_up(ask: Ask) -> Response:
    """Make the account by the mailed link."""
    token = ask.request.path_params["token"]
    return await _welcome(ask, await actions.finish_sign_up(ask.acts, token, ask.form.get("password", "")))


async def ask_set_up(ask: Ask) -> Response:
    """Ask for the first administrator's address and password."""
    token = ask.request.path_params["token"]
    try:
        await ask.acts.read(actions.check_first_administrator, token)
    except LinkGone:
        return ask.render("signup/link_gone.html", status_code=404)
    return ask.render("signup/sign_up.html", kind="first_administrator", email=None, action=f"/setup/{token}")


async def set_up(ask: Ask) -> Response:
    """Make the first administrator."""
    form, token = ask.form, ask.request.path_params["token"]
    return await _welcome(ask, await actions.set_up(ask.acts, token, form.get("email", ""), form.get("password", "")))


async def ask_invited(ask: Ask) -> Response:
    """Ask an invited person for a password."""
    token = ask.request.path_params["token"]
    try:
        email = await ask.acts.read(actions.invited_address, token)
    except LinkGone:
        return ask.render("signup/link_gone.html", status_code=404)
    return ask.render("signup/sign_up.html", kind="invitation", email=email, action=f"/invitation/{token}")


async def accept_invitation(ask: Ask) -> Response:
    """Make the invited person's account."""
    token = ask.request.path_params["token"]
    return await _welcome(ask, await actions.accept_invitation(ask.acts, token, ask.form.get("password", "")))


async def _welcome(ask: Ask, account: Account) -> Response:
    browser, old_session = ask.cookies.get(BROWSER), ask.cookies.get(SESSION)
    welcome = await ask.acts.write(actions.welcome, account, browser, old_session)
    keep_session(ask, welcome.session)
    keep_browser(ask, welcome.browser)
    return ask.go("/settings")


ROUTES = (
    Page("GET", "/sign-up", ask_sign_up, Need.NOBODY),
    Page("POST", "/sign-up", sign_up, Need.NOBODY, again=ask_sign_up),
    Page("GET", "/sign-up/{token}", ask_password, Need.NOBODY),
    Page("POST", "/sign-up/{token}", finish_sign_up, Need.NOBODY, again=ask_password),
    Page("GET", "/setup/{token}", ask_set_up, Need.NOBODY),
    Page("POST", "/setup/{token}", set_up, Need.NOBODY, again=ask_set_up),
    Page("GET", "/invitation/{token}", ask_invited, Need.NOBODY),
    Page("POST", "/invitation/{token}", accept_invitation, Need.NOBODY, again=ask_invited),
)
