"""Send browsers from 127.0.0.1 and [::1] to `localhost` if that is the base URL, since cookies belong to one host.

Only pages are redirected. Programs and probes keep the address that they use.
"""

from urllib.parse import quote, quote_from_bytes

from starlette.responses import RedirectResponse, Response

from twofold.base.web.context import Context
from twofold.base.web.paths import path_of

_STAYING = ("/api", "/gate", "/oidc", "/healthz", "/readyz")


def redirect_to_localhost(ctx: Context) -> Response | None:
    """Return a redirect to the same page at `localhost`, or None if the address of the request is right."""
    numeric = ctx.site.config.numeric_origins
    path = path_of(ctx.request.scope)
    if not numeric or f"http://{ctx.request.headers.get('host')}" not in numeric or _stays(path):
        return None
    query = quote_from_bytes(ctx.request.scope["query_string"], safe=":/%?=@[]!$&'()*+,;")
    return RedirectResponse(f"{ctx.site.config.base_url}{quote(path)}{query and f'?{query}'}")


def _stays(path: str) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in _STAYING)
