"""A user's two-factor settings and methods without secrets, for the file with which users download their data."""

from typing import Any

from twofold.base.clock import rfc3339, rfc3339_or_none
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.factors import store
from twofold.factors.contract import kinds

Page = tuple[list[dict[str, Any]], None]


async def two_factor(uow: UnitOfWork, visitor: Visitor, _before: str | None) -> Page:
    """Return how the account is protected."""
    chosen = await store.two_factor(uow.tx, visitor.account_id)
    section = {
        "policy": chosen.policy,
        "active": chosen.active,
        "default_factor_id": chosen.default.id if chosen.default else None,
        "recovery_code_created_at": rfc3339_or_none(await kinds(uow).recovery.created_at(uow, visitor.account_id)),
    }
    return [section], None


async def factors(uow: UnitOfWork, visitor: Visitor, _before: str | None) -> Page:
    """Return the verified factors."""
    chosen = await store.two_factor(uow.tx, visitor.account_id)
    items = [
        {
            "id": factor.id,
            "kind": factor.kind,
            "name": factor.name,
            "created_at": rfc3339(factor.created_at),
            "verified_at": rfc3339_or_none(factor.verified_at),
            "last_used_at": rfc3339_or_none(factor.last_used_at),
            **(kind.export(factor) if (kind := kinds(uow).get(factor.kind)) else {}),
        }
        for factor in chosen.factors
    ]
    return items, None
