"""The pages of the door: password, code, recovery code."""

from urllib.parse import quote

from starlette.responses import Response

from twofold.base.problems import Problem
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.cookies import BROWSER, SESSION, SIGN_IN
from twofold.base.web.routes import Page
from twofold.computers.cookies import computer_token, keep_computer
from twofold.factors.contract import Kinds
from twofold.factors.recovery_pages import after_saving, show_code
from twofold.factors.sending import delivered
from twofold.factors.ways import way_to, ways
from twofold.sessions.actions import identify
from twofold.sessions.cookies import keep_browser, keep_session
from twofold.signin import actions
from twofold.signin.actions import Client, CodeRequired, SignedIn
from twofold.signin.rules import ATTEMPT_LIFE, SignInExpired


async def ask_password(ask: Ask) -> Response:
    """Ask for address and password; who is signed in goes on."""
    visitor = await ask.acts.read(identify, ask.session_token)
    if ask.problem is None and visitor is not None:
        return ask.go(ask.return_to)
    registration_open = ask.site.config.registration == "open"
    return ask.render("signin/sign_in.html", return_to=ask.return_to, registration_open=registration_open)


async def give_password(ask: Ask) -> Response:
    """Take address and password."""
    email, password = ask.form.get("email", ""), ask.form.get("password", "")
    outcome = await actions.give_password(ask.acts, _client(ask), email, password)
    if isinstance(outcome, CodeRequired):
        ask.cookies.set(SIGN_IN, outcome.sign_in.token, ATTEMPT_LIFE)
        return _to_code(ask, sent=await _send_first_code(ask, outcome))
    _keep(ask, outcome)
    return ask.go(ask.return_to)


async def ask_code(ask: Ask) -> Response:
    """Ask for a code."""
    attempt = await ask.acts.read(actions.look, _token(ask))
    return ask.render(
        "signin/code.html",
        ways=ways(ask, attempt.two_factor, attempt.sent, attempt.not_carried),
        may_trust=attempt.may_trust,
        trust_days=ask.site.config.trust // 86400,
        expires_at=attempt.sign_in.expires_at,
        return_to=ask.return_to,
    )


async def send_code(ask: Ask) -> Response:
    """Send a code to one of the account's phones."""
    sent = await ask.acts.write(actions.send_code, _token(ask), ask.form.get("factor_id", ""))
    await delivered(ask.acts, sent)
    return _to_code(ask)


async def give_code(ask: Ask) -> Response:
    """Take a code."""
    trust = ask.form.get("trust_this_computer") == "yes"
    outcome = await ask.acts.write(actions.give_code, _client(ask), _token(ask), ask.form.get("code", ""), trust=trust)
    _keep(ask, outcome)
    return ask.go(ask.return_to)


async def ask_recovery_code(ask: Ask) -> Response:
    """Ask for the recovery code."""
    attempt = await ask.acts.read(actions.look, _token(ask))
    return ask.render(
        "signin/recovery_code.html",
        ways=ways(ask, attempt.two_factor, attempt.sent, attempt.not_carried),
        expires_at=attempt.sign_in.expires_at,
        return_to=ask.return_to,
    )


async def give_recovery_code(ask: Ask) -> Response:
    """Take the recovery code; the answer shows the new one, once."""
    visitor = await ask.acts.read(identify, ask.session_token)
    if visitor is not None and not ask.cookies.get(SIGN_IN):  # reloaded: the code is used up, the new one was shown
        answer = await show_code(ask, None)
        answer.status_code = SignInExpired.status
        return answer
    text, token = ask.form.get("recovery_code", ""), _token(ask)
    outcome = await ask.acts.write(actions.give_recovery_code, _client(ask), token, text)
    _keep(ask, outcome)
    ask.visitor = await ask.acts.read(identify, outcome.session.token)
    kinds = ask.site.part(Kinds)
    return ask.render(
        "signin/recovered.html",
        recovery_code=outcome.recovery_code,
        factors=[
            {"id": each.id, "name": each.name, "way": way_to(kinds, each)}
            for each in await ask.acts.read(actions.factors_of, outcome.account_id)
        ],
        return_to=after_saving(ask.return_to),
    )


async def cancel(ask: Ask) -> Response:
    """Give the attempt up."""
    await ask.acts.write(actions.cancel, ask.cookies.get(SIGN_IN) or "")
    ask.cookies.drop(SIGN_IN)
    return ask.go("/sign-in")


async def _send_first_code(ask: Ask, outcome: CodeRequired) -> bool:
    """Send a code at once where codes come to a phone by default; tells whether all is well.

    One who gave a password waits for it. When it cannot be sent, the next page says so beside the other ways.
    """
    default = outcome.two_factor.default
    if default is None or ask.site.part(Kinds).phone(default.kind) is None:
        return True
    try:
        sent = await ask.acts.write(actions.send_code, outcome.sign_in.token, default.id)
        await delivered(ask.acts, sent)
    except Problem:
        return False
    return True


def _to_code(ask: Ask, *, sent: bool = True) -> Response:
    failed = "" if sent else "&sent=no"
    return ask.go(f"/sign-in/code?return_to={quote(ask.return_to, safe='')}{failed}")


def _client(ask: Ask) -> Client:
    return Client(
        is_browser=True,
        browser=ask.cookies.get(BROWSER),
        session=ask.cookies.get(SESSION),
        attempt=ask.cookies.get(SIGN_IN),
        computer=lambda account_id: computer_token(ask, account_id),
    )


def _token(ask: Ask) -> str:
    token = ask.cookies.get(SIGN_IN)
    if not token:
        raise SignInExpired
    return token


def _keep(ask: Ask, outcome: SignedIn) -> None:
    ask.cookies.drop(SIGN_IN)
    keep_session(ask, outcome.session)
    keep_browser(ask, outcome.browser)
    keep_computer(ask, outcome.account_id, outcome.trusted_computer)


ROUTES = (
    Page("GET", "/sign-in", ask_password, Need.NOBODY),
    Page("POST", "/sign-in", give_password, Need.NOBODY, again=ask_password),
    Page("GET", "/sign-in/code", ask_code, Need.NOBODY),
    Page("POST", "/sign-in/code", give_code, Need.NOBODY, again=ask_code),
    Page("POST", "/sign-in/code/send", send_code, Need.NOBODY, again=ask_code),
    Page("GET", "/sign-in/recovery-code", ask_recovery_code, Need.NOBODY),
    Page("POST", "/sign-in/recovery-code", give_recovery_code, Need.NOBODY, again=ask_recovery_code),
    Page("POST", "/sign-in/cancel", cancel, Need.NOBODY),
)
