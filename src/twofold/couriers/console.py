"""`console:` keeps what it is given in memory, for the development mailbox. Only where nobody else can look."""

import logging

from twofold.base.clock import rfc3339
from twofold.config.couriers import Address
from twofold.couriers.contract import Around, Parcel, Refused, Shown

_log = logging.getLogger("twofold.couriers")


class Console:
    """Shows messages at `/dev/outbox`; the log tells that one waits there, never what it says."""

    repeatable = True

    def __init__(self, _address: Address, channel: str, around: Around) -> None:
        self._channel = channel
        self._around = around

    async def carry(self, parcel: Parcel) -> None:
        """Keep a message. Off loopback nobody could read it. Raises Refused."""
        config, message = self._around.config, parcel.message
        if not config.loopback:
            raise Refused(
                f"console: shows messages on a loopback address only; set TWOFOLD_{self._channel.upper()}_URL"
            )
        at = rfc3339(self._around.clock())
        shown = Shown(message.channel, message.to, message.subject, message.text, at)
        self._around.mailbox.messages.append(shown)
        _log.info("a message waits at %s/dev/outbox", config.base_url, extra={"channel": message.channel})

    async def check(self) -> None:
        """There is nothing that could be away."""

    async def close(self) -> None:
        """There is nothing to let go of."""
