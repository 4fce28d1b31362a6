"""The recovery code on screen: once, in the answer of the form that made it; nothing keeps it in clear."""

from typing import Any

from starlette.responses import Response

from twofold.base.acts import Act
from twofold.base.clock import rfc3339
from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_, _
from twofold.base.visitor import Need, Visitor
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Page
from twofold.factors import actions
from twofold.factors.contract import Kinds

SAVED = "/settings?done=recovery_code_saved"
TURNED_ON = "/settings?done=two_factor_on"
_MOST = 64  # characters of a code that is sent back to be downloaded


async def card(act: Act, visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Show whether there is a recovery code, never the code."""
    recovery = act.site.part(Kinds).recovery
    chosen = await actions.two_factor(act, visitor.account_id)
    return {
        "template": "recovery/card.html",
        "active": chosen.active,
        "created_at": await recovery.created_at(act, visitor.account_id),
        "saved": await recovery.is_saved(act, visitor.account_id),
    }


def after_saving(return_to: str) -> str:
    """Where to go on when a code is saved; the settings say that it is."""
    return SAVED if return_to == "/settings" else return_to


async def has_code(ask: Ask) -> bool:
    """Tell whether there is a code that a new one would kill."""
    return await ask.acts.read(ask.site.part(Kinds).recovery.created_at, ask.known_visitor.account_id) is not None


async def show_code(ask: Ask, recovery_code: str | None, *, then: str = SAVED, earlier: bool = False) -> Response:
    """Show a new code once, and go on from there; without one (a reload) say that it was shown, and offer another.

    `earlier` tells that there was a code before it, which is dead.
    """
    if recovery_code is None:
        return ask.render("recovery/already_shown.html")
    return ask.render("recovery/shown.html", recovery_code=recovery_code, next=then, earlier=earlier)


async def renew(ask: Ask) -> Response:
    """Make a new code."""
    earlier = await has_code(ask)
    return await show_code(ask, await ask.act(actions.renew_recovery_code), earlier=earlier)


async def confirm_saved(ask: Ask) -> Response:
    """Note that the code is saved."""
    if ask.form.get("saved") != "yes":
        raise InvalidRequest(FieldError("saved", N_("Save your recovery code, then tick the box.")))
    await ask.act(actions.confirm_recovery_code)
    return ask.go(ask.return_to)


async def download(ask: Ask) -> Response:
    """Give the code that the page shows back as a file."""
    code = ask.form.get("recovery_code", "")
    if not code.isascii() or len(code) > _MOST or not code.replace("-", "").isalnum():
        raise InvalidRequest(FieldError("recovery_code", N_("Make a new recovery code and download that.")))
    site = ask.site.config
    lines = [
        _("Recovery code for {service}").format(service=site.site_name),
        "",
        code,
        "",
        _("Account: {email}").format(email=ask.known_visitor.email),
        _("Made: {time}").format(time=rfc3339(ask.now)),
        "",
        _("Sign in at {address} with your password, choose “Use your recovery code” and enter it.").format(
            address=f"{site.base_url}/sign-in"
        ),
        _("It works once. Keep it where you find it when your phone is gone."),
        "",
    ]
    headers = {"Content-Disposition": 'attachment; filename="twofold-recovery-code.txt"'}
    return Response("\n".join(lines), headers=headers, media_type="text/plain")


ROUTES = (
    Page("POST", "/settings/recovery-code", renew, Need.UNLOCKED, again="/settings"),
    Page("POST", "/settings/recovery-code/saved", confirm_saved, Need.SIGNED_IN, again="/settings"),
    Page("POST", "/settings/recovery-code/download", download, Need.SIGNED_IN),
)
