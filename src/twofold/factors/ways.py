"""The ways to give a code, as pages show them: which there are, which one is at hand, and what was sent for it.

Only what the account has verified and this server offers is a way.
"""

from collections.abc import Mapping
from typing import Any

from twofold.base.texts import _
from twofold.base.web.ask import Ask
from twofold.factors.contract import Factor, Kinds, PhoneKind
from twofold.factors.rules import TwoFactor
from twofold.factors.sending import NOT_CARRIED
from twofold.factors.sentcode.rules import LiveCode

APP = "app"


def ways(ask: Ask, chosen: TwoFactor, sent: LiveCode | None, not_carried: str | None) -> Mapping[str, Any]:
    """Describe the ways for a template. `sent` is the code that was sent last for what the page asks,
    `not_carried` tells why it does not come.

    At hand is the way that form or address name (`with`), else the one of the last code, else the default.
    """
    kinds = ask.site.part(Kinds)
    apps = [factor.name for factor in chosen.factors if kinds.app(factor.kind)]
    phones = {
        factor.id: _phone(factor, kind) for factor in chosen.factors if (kind := kinds.phone(factor.kind)) is not None
    }
    named = ask.form.get("with") or ask.query.get("with")
    wanted = (named, sent.factor_id if sent else None, chosen.default.id if chosen.default else None)
    at_hand = next((way for way in wanted if way in phones or (way == APP and apps)), None)
    if at_hand is None and not apps:
        at_hand = next(iter(phones), None)
    phone = phones.get(at_hand or "")
    return {
        "apps": apps,
        "at_hand": at_hand or APP,
        "phone": phone,
        "others": [other for other in phones.values() if other is not phone],
        "sent": _told(sent, phone, ask.now) if sent and phone and sent.factor_id == phone["id"] else None,
        "not_sent": _(not_carried or NOT_CARRIED) if not_carried or ask.query.get("sent") == "no" else None,
    }


def way_to(kinds: Kinds, factor: Factor) -> str | None:
    """Tell how codes come to a phone and how its number ends; None for what is no phone of this server."""
    kind = kinds.phone(factor.kind)
    return _(kind.texts.way).format(digits=kind.hint(factor)) if kind else None


def _phone(factor: Factor, kind: PhoneKind) -> dict[str, str]:
    digits, texts = kind.hint(factor), kind.texts
    return {
        "id": factor.id,
        "kind": factor.kind,
        "way": _(texts.way).format(digits=digits),
        "sent": _(texts.sent).format(digits=digits),
        "again": _(texts.again),
    }


def _told(sent: LiveCode, phone: Mapping[str, str], now: int) -> Mapping[str, Any] | None:
    """Tell of a code that was sent and is still good; None of any other."""
    if sent.used_at is not None or not sent.is_alive(now):
        return None
    return {"text": phone["sent"], "expires_at": sent.expires_at, "resend_at": sent.resend_at}
