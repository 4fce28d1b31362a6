"""`webhook+https://` posts messages as JSON to the operator's own gateway, signed if they share a secret."""

import hmac

import msgspec

from twofold.base.outbox import Reason
from twofold.config.values import InvalidSetting
from twofold.couriers.addresses import Address
from twofold.couriers.contract import CheckResult, Delivery, DriverContext
from twofold.couriers.http import Answer, HttpDriver

_REASONS = {Reason.CANNOT_TAKE_TEXTS, Reason.OPTED_OUT, Reason.NOT_SERVED, Reason.UNREACHABLE}
_OPTIONS = ("secret", "ca")  # options after `?` for Twofold; all others are passed to the gateway


class Webhook(HttpDriver):
    """A gateway: 2xx accepts a message and 4xx refuses it. Anything else is tried again with the same id."""

    schemes = ("webhook+https://", "webhook+http://")
    channels = ("mail", "sms", "voice")
    form = "webhook+https://host/path?secret=…"
    repeatable = True

    def __init__(self, address: Address, channel: str, context: DriverContext) -> None:
        options = {name: value for name, value in address.pairs() if name in _OPTIONS}
        query = "&".join(each for each in address.query.split("&") if each and each.partition("=")[0] not in _OPTIONS)
        self._url = address.http((address.path or "/") + (f"?{query}" if query else ""))
        self._auth = (address.user, address.password) if address.user else None
        self._secret = options.get("secret")
        if self._secret == "":
            raise InvalidSetting("has an empty secret: set one, or remove the option")
        self._setting = f"TWOFOLD_{channel.upper()}_URL"
        self._clock = context.clock
        super().__init__(options.get("ca"))

    async def carry(self, delivery: Delivery) -> None:
        """Post a message. Raise Refused, Failed or Doubtful."""
        body = msgspec.json.encode(_body(delivery))
        headers = {"Content-Type": "application/json", **self._signature(body)}
        await self.deliver("POST", self._url, headers=headers, body=body, auth=self._auth)

    def why(self, answer: Answer) -> tuple[str, Reason | None]:
        """Return the reason of a refusal, if the gateway gives a known one: `{"reason": "cannot_take_texts"}`."""
        given_reason = answer.json.get("reason")
        return "", next((reason for reason in _REASONS if reason == given_reason), None)

    async def check(self) -> CheckResult:
        """Send OPTIONS to the gateway. Raise Failed if there is no answer."""
        await self.ask("OPTIONS", self._url, auth=self._auth)
        if self._secret is None:
            return CheckResult(f"answers, but cannot verify the sender: add ?secret= to {self._setting}.", ok=False)
        return CheckResult()

    def _signature(self, body: bytes) -> dict[str, str]:
        if self._secret is None:
            return {}
        now = str(self._clock())
        signature = hmac.digest(self._secret.encode(), now.encode() + b"." + body, "sha256").hex()
        return {"Twofold-Signature": f"t={now},v1={signature}"}


def _body(delivery: Delivery) -> dict[str, str]:
    message = delivery.message
    subject = {} if message.subject is None else {"subject": message.subject}
    rest = {"text": message.text, "locale": message.locale}
    return {"id": delivery.id, "channel": message.channel, "to": message.to, **subject, **rest}
