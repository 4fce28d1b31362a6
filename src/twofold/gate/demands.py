"""What a rule demands of a session, and what is missing."""

from twofold.base.visitor import Visitor
from twofold.gate.rules import LEVELS, Rule
from twofold.unlock import rules as step_up
from twofold.unlock.rules import Demand


def demand_of(rule: Rule, now: int) -> Demand:
    """Return the demand of a rule at this time (epoch seconds)."""
    return Demand(LEVELS[rule.require], now - rule.fresh if rule.fresh else 0)


def is_met(rule: Rule, visitor: Visitor, now: int) -> bool:
    """Return whether a session has proved what a rule demands."""
    if not rule.fresh:
        return visitor.level >= LEVELS[rule.require]
    return step_up.is_met(visitor.proofs, demand_of(rule, now), now)
