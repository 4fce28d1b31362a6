"""Three pages, a call and an endpoint, each of which demands a level and how fresh its proofs are."""

import msgspec
from starlette.responses import PlainTextResponse, Response

from twofold.base.feature import Feature
from twofold.base.proofs import Level
from twofold.base.site import Site
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import Endpoint, Handler, Page, call
from twofold.sessions.actions import recognise
from twofold.unlock.rules import AuthenticationTooOld, Demand, Missing, StepUpRequired, authenticate_at, within
from twofold.unlock.step_up import lack, require


class Opened(msgspec.Struct):
    """What is inside."""

    gold: int


async def show(ctx: Context) -> Response:
    """Show what is inside to a visitor who has just given a second factor."""
    await require(ctx, within(Level.TWO_FACTORS, 60, ctx.now))
    return ctx.render("strongroom/inside.html", name="strong room")


async def show_hall(ctx: Context) -> Response:
    """Show what is inside to a visitor who has given a second factor at any time."""
    await require(ctx, Demand(Level.TWO_FACTORS))
    return ctx.render("strongroom/inside.html", name="hall")


async def show_desk(ctx: Context) -> Response:
    """Show what is inside to a visitor who has just signed in, in whatever way."""
    await require(ctx, within(Level.ONE_FACTOR, 60, ctx.now))
    return ctx.render("strongroom/inside.html", name="desk")


async def show_vault(ctx: Context) -> Response:
    """Show what is inside to a visitor with a passkey."""
    await require(ctx, Demand(Level.PHISHING_RESISTANT))
    return ctx.render("strongroom/inside.html", name="vault")


@call("GET", "/strongroom", Access.SIGNED_IN, problems=(StepUpRequired, AuthenticationTooOld))
async def open_room(ctx: Context) -> Opened:
    """Open the strong room."""
    await require(ctx, within(Level.TWO_FACTORS, 60, ctx.now))
    return Opened(100)


def _door(_site: Site) -> Handler:
    async def answer(ctx: Context) -> Response:
        visitor = await recognise(ctx.system, ctx.session_token)
        if visitor is None:
            return ctx.redirect("/sign-in?return_to=/strongroom/door")
        demand = Demand(Level.TWO_FACTORS)
        if await lack(ctx.system, visitor, demand) is not Missing.NOTHING:
            return ctx.redirect(authenticate_at(demand, return_to="/strongroom/door?through=yes"))
        return PlainTextResponse("the door is open")

    return answer


FEATURE = Feature(
    routes=(
        Page("GET", "/strongroom", show, Access.SIGNED_IN),
        Page("GET", "/strongroom/hall", show_hall, Access.SIGNED_IN),
        Page("GET", "/strongroom/desk", show_desk, Access.SIGNED_IN),
        Page("GET", "/strongroom/vault", show_vault, Access.SIGNED_IN),
        open_room,
    ),
    endpoints=(Endpoint(method="GET", path="/strongroom/door", make=_door, for_programs=False),),
)
