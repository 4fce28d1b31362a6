"""Send the browser to another origin after a form.

`form-action 'self'` also applies to the redirects of a form: Chromium does not follow one to another site. A page that
refreshes at once starts a new navigation. Its link is for browsers that do not refresh.
"""

import re
from urllib.parse import urlsplit

from starlette.responses import Response

from twofold.base.web.context import Context

_ADDRESS = re.compile(r"(https?://[^/?#]|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/)[A-Za-z0-9._~:/?#@!$&()*+,;=%\[\]-]*")


def leave_for(ctx: Context, address: str) -> Response:
    """Send the browser to an address of a web site or an app (RFC 8252 7.1), which the caller has checked.

    Raise ValueError if it is neither, or has characters that must be encoded in an address.
    """
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"cannot redirect to {address.partition('?')[0]!r}")
    parts = urlsplit(address)
    response = ctx.render("web/leaving.html", address=address, host=parts.hostname or parts.scheme)
    response.headers["Refresh"] = f"0; url={address}"
    response.headers["Referrer-Policy"] = "no-referrer"  # our address may contain what the other site must not see
    response.headers["Cache-Control"] = "no-store"
    return response
