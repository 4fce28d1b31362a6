"""The page that unlocks settings, and leads back to where one came from."""

from urllib.parse import quote

from starlette.responses import Response

from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import Page
from twofold.factors.recovery_pages import after_saving, show_code
from twofold.factors.sending import delivered
from twofold.factors.ways import ways
from twofold.sessions.cookies import keep_session
from twofold.unlock import actions
from twofold.unlock.actions import Proofs


async def show(ask: Ask) -> Response:
    """Ask for the password, and for a code while 2FA is on."""
    use_recovery = ask.query.get("with") == "recovery_code" or "recovery_code" in ask.form
    chosen, sent, not_carried = await ask.look(actions.look)
    return ask.render(
        "unlock/authenticate.html",
        two_factor=chosen.active,
        ways=ways(ask, chosen, sent, not_carried),
        return_to=ask.return_to,
        use_recovery=use_recovery,
    )


async def send_code(ask: Ask) -> Response:
    """Send a code to one of the visitor's phones."""
    await delivered(ask.acts, await ask.act(actions.send_code, ask.form.get("factor_id", "")))
    return ask.go(f"/authenticate?return_to={quote(ask.return_to, safe='')}")


async def authenticate(ask: Ask) -> Response:
    """Unlock."""
    form = ask.form
    given = Proofs(form.get("password", ""), form.get("code") or None, form.get("recovery_code"))
    token, browser = ask.session_token or "", ask.cookies.get(BROWSER)
    unlocked = await actions.unlock(ask.acts, ask.known_visitor, token, browser, given)
    keep_session(ask, unlocked.session)
    if unlocked.recovery_code:
        return await show_code(ask, unlocked.recovery_code, then=after_saving(ask.return_to), earlier=True)
    return ask.go(ask.return_to)


ROUTES = (
    Page("GET", "/authenticate", show, Need.SIGNED_IN),
    Page("POST", "/authenticate/send", send_code, Need.SIGNED_IN, again=show),
    Page("POST", "/authenticate", authenticate, Need.SIGNED_IN, again=show),
)
