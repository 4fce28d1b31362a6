"""A build with two routes that lead to the origin named in a form: `/leave` by a refresh, `/redirect` by a 303.

`python leaving_build.py python -m twofold serve ...` serves it.
"""

import sys

from starlette.responses import RedirectResponse, Response

from twofold import cli, running
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.endpoints import ENDPOINTS
from twofold.base.web.leaving import leave_for
from twofold.base.web.router import RouteTable
from twofold.base.web.routes import Page
from twofold.features import FEATURES


async def show(ctx: Context) -> Response:
    """Show the form with the address of the other origin."""
    action, to = ctx.request.url.path, ctx.query["to"].replace("&", "&amp;")
    fields = f'<input type="hidden" name="to" value="{to}"><button>Allow</button>'
    return Response(f'<form method="post" action="{action}">{fields}</form>', media_type="text/html")


async def leave(ctx: Context) -> Response:
    """Respond with a refresh to the other origin."""
    return leave_for(ctx, ctx.form["to"])


async def redirect(ctx: Context) -> Response:
    """Redirect to the other origin."""
    return RedirectResponse(ctx.form["to"], 303)


ROUTES = (
    Page("GET", "/leave", show, Access.PUBLIC),
    Page("POST", "/leave", leave, Access.PUBLIC),
    Page("GET", "/redirect", show, Access.PUBLIC),
    Page("POST", "/redirect", redirect, Access.PUBLIC),
)

if __name__ == "__main__":
    running.ROUTES = RouteTable((*FEATURES.routes, *FEATURES.endpoints, *ENDPOINTS, *ROUTES))
    sys.argv[1:] = sys.argv[4:]
    cli.main()
