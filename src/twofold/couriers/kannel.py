"""`kannel+https://` hands text messages to Kannel's `sendsms`, and by it to any SMPP provider.

`sendsms` knows no id of ours: a try whose answer did not come is never made again here.
"""

from urllib.parse import urlencode

from twofold.config.couriers import Address
from twofold.couriers.contract import Around, Doubtful, Failed, Parcel, Refused
from twofold.couriers.http import Client

_GSM = frozenset(  # GSM 03.38, basic alphabet and extension: what a short message holds in seven bits a letter
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
_SEVEN_BITS, _UNICODE = "0", "2"


class Kannel:
    """One smsbox. It answers 202 (or 200) for what bearerbox has taken, and 503 while no SMSC can be reached."""

    repeatable = False

    def __init__(self, address: Address, _channel: str, _around: Around) -> None:
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._url = f"http{'s' if address.secure else ''}://{host}:{address.port}{address.rest}"
        self._account = {"username": address.user, "password": address.password}
        self._from = address.options["from"]
        self._client = Client(address.options.get("ca"))

    async def carry(self, parcel: Parcel) -> None:
        """Ask for a message. Raises Refused, Failed, Doubtful."""
        text = parcel.message.text
        coding = _SEVEN_BITS if set(text) <= _GSM else _UNICODE
        said = {"text": text, "charset": "UTF-8", "coding": coding}
        query = urlencode({**self._account, "from": self._from, "to": parcel.message.to, **said})
        answer = await self._client.send("GET", f"{self._url}?{query}", headers={})
        if answer.taken:
            return
        if answer.busy or answer.status in {401, 403, 404}:  # our account is at fault, not the message
            raise Failed(f"it answered {answer.status}", alive=answer.stumbled)
        if 400 <= answer.status < 500:  # noqa: PLR2004 - RFC 9110 15.5
            raise Refused(f"it answered {answer.status}")
        raise Doubtful(f"it answered {answer.status}")

    async def check(self) -> None:
        """Ask without number and text, which sends nothing: 400 when it knows us. Raises Failed."""
        try:
            answer = await self._client.send("GET", f"{self._url}?{urlencode(self._account)}", headers={})
        except Doubtful as error:
            raise Failed(str(error)) from None
        if answer.status in {401, 403, 404}:
            raise Failed(f"it answered {answer.status}: look at user, password and path")

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()
