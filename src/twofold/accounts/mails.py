"""Mails that anyone can request for an address, within limits per address and per client."""

from twofold.base import outbox, throttle
from twofold.base.letters import Letter, Link, mail
from twofold.base.problems import TooManyRequests
from twofold.base.texts import _
from twofold.base.unit_of_work import UnitOfWork

LINK_LIFETIME = 3600  # seconds; a later mail would contain an expired link


async def count_mail(uow: UnitOfWork, purpose: str, key: str) -> TooManyRequests | None:
    """Count a mail of this purpose for an address or account. Return TooManyAttempts if the limit is reached.

    Purposes are counted separately, so that sign-ups with someone else's address do not use up that user's resets.
    """
    name = f"mails:{purpose}:{uow.site.keys.mac('throttle', key)}"
    rates = uow.site.config.limit_mails
    tally = await throttle.lock(uow.tx, name)
    until = throttle.blocked_until(tally, rates, uow.now)
    if until is not None:
        return TooManyRequests(retry_at=until, now=uow.now)
    await throttle.save(uow.tx, name, throttle.with_attempt(tally, rates, uow.now))
    return None


async def count_request(uow: UnitOfWork, purpose: str) -> bool:
    """Count a request from a client address; return whether it is within the limit."""
    if await is_source_over_limit(uow, purpose):
        return False
    name, rates = _source(uow, purpose), uow.site.config.limit_sign_ups
    tally = await throttle.lock(uow.tx, name)
    if throttle.blocked_until(tally, rates, uow.now) is not None:
        return False
    await throttle.save(uow.tx, name, throttle.with_attempt(tally, rates, uow.now))
    return True


async def is_source_over_limit(uow: UnitOfWork, purpose: str) -> bool:
    """Return whether a client address is over its limit, without a write."""
    tally = await throttle.peek(uow.tx, _source(uow, purpose))
    return throttle.blocked_until(tally, uow.site.config.limit_sign_ups, uow.now) is not None


async def send(uow: UnitOfWork, to: str, letter: Letter) -> str:
    """Send a letter that is valid for an hour; return the message id. Sending is delayed to hide it from timing."""
    return await outbox.post(uow, mail(to, letter), expires_at=uow.now + LINK_LIFETIME, delayed=True)


def link(uow: UnitOfWork, path: str) -> Link:
    """Return a link to one of our pages; its host comes from the settings, never from a request."""
    return Link(f"{uow.site.config.base_url}{path}")


def address_taken(uow: UnitOfWork) -> Letter:
    """Return the letter to a user whose address was used to sign up again."""
    site_name = uow.site.config.site_name
    return Letter(
        _("You already have an account at {site_name}").format(site_name=site_name),
        (
            _(
                "Someone tried to sign up at {site_name} with your email address. You already have an "
                "account, and it has not changed."
            ).format(site_name=site_name),
            _("If this was you, sign in, or choose a new password if you have forgotten yours:"),
            link(uow, "/sign-in"),
            link(uow, "/forgot-password"),
            _("If this was not you, you can ignore this email."),
        ),
    )


def _source(uow: UnitOfWork, purpose: str) -> str:
    return f"asks:{purpose}:{uow.caller.source_network}"
