"""Where Twilio tells what became of a message that it took. Only what carries its signature is read."""

import hmac
import logging
from base64 import b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from twofold.base.ids import is_id
from twofold.base.outbox import Reason
from twofold.base.problems import Unavailable
from twofold.base.site import Site
from twofold.couriers import store
from twofold.couriers.addresses import Address
from twofold.couriers.drivers.twilio import HOOK, REASONS, Twilio

_log = logging.getLogger("twofold.couriers")
_MOST_BYTES = 16 * 1024
_MOST_FIELDS = 64
_NOT_DELIVERED = {"undelivered", "failed", "busy", "no-answer", "canceled"}


class TwilioHook:
    """Answers `/hooks/twilio?id=…`: 204 for what Twilio signed, 403 for anything else."""

    def __init__(self, site: Site) -> None:
        self._site = site
        given = map(Address.of, (*site.config.sms_url, *site.config.voice_url))
        self._tokens = {each.password for each in given if f"{each.scheme}://" in Twilio.schemes}

    async def __call__(self, request: Request) -> Response:
        """Note a message that could not be delivered."""
        form = await _form(request)
        if form is None or not self._is_signed(request, form):
            return Response(status_code=403)
        status = form.get("MessageStatus") or form.get("CallStatus", "")
        message_id = request.query_params.get("id", "")
        if status in _NOT_DELIVERED and is_id(message_id):
            code = form.get("ErrorCode", "")
            _log.warning("Twilio did not deliver a message", extra={"status": status, "code": code[:8]})
            try:
                await self._site.db.write(store.report, message_id, REASONS.get(code, Reason.UNREACHABLE))
            except Unavailable:
                return Response(status_code=503)
        return Response(status_code=204)

    def _is_signed(self, request: Request, form: dict[str, str]) -> bool:
        """Check against the address that we gave, whatever host the request names."""
        query = request.scope["query_string"].decode("latin-1")
        url = f"{self._site.config.base_url}{HOOK}" + (f"?{query}" if query else "")
        signature = request.headers.get("x-twilio-signature", "")
        return any([signed(token, url, form, signature) for token in self._tokens])  # noqa: C419 - no early exit


async def _form(request: Request) -> dict[str, str] | None:
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                return None
        pairs: Iterable[tuple[str, str]] = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except (ClientDisconnect, ValueError):
        return None
    return dict(pairs)


def signed(token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Check `X-Twilio-Signature`: HMAC-SHA1 over the address and the sorted fields of the form."""
    text = url + "".join(name + form[name] for name in sorted(form))
    expected = b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()
    return hmac.compare_digest(expected.encode(), signature.encode())
