"""Browsers and programs in which an account has signed in before.

They do not prove identity. A known browser has its own limits, and signing in there sends no notice of a new computer.
Each sign-in replaces its token, for all accounts that know the browser, so that older copies are useless.

The answer with the new token may be lost, or several requests may be in progress with the old one. For the accounts
that knew it, the old token therefore works for two more minutes, or until the new one is presented. The new token is
derived from the old one and the account with our key, so each of these requests gets the same token, and no other
account can compute it.
"""

from base64 import urlsafe_b64encode

from twofold.accounts import caps
from twofold.accounts import store as accounts
from twofold.accounts.browsers import store
from twofold.accounts.consequences import Act, Effect
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.database import Reply
from twofold.base.ids import new_id, new_token, token_hash
from twofold.base.unit_of_work import UnitOfWork

_MAX_ACCOUNTS = 20  # per browser: each sign-in renews the token for all of them
_A_DAY = 86_400  # seconds between two updates for one program


async def known_browser(uow: UnitOfWork, account_id: str, token: str | None) -> str | None:
    """Return the id of the browser with this token if the account has signed in there before."""
    known = await store.find(uow.tx, account_id, token_hash(token), uow.now) if token else None
    return known[0] if known else None


async def remember_browser(uow: UnitOfWork, account_id: str, token: str | None) -> str:
    """Record that the account signed in with this browser; return the browser's new token."""
    renewed, known_to = new_token(), set[str]()
    if token is not None:
        next_token = _next_token(uow, account_id, token)
        known_to = await store.renew(uow.tx, account_id, token_hash(token), token_hash(next_token), uow.now)
        if account_id in known_to or await renew_again(uow, account_id, token):
            return next_token
        renewed = next_token if known_to else renewed
    browser = token_hash(renewed)
    await _record_computer(uow, account_id, browser)
    await store.keep_newest_accounts(uow.tx, browser, account_id, _MAX_ACCOUNTS - 1)
    return renewed


async def renew_again(uow: UnitOfWork, account_id: str, token: str | None) -> str | None:
    """Return the new token of a browser whose token was replaced a moment ago, or None.

    Other accounts of this browser keep the tokens that they received meanwhile.
    """
    if token is None:
        return None
    next_token = _next_token(uow, account_id, token)
    repeated = await store.repeat_renewal(uow.tx, account_id, token_hash(token), token_hash(next_token), uow.now)
    return next_token if repeated else None


def remember_program(uow: UnitOfWork, account_id: str) -> None:
    """Record that the account signed in with a program without cookies, identified by its name and network."""
    program = _program_hash(uow, account_id)
    found = store.find(uow.tx, account_id, program, uow.now)
    uow.before_commit.append(lambda: _record_program(uow, account_id, program, found))


async def _record_program(
    uow: UnitOfWork, account_id: str, program: bytes, found: Reply[tuple[str, int] | None]
) -> None:
    known = await found
    if known is None:
        await _record_computer(uow, account_id, program)
    elif abs(uow.now - known[1]) >= _A_DAY:
        await store.record_use(uow.tx, account_id, program, known[0], uow.now)


async def end_browsers(uow: UnitOfWork, act: Act) -> None:
    """Forget the browsers and programs of an account, or all but the one of this request."""
    account_id = act.account_id
    this_one = token_hash(uow.caller.browser) if uow.caller.browser else _program_hash(uow, account_id)
    await store.delete(uow.tx, account_id, uow.now, but=this_one if act.effect is Effect.OTHERS_END else b"")


async def _record_computer(uow: UnitOfWork, account_id: str, browser: bytes) -> None:
    if not await store.record_first_use(uow.tx, account_id, uow.now):
        await audit.record(uow, Event.COMPUTER_NEW, account_id)
    elif uow.caller.locale:  # later, a new computer must not choose the language of the notice about it
        await accounts.set_locale(uow.tx, account_id, uow.caller.locale)
    await store.record_use(uow.tx, account_id, browser, new_id(), uow.now)
    await store.keep_newest(uow.tx, account_id, browser, caps.BROWSERS.maximum - 1)


def _next_token(uow: UnitOfWork, account_id: str, token: str) -> str:
    mac = uow.site.keys.mac("browser", f"{account_id} {token}")
    return urlsafe_b64encode(bytes.fromhex(mac)).decode().rstrip("=")


def _program_hash(uow: UnitOfWork, account_id: str) -> bytes:
    """Return a keyed hash, which no client can present as a browser token."""
    seen = f"{account_id} {uow.caller.agent} {uow.caller.source_network}"
    return bytes.fromhex(uow.site.keys.mac("program", seen))
