"""Pages for the recovery code, shown only in the response to the form that created it and never stored as text."""

from typing import Any

from starlette.responses import Response

from twofold.base.clock import rfc3339
from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_, _
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import Page
from twofold.factors import actions
from twofold.factors.contract import kinds

SAVED = "/settings?done=recovery_code_saved"
TURNED_ON = "/settings?done=two_factor_on"
_MOST = 64  # characters of a code that the page submits for the download


async def card(uow: UnitOfWork, visitor: Visitor, ctx: Context) -> dict[str, Any]:
    """Show whether there is a recovery code, but never the code itself."""
    recovery = kinds(uow).recovery
    chosen = await ctx.once(actions.two_factor, uow, visitor.account_id)
    return {
        "template": "recovery/card.html",
        "active": chosen.active,
        "created_at": await recovery.created_at(uow, visitor.account_id),
        "saved": await recovery.is_saved(uow, visitor.account_id),
    }


async def banner(uow: UnitOfWork, visitor: Visitor) -> str | None:
    """Return a reminder if the visitor has not confirmed that the recovery code is saved."""
    return None if await actions.has_saved_code(uow, visitor) else "recovery/banner.html"


def after_saving(return_to: str) -> str:
    """Return the page to continue at after a code is saved; the settings page shows that it is."""
    return SAVED if return_to == "/settings" else return_to


async def has_code(ctx: Context) -> bool:
    """Return whether there is a code that a new one would replace."""
    return await ctx.system.read(kinds(ctx).recovery.created_at, ctx.known_visitor.account_id) is not None


async def show_code(ctx: Context, recovery_code: str | None, *, then: str = SAVED, earlier: bool = False) -> Response:
    """Show a new code once; without one (a reload), say that it was already shown and offer another.

    `then` is where the page continues. `earlier` is true if this code replaced one, which no longer works.
    """
    if recovery_code is None:
        return ctx.render("recovery/already_shown.html")
    shown = kinds(ctx).recovery.confirmation_token(ctx.known_visitor.account_id, recovery_code)
    return ctx.render("recovery/shown.html", recovery_code=recovery_code, shown=shown, next=then, earlier=earlier)


async def renew(ctx: Context) -> Response:
    """Create a new code."""
    earlier = await has_code(ctx)
    return await show_code(ctx, await ctx.write(actions.renew_recovery_code), earlier=earlier)


async def confirm_saved(ctx: Context) -> Response:
    """Record that the code is saved, from the page that showed it or with unlocked settings."""
    if ctx.form.get("saved") != "yes":
        raise InvalidRequest(FieldError("saved", N_("Save your recovery code, then tick the box.")))
    await ctx.write(actions.confirm_recovery_code, ctx.form.get("shown", ""))
    return ctx.redirect(ctx.return_to)


async def download(ctx: Context) -> Response:
    """Return the code that the page submits as a file."""
    code = ctx.form.get("recovery_code", "")
    if not code.isascii() or len(code) > _MOST or not code.replace("-", "").isalnum():
        raise InvalidRequest(FieldError("recovery_code", N_("Create a new recovery code, then download that one.")))
    site = ctx.site.config
    lines = [
        _("Recovery code for {service}").format(service=site.site_name),
        "",
        code,
        "",
        _("Account: {email}").format(email=ctx.known_visitor.email),
        _("Created: {time}").format(time=rfc3339(ctx.now)),
        "",
        _("Sign in at {address} with your password, choose “Use your recovery code” and enter it.").format(
            address=f"{site.base_url}/sign-in"
        ),
        _("It works once. Keep it where you can find it if you lose your phone."),
        "",
    ]
    headers = {"Content-Disposition": 'attachment; filename="twofold-recovery-code.txt"'}
    return Response("\n".join(lines), headers=headers, media_type="text/plain")


ROUTES = (
    Page("POST", "/settings/recovery-code", renew, Access.UNLOCKED, again="/settings"),
    Page("POST", "/settings/recovery-code/saved", confirm_saved, Access.SIGNED_IN, again="/settings"),
    Page("POST", "/settings/recovery-code/download", download, Access.SIGNED_IN),
)
