"""A build with routes that fail outside of handlers: `/fails/early`, `/fails/silent` and `/fails/late`.

`python failing_build.py python -m twofold serve ...` serves it.
"""

import sys

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from twofold import cli, running
from twofold.base.web.context import Context
from twofold.base.web.endpoints import ENDPOINTS
from twofold.base.web.router import RouteTable
from twofold.base.web.routes import Endpoint
from twofold.features import FEATURES


async def early(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Fail before responding."""
    raise RuntimeError("marked-failure")


async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Return without a response."""


async def late(_ctx: Context) -> Response:
    """Return a response with a header that the server refuses to send."""
    return Response("x", headers={"X-Split": "a\r\nSet-Cookie: planted=1"})


ROUTES = (
    Endpoint(method="GET", path="/fails/early", raw=lambda _site: early),
    Endpoint(method="GET", path="/fails/silent", raw=lambda _site: silent),
    Endpoint(method="GET", path="/fails/late", make=lambda _site: late, for_programs=False),
)

if __name__ == "__main__":
    running.ROUTES = RouteTable((*FEATURES.routes, *FEATURES.endpoints, *ENDPOINTS, *ROUTES))
    sys.argv[1:] = sys.argv[4:]
    cli.main()
