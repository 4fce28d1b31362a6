"""Enrolling a phone number as pages: the number, then the code that was sent to it."""

from urllib.parse import quote, urlencode

from starlette.responses import Response

from twofold.base.problems import NotFound
from twofold.base.texts import _
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Page
from twofold.factors import actions, enrolment
from twofold.factors.contract import Kinds
from twofold.factors.enrolment import PendingPhone
from twofold.factors.numbers import served_countries
from twofold.factors.sending import NOT_CARRIED, delivered
from twofold.factors.sentcode.rules import LiveCode
from twofold.factors.spending.rules import CannotSend

_NEW = "/settings/factors/new"


def as_default(ask: Ask) -> bool:
    """Tell whether what is being set up was chosen as the method: the pages of a set-up hand this on."""
    return (ask.form or ask.query).get("default") == "yes"


def set_up_at(factor_id: str, *, default: bool, **state: str) -> str:
    """Give the address of a set-up under way."""
    query = urlencode({**({"default": "yes"} if default else {}), **state})
    return f"/settings/factors/{factor_id}{'?' if query else ''}{query}"


def number_wanted(ask: Ask, kind: str, name: str | None, replaces: str | None, *, default: bool) -> Response | None:
    """Lead to the page that asks for a number, if this kind needs one."""
    if ask.site.part(Kinds).phone(kind) is None:
        return None
    given = {"kind": kind, "name": name, "replaces": replaces, "default": "yes" if default else None}
    return ask.go(f"{_NEW}?{urlencode({key: value for key, value in given.items() if value}, quote_via=quote)}")


async def ask_number(ask: Ask) -> Response:
    """Step 1: enter the number."""
    given = ask.form or ask.query
    if ask.problem is None and not given.get("kind"):
        return ask.go("/settings#methods")
    kind = ask.site.part(Kinds).phone(given.get("kind", ""))
    if kind is None:
        raise NotFound
    chosen = await ask.acts.read(actions.two_factor, ask.known_visitor.account_id)
    replaced = chosen.factor(given.get("replaces", ""))
    countries = served_countries(ask.site.config.phone_countries)
    options = [
        ("", _("Any, written with +")),
        *((each.code, f"{each.name} (+{each.calling_code})") for each in countries),
    ]
    example = _("For example +1 202 555 0123.")
    return ask.render(
        "factors/number.html",
        kind=kind.kind,
        texts=kind.texts,
        name=given.get("name", ""),
        replaced=replaced,
        as_default=as_default(ask),
        countries=countries,
        options=options,
        example=example,
    )


async def give_number(ask: Ask) -> Response:
    """Take the number and send a code to it."""
    form = ask.form
    asked = enrolment.wanted(
        ask.site,
        form.get("kind", ""),
        phone=form.get("phone", ""),
        country=form.get("country"),
        name=form.get("name") or None,
        replaces=form.get("replaces") or None,
    )
    pending = await ask.act(enrolment.begin, asked)
    sent = pending.sent if isinstance(pending, PendingPhone) else None
    return await _sent(ask, pending.factor.id, sent)


async def send_again(ask: Ask) -> Response:
    """Send another code to the number, perhaps by the other kind."""
    kind = ask.form.get("kind") or None
    sent = await ask.act(enrolment.send_again, ask.id("id"), kind=kind)
    return await _sent(ask, ask.id("id"), sent)


def prove_number(ask: Ask, pending: PendingPhone) -> Response:
    """Step 2: enter the code that was sent to the number."""
    factor, texts, sent = pending.factor, pending.kind.texts, pending.sent
    others = [kind for kind in ask.site.part(Kinds).phones if kind.kind != factor.kind]
    return ask.render(
        "factors/prove_number.html",
        factor=factor,
        sent=sent if sent is not None and sent.is_alive(ask.now) else None,
        told=_(texts.sent).format(digits=pending.kind.hint(factor)),
        texts=texts,
        refused=_(pending.not_carried or NOT_CARRIED) if pending.not_carried or ask.query.get("sent") == "no" else None,
        others=[{"kind": other.kind, "instead": _(other.texts.instead)} for other in others],
        replaced=pending.replaced,
        as_default=as_default(ask),
    )


async def _sent(ask: Ask, factor_id: str, sent: LiveCode | None) -> Response:
    """Go on to the code; whether nobody carries it is told there, beside the other ways."""
    try:
        if sent is not None:
            await delivered(ask.acts, sent)
    except CannotSend:
        return ask.go(set_up_at(factor_id, default=as_default(ask), sent="no"))
    return ask.go(set_up_at(factor_id, default=as_default(ask)))


ROUTES = (
    Page("GET", _NEW, ask_number, Need.UNLOCKED),
    Page("POST", _NEW, give_number, Need.UNLOCKED, again=ask_number),
)
