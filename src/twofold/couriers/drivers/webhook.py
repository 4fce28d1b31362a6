"""`webhook+https://` posts a message as JSON to a gateway of the operator's, signed when the two share a secret."""

import hmac

import msgspec

from twofold.base.outbox import Reason
from twofold.config.units import Refused as BadAddress
from twofold.couriers.addresses import Address
from twofold.couriers.contract import Around, Look, Parcel
from twofold.couriers.http import Answer, HttpDriver

_REASONS = {Reason.CANNOT_TAKE_TEXTS, Reason.OPTED_OUT, Reason.NOT_SERVED, Reason.UNREACHABLE}
_OURS = ("secret", "ca")  # of what stands behind `?`; the rest is the gateway's


class Webhook(HttpDriver):
    """2xx takes a message, 4xx refuses it; anything else, or nothing, is tried again with the same id."""

    schemes = ("webhook+https://", "webhook+http://")
    channels = ("mail", "sms", "voice")
    form = "webhook+https://host/path?secret=…"
    repeatable = True

    def __init__(self, address: Address, channel: str, around: Around) -> None:
        options = {name: value for name, value in address.pairs() if name in _OURS}
        theirs = "&".join(each for each in address.query.split("&") if each and each.partition("=")[0] not in _OURS)
        self._url = address.http((address.path or "/") + (f"?{theirs}" if theirs else ""))
        self._auth = (address.user, address.password) if address.user else None
        self._secret = options.get("secret")
        if self._secret == "":
            raise BadAddress("has an empty secret: give one, or leave the word out")
        self._setting = f"TWOFOLD_{channel.upper()}_URL"
        self._clock = around.clock
        super().__init__(options.get("ca"))

    async def carry(self, parcel: Parcel) -> None:
        """Post a message. Raises Refused, Failed, Doubtful."""
        body = msgspec.json.encode(_body(parcel))
        headers = {"Content-Type": "application/json", **self._signature(body)}
        await self.hand_over("POST", self._url, headers=headers, body=body, auth=self._auth)

    def why(self, answer: Answer) -> tuple[str, Reason | None]:
        """Read why a gateway refuses, if it says so in our words: `{"reason": "cannot_take_texts"}`."""
        word = answer.told.get("reason")
        return "", next((reason for reason in _REASONS if reason == word), None)

    async def check(self) -> Look:
        """Ask what the gateway allows: any answer will do. Raises Failed."""
        await self.ask("OPTIONS", self._url, auth=self._auth)
        if self._secret is None:
            return Look(f"answers, but cannot tell who sends: add ?secret= to {self._setting}.", well=False)
        return Look()

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
