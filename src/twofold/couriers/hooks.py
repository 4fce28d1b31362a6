"""The endpoint for Twilio's delivery reports. Only signed reports are accepted."""

import hmac
import logging
from base64 import b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from starlette.responses import Response

from twofold.base.ids import is_id
from twofold.base.outbox import Reason
from twofold.base.problems import InvalidRequest, Unavailable
from twofold.base.site import Site
from twofold.base.web.bodies import read_body
from twofold.base.web.context import Context
from twofold.base.web.routes import Endpoint
from twofold.couriers import store
from twofold.couriers.addresses import Address
from twofold.couriers.drivers.twilio import HOOK, REASONS, Twilio

_log = logging.getLogger("twofold.couriers")
_MAX_BYTES = 16 * 1024
_MAX_FIELDS = 64
_NOT_DELIVERED = {"undelivered", "failed", "busy", "no-answer", "canceled"}


class TwilioHook:
    """Answers `/hooks/twilio?id=…` with 204 for a report signed by Twilio, and 403 for anything else."""

    def __init__(self, site: Site) -> None:
        self._site = site
        addresses = map(Address.of, (*site.config.sms_url, *site.config.voice_url))
        self._tokens = {each.password for each in addresses if f"{each.scheme}://" in Twilio.schemes}

    async def __call__(self, ctx: Context) -> Response:
        """Record that a message could not be delivered."""
        form = await _form(ctx)
        if form is None or not self._is_signed(ctx, form):
            return Response(status_code=403)
        status = form.get("MessageStatus") or form.get("CallStatus", "")
        message_id = ctx.query.get("id", "")
        if status in _NOT_DELIVERED and is_id(message_id):
            code = form.get("ErrorCode", "")
            _log.warning("Twilio did not deliver a message", extra={"status": status, "code": code[:8]})
            try:
                await self._site.db.write(store.report, message_id, REASONS.get(code, Reason.UNREACHABLE))
            except Unavailable:
                return Response(status_code=503)
        return Response(status_code=204)

    def _is_signed(self, ctx: Context, form: dict[str, str]) -> bool:
        """Check the signature over the callback address from our settings, not the host of the request."""
        query = ctx.request.scope["query_string"].decode("latin-1")
        url = f"{self._site.config.base_url}{HOOK}" + (f"?{query}" if query else "")
        signature = ctx.request.headers.get("x-twilio-signature", "")
        return any([signed(token, url, form, signature) for token in self._tokens])  # noqa: C419 - no early exit


async def _form(ctx: Context) -> dict[str, str] | None:
    try:
        body = await read_body(ctx.request, _MAX_BYTES)
        pairs: Iterable[tuple[str, str]] = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS
        )
    except (InvalidRequest, ValueError):
        return None
    return dict(pairs)


def signed(token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Return whether `X-Twilio-Signature` is the HMAC-SHA1 of the address and the sorted fields of the form."""
    text = url + "".join(name + form[name] for name in sorted(form))
    expected = b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()
    return hmac.compare_digest(expected.encode(), signature.encode())


TWILIO_HOOK = Endpoint(method="POST", path=HOOK, make=TwilioHook)
