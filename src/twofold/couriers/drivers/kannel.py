"""`kannel+https://` sends text messages through Kannel's `sendsms`, and so through any SMPP provider.

`sendsms` takes no message id, so an attempt without an answer is never repeated with this courier.
"""

from urllib.parse import urlencode

from twofold.config.values import InvalidSetting
from twofold.couriers.addresses import Address, is_sender
from twofold.couriers.contract import CheckResult, Delivery, DriverContext, Failed
from twofold.couriers.http import HttpDriver

_GSM = frozenset(  # GSM 03.38, basic alphabet and extension table: seven bits per character
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
_SEVEN_BITS, _UNICODE = "0", "2"


class Kannel(HttpDriver):
    """An smsbox. It answers 202 (or 200) when bearerbox accepted a message, and 503 while no SMSC can be reached."""

    schemes = ("kannel+https://", "kannel+http://")
    channels = ("sms",)
    form = "kannel+https://user:password@host?from=SENDER"
    repeatable = False
    account_statuses = frozenset({401, 403, 404})

    def __init__(self, address: Address, _channel: str, _context: DriverContext) -> None:
        path = address.path if address.path not in {"", "/"} else "/cgi-bin/sendsms"
        self._url = address.http(path, port=13013)
        options = address.options("ca", "from")
        self._from = options.get("from", "")
        if not address.user or not address.password or not is_sender(self._from):
            raise InvalidSetting(f"must be {self.form}, where SENDER is a name or a number such as %2B15551234567")
        self._account = {"username": address.user, "password": address.password}
        super().__init__(options.get("ca"))

    async def carry(self, delivery: Delivery) -> None:
        """Send a text message. Raise Refused, Failed or Doubtful."""
        text = delivery.message.text
        coding = _SEVEN_BITS if set(text) <= _GSM else _UNICODE
        content = {"text": text, "charset": "UTF-8", "coding": coding}
        query = urlencode({**self._account, "from": self._from, "to": delivery.message.to, **content})
        await self.deliver("GET", f"{self._url}?{query}")

    async def check(self) -> CheckResult:
        """Send a request without number and text: 400 means that the credentials are valid. Raise Failed otherwise."""
        answer = await self.ask("GET", f"{self._url}?{urlencode(self._account)}")
        if answer.status in self.account_statuses:
            raise Failed(f"it answered {answer.status}: check user, password and path")
        return CheckResult()
