"""`console:` keeps messages in memory for the development mailbox, on this machine only."""

import logging

from twofold.base.clock import rfc3339
from twofold.config.couriers import CONSOLE
from twofold.couriers.addresses import Address
from twofold.couriers.contract import CheckResult, Delivery, Driver, DriverContext, MailboxMessage, Refused

_log = logging.getLogger("twofold.couriers")


class Console(Driver):
    """Shows messages at `/dev/outbox`; the log never contains their text."""

    schemes, form = (CONSOLE,), CONSOLE
    channels = ("mail", "sms", "voice")
    repeatable = True

    def __init__(self, _address: Address, channel: str, context: DriverContext) -> None:
        self._setting = f"TWOFOLD_{channel.upper()}_URL"
        self._context = context

    async def carry(self, delivery: Delivery) -> None:
        """Add a message to the mailbox. Raise Refused off loopback, where the mailbox is not shown."""
        config, message = self._context.config, delivery.message
        if not config.loopback:
            raise Refused(f"console: shows messages on a loopback address only; set {self._setting}")
        at = rfc3339(self._context.clock())
        shown = MailboxMessage(message.channel, message.to, message.subject, message.text, at)
        self._context.mailbox.messages.append(shown)
        _log.info("new message at %s/dev/outbox", config.base_url, extra={"channel": message.channel})

    async def check(self) -> CheckResult:
        """Return where messages are shown; the check never fails."""
        config = self._context.config
        if config.loopback:
            return CheckResult(
                f"shows messages at {config.base_url}/dev/outbox; open it with the link that `serve` prints."
            )
        return CheckResult(
            f"sends nothing, and shows messages only on a loopback address: set {self._setting}.", ok=False
        )
