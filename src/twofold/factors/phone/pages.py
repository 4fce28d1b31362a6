"""Pages to enrol a phone number: the number, then the code that was sent to it."""

from starlette.responses import Response

from twofold.base.problems import NotFound
from twofold.base.texts import _
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import Page
from twofold.factors import actions, enrolment
from twofold.factors.contract import Challenge, kinds
from twofold.factors.pages import enter_code
from twofold.factors.phone.kind import Phone
from twofold.factors.phone.numbers import served_countries
from twofold.factors.rules import CannotSend
from twofold.factors.set_up import passed_on, set_up_at
from twofold.factors.verification import wait_for_delivery

_NEW = Phone.details_at


async def show_number_form(ctx: Context) -> Response:
    """Show step 1: enter the number."""
    given = ctx.form or ctx.query
    if ctx.problem is None and not given.get("kind"):
        return ctx.redirect("/settings#methods")
    kind = kinds(ctx).get(given.get("kind", ""))
    if not isinstance(kind, Phone):
        raise NotFound
    chosen = await ctx.system.read(actions.two_factor, ctx.known_visitor.account_id)
    replaced = chosen.factor(given.get("replaces", ""))
    countries = served_countries(ctx.site.config.phone_countries)
    options = [
        ("", _("Any (number starts with +)")),
        *((each.code, f"{each.name} (+{each.calling_code})") for each in countries),
    ]
    example = _("For example +1 202 555 0123.")
    return ctx.render(
        "phone/number.html",
        kind=kind.kind,
        texts=kind.messages,
        name=given.get("name", ""),
        replaced=replaced,
        passed_on=passed_on(ctx),
        countries=countries,
        options=options,
        example=example,
    )


async def submit_number(ctx: Context) -> Response:
    """Read the number and send a code to it."""
    form = ctx.form
    fields = {"phone": form.get("phone", ""), "country": form.get("country")}
    name, replaces = form.get("name") or None, form.get("replaces") or None
    asked = enrolment.read_request(ctx, form.get("kind", ""), fields, name=name, replaces=replaces)
    pending = await ctx.write(enrolment.begin, asked)
    return await _sent(ctx, pending.factor.id, pending.challenge)


async def send_again(ctx: Context) -> Response:
    """Send another code to the number, optionally through the other channel."""
    kind = ctx.form.get("kind") or None
    challenge = await ctx.write(enrolment.challenge_again, ctx.id("id"), kind=kind)
    return await _sent(ctx, ctx.id("id"), challenge)


async def _sent(ctx: Context, factor_id: str, challenge: Challenge | None) -> Response:
    """Redirect to the code form, which says if the code could not be sent and offers other methods."""
    try:
        if challenge is not None:
            await wait_for_delivery(ctx.system, challenge)
    except CannotSend:
        return ctx.redirect(set_up_at(factor_id, passed_on(ctx), sent="no"))
    return ctx.redirect(set_up_at(factor_id, passed_on(ctx)))


ROUTES = (
    Page("GET", _NEW, show_number_form, Access.UNLOCKED),
    Page("POST", _NEW, submit_number, Access.UNLOCKED, again=show_number_form),
    Page("POST", "/settings/factors/{id}/send", send_again, Access.UNLOCKED, again=enter_code),
)
