"""`twilio://` sends text messages and makes calls through Twilio's API, and hears afterwards what became of them.

The API knows no id of ours: a try whose answer did not come is never made again here.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

import msgspec

from twofold.base.outbox import Message, Reason
from twofold.config.couriers import Address
from twofold.couriers.contract import Around, Doubtful, Failed, Parcel, Refused
from twofold.couriers.http import Answer, Client

HOOK = "/hooks/twilio"

REASONS = {  # https://www.twilio.com/docs/api/errors
    "21211": Reason.UNREACHABLE,  # no valid number
    "21408": Reason.NOT_SERVED,  # country switched off
    "21610": Reason.OPTED_OUT,  # answered STOP
    "21612": Reason.NOT_SERVED,  # no way from our number to this one
    "21614": Reason.CANNOT_TAKE_TEXTS,  # no mobile number
    "30003": Reason.UNREACHABLE,
    "30005": Reason.UNREACHABLE,
    "30006": Reason.CANNOT_TAKE_TEXTS,  # landline or carrier that takes none
    "60205": Reason.CANNOT_TAKE_TEXTS,
    "60410": Reason.NOT_SERVED,  # fraud guard
}
_LANGUAGES = {"de": "de-DE", "en": "en-US", "es": "es-ES", "fr": "fr-FR", "it": "it-IT", "nl": "nl-NL", "pt": "pt-BR"}


class Twilio:
    """One account of Twilio."""

    repeatable = False

    def __init__(self, address: Address, channel: str, around: Around) -> None:
        self._account = f"{address.options['api'].rstrip('/')}/2010-04-01/Accounts/{address.user}"
        self._auth = (address.user, address.password)
        self._from = address.host
        self._resource = "Calls" if channel == "voice" else "Messages"
        # Twilio refuses a callback that it cannot reach; a stand-in on this machine reaches us anywhere.
        heard = not around.config.loopback or address.options["api"].startswith("http://")
        self._callback = f"{around.config.base_url}{HOOK}" if heard else None
        self._client = Client()

    async def carry(self, parcel: Parcel) -> None:
        """Ask for a message or a call. Raises Refused, Failed, Doubtful."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(self._form(parcel)).encode()
        url = f"{self._account}/{self._resource}.json"
        answer = await self._client.send("POST", url, headers=headers, body=body, auth=self._auth)
        if answer.taken:
            return
        if answer.busy or answer.status in {401, 403, 404}:  # our account is at fault, not the message
            raise Failed(f"it answered {answer.status}", alive=answer.stumbled)
        if 400 <= answer.status < 500:  # noqa: PLR2004 - RFC 9110 15.5
            code = _code(answer)
            raise Refused(f"it answered {answer.status} with code {code or 'unknown'}", REASONS.get(code))
        raise Doubtful(f"it answered {answer.status}")

    async def check(self) -> None:
        """Ask for our account. Raises Failed."""
        try:
            answer = await self._client.send("GET", f"{self._account}.json", headers={}, auth=self._auth)
        except Doubtful as error:
            raise Failed(str(error)) from None
        if not answer.taken:
            raise Failed(f"it answered {answer.status}: look at SID and TOKEN")

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    def _form(self, parcel: Parcel) -> dict[str, str]:
        sender = "MessagingServiceSid" if self._from.startswith("MG") else "From"
        said = {"Twiml": _speech(parcel.message)} if self._resource == "Calls" else {"Body": parcel.message.text}
        heard = {"StatusCallback": f"{self._callback}?id={parcel.id}"} if self._callback else {}
        return {"To": parcel.message.to, sender: self._from, **said, **heard}


def signed(token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Check `X-Twilio-Signature`: HMAC-SHA1 over the address and the sorted fields of the form."""
    text = url + "".join(name + form[name] for name in sorted(form))
    expected = b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()
    return hmac.compare_digest(expected.encode(), signature.encode())


def _speech(message: Message) -> str:
    language = message.locale if "-" in message.locale else _LANGUAGES.get(message.locale, "en-US")
    return f'<Response><Say language="{escape(language)}">{escape(message.text)}</Say></Response>'


def _code(answer: Answer) -> str:
    """Read Twilio's own number for what is wrong."""
    try:
        told = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return str(told.get("code", "")) if isinstance(told, dict) else ""
