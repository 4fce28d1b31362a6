"""The users of a benchmark: accounts with the data that real accounts have after a while.

They are inserted directly into the tables, because signing up through the service would take longer than the
benchmark. Half-open sign-ins can be created again and again, so that a fast machine does not run out of them.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, TypeAlias

from bench.databases import Database
from twofold.assembly import open_site
from twofold.audit.events import Event
from twofold.base.ids import new_id, new_token, sortable_id, token_hash
from twofold.base.proofs import Proof
from twofold.base.site import Site
from twofold.config import Config
from twofold.factors.contract import Kinds, Purpose, Request
from twofold.factors.phone.codes.rules import CODE_LIFETIME, bound
from twofold.factors.phone.kind import Phone
from twofold.factors.totp.kind import Totp
from twofold.factors.totp.rules import SECRET_BYTES, code_at
from twofold.gate.cookies import ApplicationCookies, gate_hash, gate_ids, write_gate_cookie
from twofold.gate.origins import Origin
from twofold.sessions.proofs import proved
from twofold.sessions.rules import password_proof
from twofold.signin.rules import ATTEMPT_LIFETIME

PASSWORD = "correct horse battery staple"
SENT_CODE = "271828"
PROGRAM, NETWORK = "Unknown program", "127.0.0.1"  # the client as Twofold sees it, known from earlier sign-ins
APPLICATION = Origin("http", "app.localhost")  # behind the gate
HISTORY = (Event.ACCOUNT_CREATED, Event.FACTOR_ADDED, Event.SIGN_IN_PASSWORD, Event.SIGNED_IN)
_AT_ONCE = 10_000  # users in memory

Kind: TypeAlias = Literal["app", "phone", "none"]  # what they have besides their password
Row: TypeAlias = tuple[object, ...]

_COLUMNS = {
    "account": "id email password_hash stamp administrator created_at",
    "session": "token_hash id account_id name source methods proofs stamp"
    " signed_in_at last_used_at expires_at unlocked_until gate_hash",
    "two_factor": "account_id policy default_factor_id",
    "factor": "id account_id kind name sealed last_step tries created_at verified_at last_used_at",
    "recovery_code": "account_id code_hash created_at saved_at",
    "browser": "token_hash account_id last_at",
    "event": "id account_id at name outcome source agent data",
    "sign_in": "token_hash account_id stamp tries expires_at",
    "live_code": "account_id purpose factor_id request code_hash message_id resend_at expires_at",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One account. `secret` belongs to the authenticator, `sent_hash` to the code sent to the phone.

    `gate_cookie` is the Cookie header with which a browser opens the application.
    """

    account_id: str
    factor_id: str
    email: str
    session: str
    gate_cookie: str
    sign_in: str
    secret: bytes | None = None
    sent_hash: str | None = None

    def code(self, now: float) -> str:
        """Return the code that the authenticator shows at `now` (epoch seconds), or that was sent to the phone."""
        return code_at(self.secret, int(now) // 30) if self.secret else SENT_CODE


async def make_people(config: Config, database: Database, kind: Kind, count: int, *, kept: int) -> list[Person]:
    """Insert users into the database of a stopped service; return `kept` of them, evenly spread."""
    async with open_site(config) as site:
        password_hash = await site.passwords.hash(PASSWORD)
    maker, people = _Maker(site, password_hash, int(time.time())), []
    numbers = iter(range(count))
    while some := list(islice(numbers, _AT_ONCE)):
        made = [maker.person(kind, number) for number in some]
        people += [person for number, person in zip(some, made, strict=True) if number * kept % count < kept]
        await database.fill({table: (_columns(table), rows) for table, rows in maker.take().items()})
    return people


async def half_sign_in(database: Database, people: Sequence[Person]) -> None:
    """Create a half-open sign-in with an unused code for each of these users."""
    now = int(time.time())
    await database.run("DELETE FROM sign_in", "DELETE FROM live_code", "DELETE FROM completed_step")
    await database.run("UPDATE factor SET last_step = -1 WHERE last_step > -1")
    attempts = [(token_hash(each.sign_in), each.account_id, 1, 0, now + ATTEMPT_LIFETIME) for each in people]
    codes = [_live_code(each, each.sent_hash, now) for each in people if each.sent_hash]
    await database.fill({"sign_in": (_columns("sign_in"), attempts), "live_code": (_columns("live_code"), codes)})


def _columns(table: str) -> list[str]:
    return _COLUMNS[table].split()


def _live_code(person: Person, sent_hash: str, now: int) -> Row:
    request = token_hash(person.sign_in).hex()
    return person.account_id, "sign_in", person.factor_id, request, sent_hash, new_id(), now, now + CODE_LIFETIME


class _Maker:
    """Create users, and collect their rows."""

    def __init__(self, site: Site, password_hash: str, now: int) -> None:
        self._keys = site.keys
        self._cookie_name = ApplicationCookies(site.config, APPLICATION).gate_name
        self._phone = site.part(Kinds).get("sms")
        self._password_hash = password_hash
        self._now = now
        self._expires_at = now + site.config.session_max
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)

    def take(self) -> dict[str, list[Row]]:
        """Return the rows created since the last call, accounts first."""
        taken, self._rows = self._rows, defaultdict(list)
        return taken

    def person(self, kind: Kind, number: int) -> Person:
        account_id, now = new_id(), self._now
        email, session, sign_in = f"{kind}{number}@example.com", new_token(), new_token()
        self._add("account", account_id, email, self._password_hash, 1, 0, now)
        session_id = new_id()
        gate_id = gate_ids(self._keys, session_id)[0]
        columns = proved([password_proof(now), Proof("totp", new_id(), now, Totp.strength)]).columns
        session_row = (
            token_hash(session),
            session_id,
            account_id,
            PROGRAM,
            NETWORK,
            columns["methods"],
            columns["proofs"],
        )
        self._add("session", *session_row, 1, now, now, self._expires_at, 0, gate_hash(gate_id))
        known = bytes.fromhex(self._keys.mac("program", f"{account_id} {PROGRAM} {NETWORK}"))
        self._add("browser", known, account_id, now)
        for name in HISTORY:
            self._add(
                "event",
                sortable_id(now),
                account_id,
                now,
                name.value,
                "done",
                NETWORK,
                PROGRAM,
                '{"methods":"password totp"}',
            )
        cookie = f"{self._cookie_name}={write_gate_cookie(self._keys, gate_id, APPLICATION)}"
        person = Person(account_id, new_id(), email, session, cookie, sign_in)
        return person if kind == "none" else self._with_factor(person, kind, number)

    def _with_factor(self, person: Person, kind: Kind, number: int) -> Person:
        account_id, factor_id, now = person.account_id, person.factor_id, self._now
        secret, sent_hash = None, None
        if kind == "app":
            secret = new_token().encode()[:SECRET_BYTES]
            sealed = self._keys.seal("totp", secret, bound_to=f"{factor_id}:{account_id}")
        else:
            assert isinstance(self._phone, Phone)
            sealed = self._phone.seal(f"+1555{number:07}", factor_id=factor_id, account_id=account_id)
            request = Request(Purpose.SIGN_IN, token_hash(person.sign_in).hex())
            sent_hash = self._keys.mac("sent-code", bound(account_id, request, factor_id, SENT_CODE))
        factor_kind = "totp" if kind == "app" else "sms"
        self._add("factor", factor_id, account_id, factor_kind, "Second factor", sealed, -1, 0, now, now, now)
        self._add("two_factor", account_id, "every_log_in", factor_id)
        self._add("recovery_code", account_id, self._keys.mac("recovery", account_id), now, now)
        return replace(person, secret=secret, sent_hash=sent_hash)

    def _add(self, table: str, *row: object) -> None:
        self._rows[table].append(row)
