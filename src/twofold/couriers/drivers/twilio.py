"""`twilio://` sends text messages and makes calls through Twilio's API, and hears afterwards what became of them.

The API knows no id of ours: a try whose answer did not come is never made again here.
"""

import re
from html import escape
from urllib.parse import urlencode, urlsplit

from twofold.base.outbox import Message, Reason
from twofold.config.places import is_loopback
from twofold.config.units import Refused as BadAddress
from twofold.couriers.addresses import Address, is_sender
from twofold.couriers.contract import Around, Failed, Look, Parcel
from twofold.couriers.http import Answer, HttpDriver

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


class Twilio(HttpDriver):
    """One account of Twilio."""

    schemes = ("twilio://",)
    channels = ("sms", "voice")
    form = "twilio://SID:TOKEN@FROM"
    repeatable = False
    ours = frozenset({401, 403, 404})

    def __init__(self, address: Address, channel: str, around: Around) -> None:
        self._from = address.place
        if not re.fullmatch(r"[A-Za-z0-9]+", address.user) or not address.password or not is_sender(self._from):
            raise BadAddress(f"must be {self.form}, where FROM is a number such as +15551234567 or a service MG…")
        if channel == "voice" and not self._from.startswith("+"):
            raise BadAddress("must name a phone number such as +15551234567 as FROM: only a number can call")
        api = address.options("api").get("api", "https://api.twilio.com")
        _check_api(api)
        self._account = f"{api.rstrip('/')}/2010-04-01/Accounts/{address.user}"
        self._auth = (address.user, address.password)
        self._resource = "Calls" if channel == "voice" else "Messages"
        # Twilio refuses a callback that it cannot reach; a stand-in on this machine reaches us anywhere.
        heard = not around.config.loopback or api.startswith("http://")
        self._callback = f"{around.config.base_url}{HOOK}" if heard else None
        super().__init__(None)

    async def carry(self, parcel: Parcel) -> None:
        """Ask for a message or a call. Raises Refused, Failed, Doubtful."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(self._form(parcel)).encode()
        url = f"{self._account}/{self._resource}.json"
        await self.hand_over("POST", url, headers=headers, body=body, auth=self._auth)

    def why(self, answer: Answer) -> tuple[str, Reason | None]:
        """Read Twilio's own number for what is wrong."""
        code = str(answer.told.get("code", ""))
        return f" with code {code or 'unknown'}", REASONS.get(code)

    async def check(self) -> Look:
        """Ask for our account. Raises Failed."""
        answer = await self.ask("GET", f"{self._account}.json", auth=self._auth)
        if not answer.taken:
            raise Failed(f"it answered {answer.status}: look at SID and TOKEN")
        return Look()

    def _form(self, parcel: Parcel) -> dict[str, str]:
        sender = "MessagingServiceSid" if self._from.startswith("MG") else "From"
        said = {"Twiml": _speech(parcel.message)} if self._resource == "Calls" else {"Body": parcel.message.text}
        heard = {"StatusCallback": f"{self._callback}?id={parcel.id}"} if self._callback else {}
        return {"To": parcel.message.to, sender: self._from, **said, **heard}


def _check_api(api: str) -> None:
    """Raise BadAddress for what cannot be the address of the API."""
    try:
        parts = urlsplit(api)
        _ = parts.port
    except ValueError:
        raise BadAddress("has an api that is no address: write api=https://host") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment or "@" in api:
        raise BadAddress("has an api that is no address: write api=https://host")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise BadAddress("must have an api of https:// unless its host is this machine (127.0.0.1, ::1 or localhost)")


def _speech(message: Message) -> str:
    language = message.locale if "-" in message.locale else _LANGUAGES.get(message.locale, "en-US")
    return f'<Response><Say language="{escape(language)}">{escape(message.text)}</Say></Response>'
