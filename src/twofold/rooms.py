"""THE list: what Twofold is made of. A part leaves by deleting its folder and its line here."""

from collections.abc import Callable, Iterator, Mapping

from twofold.accounts import links as accounts_links
from twofold.accounts import store as accounts_store
from twofold.audit import api as audit_api
from twofold.audit import pages as audit_pages
from twofold.audit import store as audit_store
from twofold.audit.actions import Listener
from twofold.base import outbox, sightings, throttle
from twofold.base.housekeeping import Over
from twofold.base.keys import Keyring
from twofold.base.problems import Problem
from twofold.base.site import Site
from twofold.base.visitor import Need
from twofold.base.web.cards import Card
from twofold.base.web.router import Endpoint
from twofold.base.web.routes import Route
from twofold.computers import api as computers_api
from twofold.computers import pages as computers_pages
from twofold.computers import store as computers_store
from twofold.config import Config, load
from twofold.couriers.contract import Driver
from twofold.couriers.drivers.console import Console
from twofold.couriers.drivers.kannel import Kannel
from twofold.couriers.drivers.smtp import Smtp
from twofold.couriers.drivers.twilio import HOOK, Twilio
from twofold.couriers.drivers.webhook import Webhook
from twofold.couriers.hooks import TwilioHook
from twofold.couriers.registry import faults as courier_faults
from twofold.dev import pages as dev_pages
from twofold.factors import api as factors_api
from twofold.factors import pages as factors_pages
from twofold.factors import recovery_pages
from twofold.factors import store as factors_store
from twofold.factors.contract import Kinds, PhoneKind
from twofold.factors.numbers import country_faults
from twofold.factors.recovery.codes import Recovery
from twofold.factors.sentcode import store as sentcode_store
from twofold.factors.sms.factor import Sms
from twofold.factors.spending import actions as spending
from twofold.factors.spending import store as spending_store
from twofold.factors.totp.factor import Totp
from twofold.factors.voice.factor import Voice
from twofold.notices import actions as notices
from twofold.owner import api as owner_api
from twofold.owner import pages as owner_pages
from twofold.password import api as password_api
from twofold.password import pages as password_pages
from twofold.sessions import api as sessions_api
from twofold.sessions import pages as sessions_pages
from twofold.sessions import store as sessions_store
from twofold.sessions.rules import LockedSettings, NotSignedIn
from twofold.settings import pages as settings_pages
from twofold.signin import api as signin_api
from twofold.signin import pages as signin_pages
from twofold.signin import store as signin_store
from twofold.signup import api as signup_api
from twofold.signup import pages as signup_pages
from twofold.unlock import api as unlock_api
from twofold.unlock import pages as unlock_pages

ROUTES: tuple[Route, ...] = (
    *signin_pages.ROUTES,
    *signin_api.ROUTES,
    *signup_pages.ROUTES,
    *signup_api.ROUTES,
    *unlock_pages.ROUTES,
    *unlock_api.ROUTES,
    *settings_pages.ROUTES,
    *factors_pages.ROUTES,
    *recovery_pages.ROUTES,
    *factors_api.ROUTES,
    *computers_pages.ROUTES,
    *computers_api.ROUTES,
    *sessions_pages.ROUTES,
    *sessions_api.ROUTES,
    *audit_pages.ROUTES,
    *audit_api.ROUTES,
    *password_pages.ROUTES,
    *password_api.ROUTES,
    *owner_pages.ROUTES,
    *owner_api.ROUTES,
    *dev_pages.ROUTES,
)

NEEDS: dict[Need, tuple[type[Problem], ...]] = {
    Need.NOBODY: (),
    Need.SIGNED_IN: (NotSignedIn,),
    Need.UNLOCKED: (NotSignedIn, LockedSettings),
}

CARDS: tuple[Card, ...] = (
    factors_pages.frequency_card,
    factors_pages.methods_card,
    factors_pages.authenticators_card,
    recovery_pages.card,
    computers_pages.card,
    sessions_pages.card,
    audit_pages.card,
    password_pages.card,
    owner_pages.email_card,
    owner_pages.close_card,
)

LISTENERS: tuple[Listener, ...] = (notices.tell,)

DRIVERS: tuple[type[Driver], ...] = (Smtp, Twilio, Webhook, Kannel, Console)

HOOKS: dict[str, Callable[[Site], Endpoint]] = {HOOK: TwilioHook}


def kinds(config: Config, keys: Keyring) -> Kinds:
    """Make the kinds of second factors, in menu order; a phone is offered where something carries its messages."""
    phones: tuple[PhoneKind, ...] = (
        *(Sms(keys, site_name=config.site_name, host=config.host) for _ in config.sms_url[:1]),
        *(Voice(keys, site_name=config.site_name, host=config.host) for _ in config.voice_url[:1]),
    )
    return Kinds(apps=(Totp(keys, config.site_name),), phones=phones, recovery=Recovery(keys))


def faults(config: Config) -> Iterator[tuple[str, str]]:
    """Tell what is wrong with settings that rooms understand: name of the setting, and the rest of the sentence."""
    yield from courier_faults(config, DRIVERS)
    yield from (("phone_countries", sentence) for sentence in country_faults(config.phone_countries))


def read_settings(environ: Mapping[str, str], *, port: int = 8000) -> tuple[Config, dict[str, str]]:
    """Read the settings with all that rooms know of theirs, and where each one stood. Raises ConfigError."""
    return load(environ, port=port, check=faults)


def over(config: Config) -> tuple[Over, ...]:
    """Tell what is over, room by room."""
    return (
        accounts_links.OVER,
        accounts_store.OVER,
        accounts_store.OVER_ADDRESSES,
        sessions_store.OVER,
        factors_store.OVER,
        sentcode_store.OVER,
        computers_store.OVER,
        signin_store.OVER,
        audit_store.over(config),
        outbox.OVER,
        sightings.OVER,
        throttle.over(config),
        *spending_store.over(spending.limits_of(config)),
    )
