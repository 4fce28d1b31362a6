"""What a route demands of its visitor's session beyond a sign-in: a level, and how fresh its proofs are.

A page that requires it leads to `/authenticate` and back, and a call answers 403. An endpoint, which authenticates
itself, asks `lack` and redirects to `rules.authenticate_at`.
"""

from twofold.base.unit_of_work import Runner
from twofold.base.visitor import Visitor
from twofold.base.web.context import Context
from twofold.unlock import actions, rules
from twofold.unlock.rules import Demand, Missing


async def require(ctx: Context, demand: Demand) -> None:
    """Raise StepUpRequired unless the visitor's session meets a demand."""
    visitor = ctx.known_visitor
    if not rules.is_met(visitor.proofs, demand, ctx.now):
        required = await ctx.read(actions.requirements, demand)
        raise rules.refusal(visitor.level, demand, required.missing, required.asks_for)


async def lack(runner: Runner, visitor: Visitor, demand: Demand) -> Missing:
    """Return what a session lacks for a demand; one that lacks nothing costs no query."""
    if rules.is_met(visitor.proofs, demand, runner.site.clock()):
        return Missing.NOTHING
    return (await runner.read(actions.requirements, visitor, demand)).missing
