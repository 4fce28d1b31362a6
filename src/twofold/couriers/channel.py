"""Channels: the couriers of each in fallback order, each with its circuit breaker."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from twofold.base.outbox import DeliveryStatus, Outcome, Reason
from twofold.config.couriers import shown
from twofold.couriers.contract import Delivery, Doubtful, Driver, DriverContext, Failed, Refused
from twofold.couriers.registry import Drivers, channels, driver
from twofold.couriers.rules import ROUND, Breaker, health

_log = logging.getLogger("twofold.couriers")
_RECIPIENT_REASONS = {Reason.CANNOT_TAKE_TEXTS, Reason.OPTED_OUT}  # the same with any courier


@dataclass(frozen=True, slots=True)
class Courier:
    """A driver with its display name and circuit breaker."""

    name: str
    driver: Driver
    breaker: Breaker = field(default_factory=Breaker)


class Channel:
    """Sends the messages of one channel."""

    def __init__(self, channel: str, couriers: Sequence[Courier]) -> None:
        self.channel = channel
        self._couriers = tuple(couriers)
        self._max_wait = ROUND / len(self._couriers)

    @property
    def health(self) -> str:
        """The health of the channel: `ok`, `degraded` or `fail`."""
        return health(courier.breaker for courier in self._couriers)

    async def carry(self, delivery: Delivery, spent: set[int], until: float) -> DeliveryStatus:
        """Try each courier once, in order, until one accepts the message; start none after `until` (monotonic).

        Add to `spent` the couriers that must not be tried again: they refused the message, or may have accepted it and
        cannot recognise a repeated one.
        """
        reason: Reason | None = None
        for index, courier in enumerate(self._couriers):
            now = time.monotonic()
            if index in spent or now >= until or not courier.breaker.permits(now):
                continue
            try:
                await self._try(courier, delivery)
            except Refused as refusal:
                spent.add(index)
                reason = refusal.reason or reason
                if reason in _RECIPIENT_REASONS:
                    return DeliveryStatus(Outcome.REFUSED, reason)
            except Doubtful:
                spent.add(index)
                reason = Reason.DOUBTFUL
            except Failed:
                continue
            else:
                return DeliveryStatus(Outcome.SENT)
        exhausted = len(spent) >= len(self._couriers)
        return DeliveryStatus(Outcome.REFUSED, reason) if exhausted else DeliveryStatus(Outcome.WAITING)

    async def _try(self, courier: Courier, delivery: Delivery) -> None:
        """Try one courier within its share of the round. Raise Refused, Failed or Doubtful."""
        try:
            async with asyncio.timeout(self._max_wait):
                await courier.driver.carry(delivery)
        except Refused as refusal:
            courier.breaker.record_success()  # it answered: the fault lies with the message
            self._log_failure(courier, delivery, f"refused it: {refusal}")
            raise
        except Failed as failure:
            self._fail(courier, delivery, str(failure), available=failure.available)
            raise
        except Exception as error:
            text = str(error) if isinstance(error, Doubtful) else type(error).__name__
            is_internal = not isinstance(error, OSError | Doubtful)  # TimeoutError is an OSError
            self._fail(
                courier, delivery, "took too long" if isinstance(error, TimeoutError) else text, available=is_internal
            )
            raise Failed if courier.driver.repeatable else Doubtful from error
        courier.breaker.record_success()

    def _fail(self, courier: Courier, delivery: Delivery, text: str, *, available: bool = False) -> None:
        if available:
            courier.breaker.record_success()
        else:
            courier.breaker.record_failure(time.monotonic())
        self._log_failure(courier, delivery, text)

    def _log_failure(self, courier: Courier, delivery: Delivery, text: str) -> None:
        where = {"channel": self.channel, "courier": courier.name, "id": delivery.id}
        _log.warning("a courier did not accept a message: %s", text, extra=where)

    async def close(self) -> None:
        """Close the connections of all couriers."""
        for courier in self._couriers:
            await courier.driver.close()


def build_channels(context: DriverContext, drivers: Drivers) -> dict[str, Channel]:
    """Return all channels that have a courier. Raise InvalidSetting for an invalid address."""
    return {
        channel: Channel(channel, [Courier(shown(url), driver(url, channel, context, drivers)) for url in urls])
        for channel, urls in channels(context.config).items()
        if urls
    }
