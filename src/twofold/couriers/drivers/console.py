"""`console:` keeps what it is given in memory, for the development mailbox. Only where nobody else can look."""

import logging

from twofold.base.clock import rfc3339
from twofold.config.couriers import CONSOLE
from twofold.couriers.addresses import Address
from twofold.couriers.contract import Around, Driver, Look, Parcel, Refused, Shown

_log = logging.getLogger("twofold.couriers")


class Console(Driver):
    """Shows messages at `/dev/outbox`; the log tells that one waits there, never what it says."""

    schemes, form = (CONSOLE,), CONSOLE
    channels = ("mail", "sms", "voice")
    repeatable = True

    def __init__(self, _address: Address, channel: str, around: Around) -> None:
        self._setting = f"TWOFOLD_{channel.upper()}_URL"
        self._around = around

    async def carry(self, parcel: Parcel) -> None:
        """Keep a message. Off loopback nobody could read it. Raises Refused."""
        config, message = self._around.config, parcel.message
        if not config.loopback:
            raise Refused(f"console: shows messages on a loopback address only; set {self._setting}")
        at = rfc3339(self._around.clock())
        shown = Shown(message.channel, message.to, message.subject, message.text, at)
        self._around.mailbox.messages.append(shown)
        _log.info("a message waits at %s/dev/outbox", config.base_url, extra={"channel": message.channel})

    async def check(self) -> Look:
        """Tell where messages are shown; there is nothing that could be away."""
        config = self._around.config
        if config.loopback:
            return Look(f"shows messages at {config.base_url}/dev/outbox.")
        return Look(f"sends nothing, and shows nothing off loopback: set {self._setting}.", well=False)
