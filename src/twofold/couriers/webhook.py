"""`webhook+https://` posts a message as JSON to a gateway of the operator's, signed when the two share a secret."""

import hmac
from typing import Any

import msgspec

from twofold.base.outbox import Reason
from twofold.config.couriers import Address
from twofold.couriers.contract import Around, Doubtful, Failed, Parcel, Refused
from twofold.couriers.http import Answer, Client

_REASONS = {Reason.CANNOT_TAKE_TEXTS, Reason.OPTED_OUT, Reason.NOT_SERVED, Reason.UNREACHABLE}


class Webhook:
    """2xx takes a message, 4xx refuses it; anything else, or nothing, is tried again with the same id."""

    repeatable = True

    def __init__(self, address: Address, _channel: str, around: Around) -> None:
        host = f"[{address.host}]" if ":" in address.host else address.host
        port = f":{address.port}" if address.port else ""
        self._url = f"http{'s' if address.secure else ''}://{host}{port}{address.rest}"
        self._auth = (address.user, address.password) if address.user else None
        self._secret = address.options.get("secret")
        self._clock = around.clock
        self._client = Client(address.options.get("ca"))

    async def carry(self, parcel: Parcel) -> None:
        """Post a message. Raises Refused, Failed, Doubtful."""
        body = msgspec.json.encode(_body(parcel))
        headers = {"Content-Type": "application/json", **self._signature(body)}
        answer = await self._client.send("POST", self._url, headers=headers, body=body, auth=self._auth)
        if answer.taken:
            return
        if 400 <= answer.status < 500 and not answer.busy:  # noqa: PLR2004 - RFC 9110 15.5
            raise Refused(f"it answered {answer.status}", _reason(answer))
        raise Failed(f"it answered {answer.status}", alive=answer.stumbled)

    async def check(self) -> None:
        """Ask what the gateway allows: any answer will do. Raises Failed."""
        try:
            await self._client.send("OPTIONS", self._url, headers={}, auth=self._auth)
        except Doubtful as error:
            raise Failed(str(error)) from None

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    def _signature(self, body: bytes) -> dict[str, str]:
        if self._secret is None:
            return {}
        now = str(self._clock())
        signature = hmac.digest(self._secret.encode(), now.encode() + b"." + body, "sha256").hex()
        return {"Twofold-Signature": f"t={now},v1={signature}"}


def _body(parcel: Parcel) -> dict[str, str]:
    message = parcel.message
    subject = {} if message.subject is None else {"subject": message.subject}
    rest = {"text": message.text, "locale": message.locale}
    return {"id": parcel.id, "channel": message.channel, "to": message.to, **subject, **rest}


def _reason(answer: Answer) -> Reason | None:
    """Read why a gateway refuses, if it says so in our words: `{"reason": "cannot_take_texts"}`."""
    try:
        told: Any = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    word = told.get("reason") if isinstance(told, dict) else None
    return next((reason for reason in _REASONS if reason == word), None)
