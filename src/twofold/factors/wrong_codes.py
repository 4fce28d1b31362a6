"""The limits on wrong codes, per account, across all methods, browsers and pages.

An unknown browser is limited by all wrong codes of the account. A browser that the account knows is limited, once it
has entered a wrong code itself, by the wrong codes of all known browsers together, with the same limits; its network
does not count. So attackers who have the password, or another known browser, cannot lock the owner out. A correct code
resets only the count of its own source or browser; the rest of the run stays until the recovery code is used, an
administrator unlocks the account or its password is changed.

Callers lock the account row.
"""

import msgspec

from twofold.accounts.browsers.actions import known_browser
from twofold.accounts.password_check import count_against_source, source_key, source_share
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import throttle
from twofold.base.database import Reply
from twofold.base.problems import TooManyAttempts
from twofold.base.throttle import Tallies, Tally
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors.rules import FactorsClosed
from twofold.factors.store import KEY_PREFIX

_A_DAY = 86_400
_NONE = Tally()


class WrongCodes(msgspec.Struct, frozen=True):
    """The wrong codes of an account, of its known browsers and of the client's network, before this attempt."""

    account_id: str
    everyone: Tally
    known: Tally
    source: Tally
    browser_id: str | None  # of the client, if the account knows it

    def over_limit(self, uow: UnitOfWork, *, in_a_row: bool = True) -> TooManyAttempts | None:
        """Return the refusal if codes are refused without comparison.

        Without `in_a_row`, as for the recovery code, only the limits per minute, hour and day apply.
        """
        config, browser_id = uow.site.config, self.browser_id
        tally = self.known if browser_id else self.everyone
        takes_part = browser_id is None or tally.run_of(browser_id) > 0
        if in_a_row and takes_part and tally.run >= config.limit_codes_in_a_row:
            return FactorsClosed(retry_at=uow.now + _A_DAY, now=uow.now)
        ends = (
            throttle.blocked_until(tally, config.limit_codes, uow.now, who=browser_id),
            None if browser_id else throttle.blocked_until(self.source, config.limit_source, uow.now),
        )
        until = max((end for end in ends if end is not None), default=None)
        return TooManyAttempts(retry_at=until, now=uow.now) if until else None

    async def refuse_over_limit(
        self, uow: UnitOfWork, event: Event, *, in_a_row: bool = True
    ) -> TooManyAttempts | None:
        """Return the refusal, and record it, if codes are refused without comparison."""
        refused = self.over_limit(uow, in_a_row=in_a_row)
        if refused is not None:
            await audit.record_cheap_refusal(uow, event, self.account_id, reason=refused.code)
        return refused

    async def count(self, uow: UnitOfWork) -> int:
        """Count a wrong code; return how many more are allowed from here."""
        rates, account_id = uow.site.config.limit_codes, self.account_id
        browser_id = self.browser_id or await known_browser(uow, account_id, uow.caller.browser)
        tally = throttle.with_attempt(self.everyone, rates, uow.now, who=browser_id or source_share(uow))
        await throttle.save(uow.tx, _key(account_id), tally)
        if browser_id:
            tally = throttle.with_attempt(self.known, rates, uow.now, who=browser_id)
            await throttle.save(uow.tx, _known_key(account_id), tally)
        await count_against_source(uow)
        return throttle.attempts_left(tally, rates, uow.now)

    async def record(self, uow: UnitOfWork, event: Event, reason: str) -> None:
        """Record a refusal and, once, that further codes are refused without comparison."""
        await audit.record_refusal(uow, event, self.account_id, reason=reason)
        if (closed := await over_limit(uow, self.account_id)) is not None:
            await audit.record_refusal(uow, event, self.account_id, reason=closed.code)

    async def reset(self, uow: UnitOfWork) -> None:
        """Reset the run of this source or browser; the limits per minute, hour and day stay."""
        who = self.browser_id or source_share(uow)
        for key, tally in ((_key(self.account_id), self.everyone), (_known_key(self.account_id), self.known)):
            if tally.run_of(who):
                await throttle.save(uow.tx, key, throttle.without(tally, who))


async def wrong_codes(uow: UnitOfWork, account_id: str) -> WrongCodes:
    """Return the wrong codes of an account so far."""
    return await wrong_codes_in(uow, account_id, await peek(uow, account_id))


def peek(uow: UnitOfWork, account_id: str) -> Reply[Tallies]:
    """Return the tallies that `wrong_codes_in` needs."""
    return throttle.peek_all(uow.tx, _key(account_id), _known_key(account_id), source_key(uow))


async def wrong_codes_in(uow: UnitOfWork, account_id: str, tallies: Tallies) -> WrongCodes:
    """Return the wrong codes of an account according to these tallies."""
    keys = (_key(account_id), _known_key(account_id), source_key(uow))
    everyone, known, source = (tallies.get(key, _NONE) for key in keys)
    is_any = any(tallies.get(key, _NONE) != _NONE for key in keys)
    browser_id = await known_browser(uow, account_id, uow.caller.browser) if is_any else None
    return WrongCodes(account_id, everyone, known, source, browser_id)


async def over_limit(uow: UnitOfWork, account_id: str, *, in_a_row: bool = True) -> TooManyAttempts | None:
    """Return the refusal if codes of this account are refused without comparison; write nothing."""
    return (await wrong_codes(uow, account_id)).over_limit(uow, in_a_row=in_a_row)


async def end_runs(uow: UnitOfWork, account_id: str) -> None:
    """Unlock factors after too many wrong codes in a row; the limits per minute, hour and day stay."""
    for key in (_key(account_id), _known_key(account_id)):
        tally = await throttle.peek(uow.tx, key)
        if tally.run:
            await throttle.save(uow.tx, key, Tally(tally.marks))


async def lift_limits(uow: UnitOfWork, account_id: str) -> None:
    """Remove all limits on wrong codes of an account."""
    await throttle.delete_all(uow.tx, _key(account_id))


def _key(account_id: str) -> str:
    return f"{KEY_PREFIX}{account_id}"


def _known_key(account_id: str) -> str:
    return f"{KEY_PREFIX}{account_id}:known"
