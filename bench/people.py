"""The people of a bench: accounts with a session and a half-open sign-in, put in before the start.

They have an authenticator, or a phone to which the code of their sign-in was sent.
They go through the project's own stores. Making thousands of them by its pages would take longer than the bench.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from twofold.accounts import store as accounts
from twofold.accounts.rules import Account
from twofold.app import open_site
from twofold.base.acts import COMMAND_LINE, Act, Acts
from twofold.base.ids import new_id, new_token, token_hash
from twofold.config import Config
from twofold.factors import store as factors
from twofold.factors.contract import Factor, Kinds
from twofold.factors.rules import Policy
from twofold.factors.sentcode import store as sentcode
from twofold.factors.sentcode.rules import LIFE, Purpose, Request, SentCode, bound
from twofold.factors.totp.rules import SECRET_BYTES, code_at
from twofold.sessions import actions as sessions
from twofold.signin import store as signin
from twofold.signin.rules import ATTEMPT_LIFE
from twofold.signin.store import Attempt

PASSWORD = "correct horse battery staple"
SENT_CODE = "271828"
_AT_ONCE = 1000  # people in one transaction


@dataclass(frozen=True, slots=True)
class Person:
    """One account, signed in once, and once half signed in; the secret is the authenticator's, if there is one."""

    email: str
    secret: bytes | None
    session: str
    sign_in: str

    def code(self, now: float) -> str:
        """The six digits that the authenticator shows at `now` (epoch seconds), or that were sent to the phone."""
        return code_at(self.secret, int(now) // 30) if self.secret else SENT_CODE


async def make_people(config: Config, count: int, *, phones: bool = False) -> list[Person]:
    """Put people into the database of a service that does not run."""
    async with open_site(config) as site:
        acts = Acts(site, COMMAND_LINE)
        password_hash = await site.passwords.hash(PASSWORD)
        made: list[Person] = []
        numbers = iter(range(count))
        while some := list(islice(numbers, _AT_ONCE)):
            made += await acts.write(_add, some, password_hash, phones=phones)
        return made


async def _add(act: Act, numbers: Iterable[int], password_hash: str, *, phones: bool) -> list[Person]:
    kind = "caller" if phones else "person"
    return [
        await _add_one(act, f"{kind}{number}@example.com", password_hash, phone=phones and f"+1555{number:07}")
        for number in numbers
    ]


async def _add_one(act: Act, email: str, password_hash: str, *, phone: str | Literal[False]) -> Person:
    account = Account(new_id(), email, password_hash, 1, 0, act.now, None)
    await accounts.insert(act.tx, account)
    secret = None if phone else await _add_app(act, account.id)
    session = await sessions.start(act, account, ("password", "totp"), unlocked=False)
    sign_in = new_token()
    await signin.insert(act.tx, token_hash(sign_in), Attempt(account.id, account.stamp, 0, act.now + ATTEMPT_LIFE))
    if phone:
        request = Request(Purpose.SIGN_IN, token_hash(sign_in).hex())
        await _add_phone(act, account.id, phone, request)
    return Person(email, secret, session.token, sign_in)


async def _add_app(act: Act, account_id: str) -> bytes:
    secret, factor_id = new_token().encode()[:SECRET_BYTES], new_id()
    sealed = act.site.keys.seal("totp", secret, bound_to=f"{factor_id}:{account_id}")
    await _add_factor(act, account_id, factor_id, "totp", sealed)
    return secret


async def _add_phone(act: Act, account_id: str, number: str, request: Request) -> None:
    factor_id, kind = new_id(), act.site.part(Kinds).phone("sms")
    assert kind is not None
    await _add_factor(act, account_id, factor_id, "sms", kind.seal(number, factor_id=factor_id, account_id=account_id))
    code_hash = act.site.keys.mac("sent-code", bound(account_id, request, factor_id, SENT_CODE))
    sent = SentCode(account_id, factor_id, request.id, code_hash, new_id(), act.now, act.now + LIFE, None)
    await sentcode.replace(act.tx, request.purpose, sent)


async def _add_factor(act: Act, account_id: str, factor_id: str, kind: str, sealed: bytes) -> None:
    factor = Factor(
        id=factor_id,
        account_id=account_id,
        kind=kind,
        name="Second factor",
        sealed=sealed,
        last_step=-1,
        tries=0,
        replaces=None,
        created_at=act.now,
        expires_at=None,
        verified_at=None,
        last_used_at=None,
    )
    await factors.insert(act.tx, factor)
    await factors.verify(act.tx, factor_id, 0, act.now)
    await factors.save_choice(act.tx, account_id, Policy.EVERY_LOG_IN, factor_id)
