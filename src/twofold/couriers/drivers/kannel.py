"""`kannel+https://` hands text messages to Kannel's `sendsms`, and by it to any SMPP provider.

`sendsms` knows no id of ours: a try whose answer did not come is never made again here.
"""

from urllib.parse import urlencode

from twofold.config.units import Refused as BadAddress
from twofold.couriers.addresses import Address, is_sender
from twofold.couriers.contract import Around, Failed, Look, Parcel
from twofold.couriers.http import HttpDriver

_GSM = frozenset(  # GSM 03.38, basic alphabet and extension: what a short message holds in seven bits a letter
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
_SEVEN_BITS, _UNICODE = "0", "2"


class Kannel(HttpDriver):
    """One smsbox. It answers 202 (or 200) for what bearerbox has taken, and 503 while no SMSC can be reached."""

    schemes = ("kannel+https://", "kannel+http://")
    channels = ("sms",)
    form = "kannel+https://user:password@host?from=SENDER"
    repeatable = False
    ours = frozenset({401, 403, 404})

    def __init__(self, address: Address, _channel: str, _around: Around) -> None:
        path = address.path if address.path not in {"", "/"} else "/cgi-bin/sendsms"
        self._url = address.http(path, port=13013)
        options = address.options("ca", "from")
        self._from = options.get("from", "")
        if not address.user or not address.password or not is_sender(self._from):
            raise BadAddress(f"must be {self.form}, a name or a number such as %2B15551234567")
        self._account = {"username": address.user, "password": address.password}
        super().__init__(options.get("ca"))

    async def carry(self, parcel: Parcel) -> None:
        """Ask for a message. Raises Refused, Failed, Doubtful."""
        text = parcel.message.text
        coding = _SEVEN_BITS if set(text) <= _GSM else _UNICODE
        said = {"text": text, "charset": "UTF-8", "coding": coding}
        query = urlencode({**self._account, "from": self._from, "to": parcel.message.to, **said})
        await self.hand_over("GET", f"{self._url}?{query}")

    async def check(self) -> Look:
        """Ask without number and text, which sends nothing: 400 when it knows us. Raises Failed."""
        answer = await self.ask("GET", f"{self._url}?{urlencode(self._account)}")
        if answer.status in self.ours:
            raise Failed(f"it answered {answer.status}: look at user, password and path")
        return Look()
