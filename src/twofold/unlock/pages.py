"""The page that unlocks settings, and leads back to where one came from."""

from starlette.responses import Response

from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import Page
from twofold.factors.actions import two_factor
from twofold.factors.recovery_pages import show_code
from twofold.sessions.cookies import keep_session
from twofold.unlock import actions
from twofold.unlock.actions import Proofs


async def show(ask: Ask) -> Response:
    """Ask for the password, and for a code while 2FA is on."""
    use_recovery = ask.query.get("with") == "recovery_code" or "recovery_code" in ask.form
    active = (await ask.acts.read(two_factor, ask.known_visitor.account_id)).active
    return ask.render("unlock/authenticate.html", two_factor=active, return_to=ask.return_to, use_recovery=use_recovery)


async def authenticate(ask: Ask) -> Response:
    """Unlock."""
    form = ask.form
    given = Proofs(form.get("password", ""), form.get("code") or None, form.get("recovery_code") or None)
    token, browser = ask.session_token or "", ask.cookies.get(BROWSER)
    unlocked = await actions.unlock(ask.acts, ask.known_visitor, token, browser, given)
    keep_session(ask, unlocked.session)
    if unlocked.recovery_code:
        return await show_code(ask, unlocked.recovery_code)
    return ask.go(ask.return_to)


ROUTES = (
    Page("GET", "/authenticate", show, Need.SIGNED_IN),
    Page("POST", "/authenticate", authenticate, Need.SIGNED_IN, again=show),
)
