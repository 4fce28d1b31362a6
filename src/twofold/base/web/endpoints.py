"""The endpoints that need no feature: static files, the API's documents, and health."""

from starlette.responses import Response

from twofold.base.web import health
from twofold.base.web.context import Context
from twofold.base.web.documents import DOCUMENTS
from twofold.base.web.routes import Endpoint
from twofold.base.web.static import StaticFiles


async def _static_file(ctx: Context) -> Response:
    return await ctx.site.part(StaticFiles).serve(ctx.request)


ENDPOINTS = (
    Endpoint(method="GET", path="/static/{name}", make=lambda _site: _static_file, for_programs=False),
    *health.ENDPOINTS,
    *DOCUMENTS,
)
