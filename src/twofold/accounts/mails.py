"""Mails that a stranger can ask for by writing down an address: so many an address, and no more are even made."""

from twofold.base import outbox, throttle
from twofold.base.acts import Act
from twofold.base.letters import Letter, Link, mail
from twofold.base.problems import TooManyAttempts
from twofold.base.texts import _

LINK_LIFE = 3600  # seconds; a mail that comes later is of no use


async def take(act: Act, purpose: str, key: str) -> TooManyAttempts | None:
    """Count one more mail of this purpose for an address or account, or refuse.

    Each purpose counts for itself: whoever asks for sign-ups in another's name must not use up that one's resets.
    """
    name = f"mails:{purpose}:{act.site.keys.mac('throttle', key)}"
    rates = act.site.config.limit_mails
    tally = await throttle.hold(act.tx, name)
    until = throttle.blocked_until(tally, rates, act.now)
    if until is not None:
        return TooManyAttempts(retry_at=until, now=act.now)
    await throttle.save(act.tx, name, throttle.with_attempt(tally, rates, act.now))
    return None


async def take_from_source(act: Act, purpose: str) -> bool:
    """Count what a stranger asks for from one client address; tells whether that was still within the limit."""
    name, rates = f"asks:{purpose}:{act.origin.source_network}", act.site.config.limit_sign_ups
    tally = await throttle.hold(act.tx, name)
    if throttle.blocked_until(tally, rates, act.now) is not None:
        return False
    await throttle.save(act.tx, name, throttle.with_attempt(tally, rates, act.now))
    return True


async def send(act: Act, to: str, letter: Letter) -> str:
    """Mail a letter that is good for an hour; gives the id of its message. Who asked does not feel it being sent."""
    return await outbox.post(act, mail(to, letter), expires_at=act.now + LINK_LIFE, unfelt=True)


def page(act: Act, path: str) -> Link:
    """Link to one of our pages: the address comes from the settings, never from a request."""
    return Link(f"{act.site.config.base_url}{path}")


def taken(act: Act) -> Letter:
    """Tell somebody who has an account that their address was given for another one."""
    site_name = act.site.config.site_name
    return Letter(
        _("You have an account at {site_name} already").format(site_name=site_name),
        (
            _(
                "Somebody gave this address for an account at {site_name}. You have one already, and it is unchanged."
            ).format(site_name=site_name),
            _("If it was you: sign in, or choose a new password if you have forgotten yours."),
            page(act, "/sign-in"),
            page(act, "/forgot-password"),
            _("If it was not you, there is nothing to do."),
        ),
    )
