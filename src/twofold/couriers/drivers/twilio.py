"""`twilio://` sends text messages and makes calls through Twilio's API, and receives its delivery reports.

The API takes no message id, so an attempt without an answer is never repeated with this courier.
"""

import re
from html import escape
from urllib.parse import urlencode, urlsplit

from twofold.base.outbox import Message, Reason
from twofold.config.hosts import is_loopback
from twofold.config.values import InvalidSetting
from twofold.couriers.addresses import Address, is_sender
from twofold.couriers.contract import CheckResult, Delivery, DriverContext, Failed
from twofold.couriers.http import Answer, HttpDriver

HOOK = "/hooks/twilio"

REASONS = {  # https://www.twilio.com/docs/api/errors
    "21211": Reason.UNREACHABLE,  # invalid number
    "21408": Reason.NOT_SERVED,  # country disabled
    "21610": Reason.OPTED_OUT,  # answered STOP
    "21612": Reason.NOT_SERVED,  # no route from our number to this one
    "21614": Reason.CANNOT_TAKE_TEXTS,  # not a mobile number
    "30003": Reason.UNREACHABLE,
    "30005": Reason.UNREACHABLE,
    "30006": Reason.CANNOT_TAKE_TEXTS,  # landline, or carrier without text messages
    "60205": Reason.CANNOT_TAKE_TEXTS,
    "60410": Reason.NOT_SERVED,  # fraud guard
}
_LANGUAGES = {"de": "de-DE", "en": "en-US", "es": "es-ES", "fr": "fr-FR", "it": "it-IT", "nl": "nl-NL", "pt": "pt-BR"}


class Twilio(HttpDriver):
    """A Twilio account."""

    schemes = ("twilio://",)
    channels = ("sms", "voice")
    form = "twilio://SID:TOKEN@FROM"
    repeatable = False
    account_statuses = frozenset({401, 403, 404})

    def __init__(self, address: Address, channel: str, context: DriverContext) -> None:
        self._from = address.authority
        if not re.fullmatch(r"[A-Za-z0-9]+", address.user) or not address.password or not is_sender(self._from):
            raise InvalidSetting(
                f"must be {self.form}, where FROM is a number such as +15551234567 or a messaging service MG…"
            )
        if channel == "voice" and not self._from.startswith("+"):
            raise InvalidSetting("must have a phone number such as +15551234567 as FROM: only numbers can make calls")
        api = address.options("api").get("api", "https://api.twilio.com")
        _check_api(api)
        self._account = f"{api.rstrip('/')}/2010-04-01/Accounts/{address.user}"
        self._auth = (address.user, address.password)
        self._resource = "Calls" if channel == "voice" else "Messages"
        # Twilio rejects a callback that it cannot reach; a substitute on this machine can reach any.
        reachable = not context.config.loopback or api.startswith("http://")
        self._callback = f"{context.config.base_url}{HOOK}" if reachable else None
        super().__init__(None)

    async def carry(self, delivery: Delivery) -> None:
        """Send a text message or start a call. Raise Refused, Failed or Doubtful."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(self._form(delivery)).encode()
        url = f"{self._account}/{self._resource}.json"
        await self.deliver("POST", url, headers=headers, body=body, auth=self._auth)

    def why(self, answer: Answer) -> tuple[str, Reason | None]:
        """Return Twilio's error code and its reason."""
        code = str(answer.json.get("code", ""))
        return f" with code {code or 'unknown'}", REASONS.get(code)

    async def check(self) -> CheckResult:
        """Request our account. Raise Failed if the answer is an error."""
        answer = await self.ask("GET", f"{self._account}.json", auth=self._auth)
        if not answer.accepted:
            raise Failed(f"it answered {answer.status}: check SID and TOKEN")
        return CheckResult()

    def _form(self, delivery: Delivery) -> dict[str, str]:
        sender = "MessagingServiceSid" if self._from.startswith("MG") else "From"
        content = {"Twiml": _speech(delivery.message)} if self._resource == "Calls" else {"Body": delivery.message.text}
        callback = {"StatusCallback": f"{self._callback}?id={delivery.id}"} if self._callback else {}
        return {"To": delivery.message.to, sender: self._from, **content, **callback}


def _check_api(api: str) -> None:
    """Raise InvalidSetting if the address of the API is invalid."""
    try:
        parts = urlsplit(api)
        _ = parts.port
    except ValueError:
        raise InvalidSetting("has an invalid api address: use api=https://host") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment or "@" in api:
        raise InvalidSetting("has an invalid api address: use api=https://host")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise InvalidSetting(
            "must use https:// for the api unless its host is this machine (127.0.0.1, ::1 or localhost)"
        )


def _speech(message: Message) -> str:
    language = message.locale if "-" in message.locale else _LANGUAGES.get(message.locale, "en-US")
    return f'<Response><Say language="{escape(language)}">{escape(message.text)}</Say></Response>'
