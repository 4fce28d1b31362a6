"""The methods that can answer a challenge, for pages: which are available, which is selected, and what was sent.

Only methods that the account has verified and this server offers are shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from twofold.base.site import HasSite
from twofold.base.texts import N_, _
from twofold.base.web.context import Context
from twofold.factors.contract import Challenge, Factor, Kind, Texts, kinds
from twofold.factors.rules import NOT_SENT, TwoFactor

_NO_METHOD = Texts(  # if this server no longer offers any of the account's methods
    label="",
    about="",
    add="",
    full="",
    removal="",
    lost=N_("Can't get a code?"),
    found=N_("Can you get a code after all?"),
    use=N_("Enter a code"),
)


def code_prompt(ctx: Context, chosen: TwoFactor, challenge: Challenge | None) -> Mapping[str, Any]:
    """Return the methods for a template; `challenge` is the last one for this page's request.

    The selected method is the one in the form or query (`with`), else that of the challenge, else the default.
    """
    methods = {method["key"]: method for method in _methods(ctx, chosen.factors)}
    challenged = chosen.factor(challenge.factor_id) if challenge else None
    wanted = (ctx.form.get("with") or ctx.query.get("with"), _key(ctx, challenged), _key(ctx, chosen.default))
    selected = next((methods[key] for key in wanted if key in methods), next(iter(methods.values()), None))
    others = [method for method in methods.values() if method is not selected]
    current = challenge if challenge and selected and _key(ctx, challenged) == selected["key"] else None
    not_sent = challenge.not_sent if challenge else None
    texts = selected["texts"] if selected else _NO_METHOD
    return {
        "selected": selected,
        "lost": _(texts.lost),
        "found": _(texts.found),
        "use": _(texts.use),
        "others": sorted(others, key=lambda method: not method["sends"]),
        "sent": current if current and current.is_open and not current.options else None,
        "options": current.options if current else None,
        "not_sent": _(not_sent or NOT_SENT) if not_sent or ctx.query.get("sent") == "no" else None,
    }


def method_label(holder: HasSite, factor: Factor) -> str:
    """Return the description shown next to a factor's name, which may be empty."""
    kind = kinds(holder).get(factor.kind)
    return kind.describe(factor).label if kind else ""


def _methods(ctx: Context, factors: Sequence[Factor]) -> Iterator[Mapping[str, Any]]:
    for kind, members in kinds(ctx).groups(factors):
        if kind.together:
            yield _method(kind, kind.group, [each.name for each in members], members[0])
            continue
        for factor in sorted(members, key=factors.index):
            if (own := kinds(ctx).get(factor.kind)) is not None:
                yield _method(own, factor.id, [factor.name], factor)


def _method(kind: Kind, key: str, names: list[str], factor: Factor) -> Mapping[str, Any]:
    described = kind.describe(factor)
    return {
        "key": key,
        "factor_id": factor.id,
        "names": names,
        "label": described.label or _(kind.default_name),
        "sent": described.sent,
        "again": described.again,
        "sends": kind.sends,
        "templates": kind.templates,
        "field": kind.answer_fields[0],
        "texts": kind.texts,
    }


def _key(ctx: Context, factor: Factor | None) -> str | None:
    kind = kinds(ctx).get(factor.kind) if factor else None
    if factor is None or kind is None:
        return None
    return kind.group if kind.together else factor.id
