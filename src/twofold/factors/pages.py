"""Pages for second factors: the 2FA policy and methods, the authenticators, and their enrolment in two steps."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from twofold.base.problems import FieldError, InvalidRequest, NotFound
from twofold.base.texts import N_, _
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import Page
from twofold.factors import actions, enrolment, removal
from twofold.factors.contract import kinds
from twofold.factors.enrolment import EnrolmentRequest
from twofold.factors.prompt import method_label
from twofold.factors.recovery.pages import SAVED, TURNED_ON, has_code, show_code
from twofold.factors.rules import NOT_SENT, AlreadyVerified, Policy, is_full
from twofold.factors.set_up import as_default, continue_at, passed_on, set_up_at
from twofold.factors.trust import Trust
from twofold.factors.verification import read_answers
from twofold.sessions.rules import rests_on


async def frequency_card(uow: UnitOfWork, visitor: Visitor, ctx: Context) -> dict[str, Any]:
    """Show how often a code is asked for."""
    chosen = await ctx.once(actions.two_factor, uow, visitor.account_id)
    return {
        "template": "factors/card_frequency.html",
        "policy": chosen.policy.value,
        "active": chosen.active,
        "required": False,
        "per_computer": uow.site.part(Trust).offered,
        "trust_days": uow.site.config.trust // 86400,
    }


async def methods_card(uow: UnitOfWork, visitor: Visitor, ctx: Context) -> dict[str, Any]:
    """Show all methods, including those that this server does not offer."""
    chosen = await ctx.once(actions.two_factor, uow, visitor.account_id)
    offered = kinds(uow).offered
    only = offered[0].kind if len(offered) == 1 else None
    default = chosen.default.kind if chosen.default else only
    methods = [
        {
            "kind": kind.kind,
            "label": _(kind.texts.label),
            "about": _(kind.texts.about),
            "offered": kind.offered,
            "enrolled": any(factor.kind == kind.kind for factor in chosen.factors),
            "default": kind.kind == default,
        }
        for kind in kinds(uow).known
    ]
    return {"template": "factors/card_methods.html", "methods": methods}


async def authenticators_card(uow: UnitOfWork, visitor: Visitor, ctx: Context) -> dict[str, Any]:
    """Show the enrolled factors."""
    chosen = await ctx.once(actions.two_factor, uow, visitor.account_id)
    factors = [
        {
            "id": factor.id,
            "label": method_label(uow, factor),
            "icon": kind.texts.icon if (kind := kinds(uow).get(factor.kind)) else "phone",
            "kind": factor.kind,
            "name": factor.name,
            "created_at": factor.verified_at,
            "last_used_at": factor.last_used_at,
            "default": factor is chosen.default,
        }
        for factor in chosen.factors
    ]
    return {
        "template": "factors/card_authenticators.html",
        "factors": factors,
        "kinds": [
            {
                "kind": kind.kind,
                "details_at": kind.details_at,
                "add": _(kind.texts.add),
                "full": _(kind.texts.full) if is_full(chosen.factors, kind.kind) else None,
            }
            for kind in kinds(uow).offered
        ],
    }


async def update_policy(ctx: Context) -> Response:
    """Update how often a code is asked for ("Update 2FA Settings")."""
    try:
        policy = Policy(ctx.form.get("policy", ""))
    except ValueError as error:
        raise InvalidRequest(FieldError("policy", N_("Choose how often you are asked for a code."))) from error
    after, recovery_code = await ctx.write(actions.choose, policy, None)
    if recovery_code:
        return await show_code(ctx, recovery_code, then=TURNED_ON)
    waits = after.policy is not Policy.DISABLED and not after.active
    done = "two_factor_waits#methods" if waits else "two_factor_updated#two-factor"
    return ctx.redirect(f"/settings?done={done}")


async def update_method(ctx: Context) -> Response:
    """Make a method the default ("Update 2FA Method"); a new one becomes the default when it is verified."""
    kind = ctx.form.get("method", "")
    if not kind:
        raise InvalidRequest(FieldError("method", N_("Choose how you get your codes.")))
    chosen = await ctx.system.read(actions.two_factor, ctx.known_visitor.account_id)
    enrolled = next((factor for factor in chosen.factors if factor.kind == kind), None)
    if enrolled is None:
        default = {"default": "yes"} if chosen.default is not None else {}
        return await _begin(ctx, kind, None, None, default)
    if chosen.default is None or chosen.default.kind != kind:
        await ctx.write(actions.choose, None, enrolled.id)
    return ctx.redirect("/settings?done=method_updated#methods")


async def begin(ctx: Context) -> Response:
    """Start to enrol a factor; one that replaces another has the same kind unless the form names a kind."""
    form = ctx.form
    if form.get("saved") == "yes":  # the page after a recovery submits both in one form
        await ctx.write(actions.confirm_recovery_code, form.get("shown", ""))
    kind, replaces = form.get("kind", ""), form.get("replaces") or None
    if replaces and not kind:
        chosen = await ctx.system.read(actions.two_factor, ctx.known_visitor.account_id)
        kind = replaced.kind if (replaced := chosen.factor(replaces)) else kind
    return await _begin(ctx, kind, form.get("name") or None, replaces, passed_on(ctx))


async def enrol(ctx: Context) -> Response:
    """Show step 1: scan the QR code, follow the link or type the key. A phone is already at step 2."""
    return await _enrolment(ctx, at_step_2=False)


async def enter_code(ctx: Context) -> Response:
    """Show step 2: enter the first code."""
    return await _enrolment(ctx, at_step_2=True)


async def verify(ctx: Context) -> Response:
    """Verify the factor with its first code; show the recovery code if a new one was created."""
    before = await ctx.system.read(actions.two_factor, ctx.known_visitor.account_id)
    earlier = await has_code(ctx)
    try:
        answers, default = read_answers(ctx, ctx.form), as_default(ctx)
        verified = await ctx.write(enrolment.verify, ctx.id("id"), answers, as_default=default)
    except AlreadyVerified:
        return await show_code(ctx, None)
    if verified.recovery_code:
        then = continue_at(ctx) or (SAVED if before.active else TURNED_ON)
        return await show_code(ctx, verified.recovery_code, then=then, earlier=earlier)
    added = "/settings?done=method_updated#methods" if default else "/settings?done=factor_added#authenticators"
    return ctx.redirect(continue_at(ctx) or added)


async def rename(ctx: Context) -> Response:
    """Rename a factor."""
    await ctx.write(actions.rename, ctx.id("id"), ctx.form.get("name", ""))
    return ctx.redirect("/settings?done=factor_renamed#authenticators")


async def make_default(ctx: Context) -> Response:
    """Make a factor the one that is asked for first."""
    try:
        await ctx.write(actions.choose, None, ctx.id("id"))
    except InvalidRequest as error:  # the visitor has no such factor
        raise NotFound from error
    return ctx.redirect("/settings?done=default_changed#authenticators")


async def confirm_removal(ctx: Context) -> Response:
    """Ask for confirmation before a factor is removed."""
    chosen = await ctx.system.read(actions.two_factor, ctx.known_visitor.account_id)
    factor = chosen.factor(ctx.id("id"))
    if factor is None:
        raise NotFound
    kind, last = kinds(ctx).get(factor.kind), chosen.active and len(chosen.factors) == 1
    return ctx.render(
        "factors/remove.html",
        factor=factor,
        label=method_label(ctx, factor),
        removal=_(kind.texts.removal) if kind else "",
        last=last,
        ask_password=rests_on(ctx.known_visitor.proofs, factor.id),
    )


async def remove(ctx: Context) -> Response:
    """Remove a factor."""
    token, browser, password = ctx.session_token or "", ctx.cookies.get(BROWSER), ctx.form.get("password")
    await removal.remove(ctx.system, ctx.known_visitor, token, browser, ctx.id("id"), password)
    return ctx.redirect("/settings?done=factor_removed#authenticators")


async def _begin(
    ctx: Context, kind: str, name: str | None, replaces: str | None, passed_on: Mapping[str, str]
) -> Response:
    asked = kinds(ctx).get(kind)
    if asked is not None and asked.details_at is not None:
        given = {"kind": kind, "name": name, "replaces": replaces, **passed_on}
        query = urlencode({key: value for key, value in given.items() if value}, quote_via=quote)
        return ctx.redirect(f"{asked.details_at}?{query}")
    pending = await ctx.write(enrolment.begin, EnrolmentRequest(kind, name, replaces=replaces))
    return ctx.redirect(set_up_at(pending.factor.id, passed_on))


async def _enrolment(ctx: Context, *, at_step_2: bool) -> Response:
    pending = await ctx.read(enrolment.pending, ctx.id("id"))
    factor, kind, challenge = pending.factor, pending.kind, pending.challenge
    not_sent = challenge.not_sent if challenge else None
    return ctx.render(
        f"{kind.templates}/{'verify' if at_step_2 or kind.details_at else 'enrol'}.html",
        factor=factor,
        offer=pending.rendered_offer(),
        described=kind.describe(factor),
        challenge=challenge if challenge and challenge.is_open else None,
        not_sent=_(not_sent or NOT_SENT) if not_sent or ctx.query.get("sent") == "no" else None,
        others=kind.others(kinds(ctx).offered),
        replaced=pending.replaced,
        account=ctx.known_visitor.email,
        passed_on=passed_on(ctx),
        action_verify=f"/settings/factors/{factor.id}/verify",
    )


ROUTES = (
    Page("POST", "/settings/two-factor", update_policy, Access.UNLOCKED, again="/settings"),
    Page("POST", "/settings/method", update_method, Access.UNLOCKED, again="/settings"),
    Page("POST", "/settings/factors", begin, Access.UNLOCKED, again="/settings"),
    Page("GET", "/settings/factors/{id}", enrol, Access.UNLOCKED),
    Page("GET", "/settings/factors/{id}/verify", enter_code, Access.UNLOCKED),
    Page("POST", "/settings/factors/{id}/verify", verify, Access.UNLOCKED, again=enter_code),
    Page("POST", "/settings/factors/{id}/name", rename, Access.UNLOCKED, again="/settings"),
    Page("POST", "/settings/factors/{id}/default", make_default, Access.UNLOCKED, again="/settings"),
    Page("GET", "/settings/factors/{id}/remove", confirm_removal, Access.UNLOCKED),
    Page("POST", "/settings/factors/{id}/remove", remove, Access.UNLOCKED, again=confirm_removal),
)
