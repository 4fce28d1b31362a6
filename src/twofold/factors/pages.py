"""Second factors as pages: the article's two sections, the authenticators, and their enrolment in two steps."""

from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from twofold.base.acts import Act
from twofold.base.problems import FieldError, InvalidRequest, NotFound
from twofold.base.texts import N_, _
from twofold.base.visitor import Need, Visitor
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Page
from twofold.factors import actions, enrolment, phone_pages
from twofold.factors.contract import Kinds
from twofold.factors.enrolment import PendingApp, PendingPhone, Wanted
from twofold.factors.phone_pages import as_default, number_wanted, prove_number, set_up_at
from twofold.factors.recovery_pages import SAVED, TURNED_ON, has_code, show_code
from twofold.factors.rules import MOST_FACTORS, AlreadyVerified, Policy
from twofold.factors.ways import way_to

_METHODS = ("sms", "voice", "totp")  # in the article's order


async def frequency_card(act: Act, visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Show how often a code is asked for."""
    chosen = await actions.two_factor(act, visitor.account_id)
    return {
        "template": "factors/card_frequency.html",
        "policy": chosen.policy.value,
        "active": chosen.active,
        "required": False,
    }


async def methods_card(act: Act, visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Show the methods, those that this server does not offer too."""
    chosen, kinds = await actions.two_factor(act, visitor.account_id), act.site.part(Kinds)
    only = kinds.apps[0].kind if kinds.apps and not kinds.phones else None
    default = chosen.default.kind if chosen.default else only
    methods = [
        {
            "kind": kind,
            "offered": kinds.of(kind) is not None,
            "enrolled": any(factor.kind == kind for factor in chosen.factors),
            "default": kind == default,
        }
        for kind in _METHODS
    ]
    return {"template": "factors/card_methods.html", "methods": methods}


async def authenticators_card(act: Act, visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Show what is enrolled."""
    chosen, kinds = await actions.two_factor(act, visitor.account_id), act.site.part(Kinds)
    factors = [
        {
            "id": factor.id,
            "way": way_to(kinds, factor),
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
        "can_add": len(factors) < MOST_FACTORS,
        "phones": [{"kind": kind.kind, "add": _(kind.texts.add)} for kind in kinds.phones],
    }


async def update_policy(ask: Ask) -> Response:
    """Update 2FA Settings."""
    try:
        policy = Policy(ask.form.get("policy", ""))
    except ValueError as error:
        raise InvalidRequest(FieldError("policy", N_("Choose how often a code is asked for."))) from error
    after, recovery_code = await ask.act(actions.choose, policy, None)
    if recovery_code:
        return await show_code(ask, recovery_code, then=TURNED_ON)
    waits = after.policy is not Policy.DISABLED and not after.active
    done = "two_factor_waits#methods" if waits else "two_factor_updated#two-factor"
    return ask.go(f"/settings?done={done}")


async def update_method(ask: Ask) -> Response:
    """Update 2FA Method: the enrolled one becomes the default, a new one when it is verified."""
    kind = ask.form.get("method", "")
    if not kind:
        raise InvalidRequest(FieldError("method", N_("Choose how you get your codes.")))
    chosen = await ask.acts.read(actions.two_factor, ask.known_visitor.account_id)
    enrolled = next((factor for factor in chosen.factors if factor.kind == kind), None)
    if enrolled is None:
        return await _begin(ask, kind, None, None, default=chosen.default is not None)
    if chosen.default is None or chosen.default.kind != kind:
        await ask.act(actions.choose, None, enrolled.id)
    return ask.go("/settings?done=method_updated#methods")


async def begin(ask: Ask) -> Response:
    """Start to enrol a factor, perhaps in the place of another, of whose kind it is unless another is named."""
    form = ask.form
    if form.get("saved") == "yes":  # the page after a recovery asks for both at once
        await ask.act(actions.confirm_recovery_code)
    kind, replaces = form.get("kind", ""), form.get("replaces") or None
    if replaces and not kind:
        chosen = await ask.acts.read(actions.two_factor, ask.known_visitor.account_id)
        kind = replaced.kind if (replaced := chosen.factor(replaces)) else kind
    return await _begin(ask, kind, form.get("name") or None, replaces)


async def enrol(ask: Ask) -> Response:
    """Step 1: scan the picture, tap the link or type the key; a phone is at step 2 already."""
    return await _enrolment(ask, "enrol.html")


async def enter_code(ask: Ask) -> Response:
    """Step 2: enter the first code."""
    return await _enrolment(ask, "verify.html")


async def verify(ask: Ask) -> Response:
    """Make the factor count; shows the recovery code when there is a new one."""
    before = await ask.acts.read(actions.two_factor, ask.known_visitor.account_id)
    earlier = await has_code(ask)
    try:
        code, default = ask.form.get("code", ""), as_default(ask)
        verified = await ask.act(enrolment.verify, ask.id("id"), code, as_default=default)
    except AlreadyVerified:
        return await show_code(ask, None)
    if verified.recovery_code:
        then = SAVED if before.active else TURNED_ON
        return await show_code(ask, verified.recovery_code, then=then, earlier=earlier)
    return ask.go("/settings?done=method_updated#methods" if default else "/settings?done=factor_added#authenticators")


async def rename(ask: Ask) -> Response:
    """Rename a factor."""
    await ask.act(actions.rename, ask.id("id"), ask.form.get("name", ""))
    return ask.go("/settings?done=factor_renamed#authenticators")


async def make_default(ask: Ask) -> Response:
    """Ask for this factor first."""
    try:
        await ask.act(actions.choose, None, ask.id("id"))
    except InvalidRequest as error:  # a factor that is not one's own: there is nothing here
        raise NotFound from error
    return ask.go("/settings?done=default_changed#authenticators")


async def confirm_removal(ask: Ask) -> Response:
    """Ask before a factor is removed."""
    chosen = await ask.acts.read(actions.two_factor, ask.known_visitor.account_id)
    factor = chosen.factor(ask.id("id"))
    if factor is None:
        raise NotFound
    kinds = ask.site.part(Kinds)
    is_app = kinds.app(factor.kind) is not None
    last = chosen.active and len(chosen.factors) == 1
    return ask.render("factors/remove.html", factor=factor, way=way_to(kinds, factor), is_app=is_app, last=last)


async def remove(ask: Ask) -> Response:
    """Remove a factor."""
    await ask.act(actions.remove, ask.id("id"))
    return ask.go("/settings?done=factor_removed#authenticators")


async def _begin(ask: Ask, kind: str, name: str | None, replaces: str | None, *, default: bool = False) -> Response:
    if (page := number_wanted(ask, kind, name, replaces, default=default)) is not None:
        return page
    pending = await ask.act(enrolment.begin, Wanted(kind, name, None, replaces))
    return ask.go(set_up_at(pending.factor.id, default=default))


async def _enrolment(ask: Ask, page: str) -> Response:
    pending = await ask.look(enrolment.pending, ask.id("id"))
    if isinstance(pending, PendingPhone):
        return prove_number(ask, pending)
    assert isinstance(pending, PendingApp)  # noqa: S101 - a factor is an app or a phone
    offer = pending.shown()
    secret = offer["secret"]
    return ask.render(
        f"{pending.kind.templates}/{page}",
        factor=pending.factor,
        secret=secret,
        secret_groups=[secret[start : start + 4] for start in range(0, len(secret), 4)],
        uri=offer["uri"],
        qr_svg=Markup(offer["qr_svg"]),  # noqa: S704 - drawn by us, modules and an escaped title only
        account=ask.known_visitor.email,
        as_default=as_default(ask),
        replaces_name=pending.replaced.name if pending.replaced else None,
        action_verify=f"/settings/factors/{pending.factor.id}/verify",
    )


ROUTES = (
    *phone_pages.ROUTES,
    Page("POST", "/settings/two-factor", update_policy, Need.UNLOCKED, again="/settings"),
    Page("POST", "/settings/method", update_method, Need.UNLOCKED, again="/settings"),
    Page("POST", "/settings/factors", begin, Need.UNLOCKED, again="/settings"),
    Page("GET", "/settings/factors/{id}", enrol, Need.UNLOCKED),
    Page("GET", "/settings/factors/{id}/verify", enter_code, Need.UNLOCKED),
    Page("POST", "/settings/factors/{id}/send", phone_pages.send_again, Need.UNLOCKED, again=enter_code),
    Page("POST", "/settings/factors/{id}/verify", verify, Need.UNLOCKED, again=enter_code),
    Page("POST", "/settings/factors/{id}/name", rename, Need.UNLOCKED, again="/settings"),
    Page("POST", "/settings/factors/{id}/default", make_default, Need.UNLOCKED, again="/settings"),
    Page("GET", "/settings/factors/{id}/remove", confirm_removal, Need.UNLOCKED),
    Page("POST", "/settings/factors/{id}/remove", remove, Need.UNLOCKED, again="/settings"),
)
