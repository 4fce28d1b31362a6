"""One channel: its couriers in fall-back order, each with its breaker, all of them tried once within one round."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from twofold.base.outbox import Fate, Outcome, Reason
from twofold.config.couriers import shown
from twofold.couriers.contract import Around, Doubtful, Driver, Failed, Parcel, Refused
from twofold.couriers.registry import Drivers, channels, driver
from twofold.couriers.rules import ROUND, Breaker, health

_log = logging.getLogger("twofold.couriers")
_OF_THE_PERSON = {Reason.CANNOT_TAKE_TEXTS, Reason.OPTED_OUT}  # no other courier changes that


@dataclass(frozen=True, slots=True)
class Courier:
    """A driver under its shown address, and how it fares."""

    name: str
    driver: Driver
    breaker: Breaker = field(default_factory=Breaker)


class Line:
    """Carries the messages of one channel."""

    def __init__(self, channel: str, couriers: Sequence[Courier]) -> None:
        self.channel = channel
        self._couriers = tuple(couriers)
        self._patience = ROUND / len(self._couriers)

    @property
    def health(self) -> str:
        """The channel's health in a word."""
        return health(courier.breaker for courier in self._couriers)

    async def carry(self, parcel: Parcel, spent: set[int], until: float) -> Fate:
        """Try every courier once, in order, until one takes the message; none begins after `until` (steady clock).

        Notes in `spent` which ones must not get it again: they refused it, or may have taken it and could not tell a
        second time from a second message.
        """
        reason: Reason | None = None
        for place, courier in enumerate(self._couriers):
            now = time.monotonic()
            if place in spent or now >= until or not courier.breaker.lets_through(now):
                continue
            try:
                await self._try(courier, parcel)
            except Refused as refusal:
                spent.add(place)
                reason = refusal.reason or reason
                if reason in _OF_THE_PERSON:
                    return Fate(Outcome.REFUSED, reason)
            except Doubtful:
                spent.add(place)
                reason = Reason.DOUBTFUL
            except Failed:
                continue
            else:
                return Fate(Outcome.SENT)
        everybody = len(spent) >= len(self._couriers)
        return Fate(Outcome.REFUSED, reason) if everybody else Fate(Outcome.WAITING)

    async def _try(self, courier: Courier, parcel: Parcel) -> None:
        """Let one courier try, within its share of the round. Raises Refused, Failed, Doubtful."""
        try:
            async with asyncio.timeout(self._patience):
                await courier.driver.carry(parcel)
        except Refused as refusal:
            courier.breaker.good()  # it answers: the message is at fault
            self._note(courier, parcel, f"refused it: {refusal}")
            raise
        except Failed as failure:
            self._fail(courier, parcel, str(failure), alive=failure.alive)
            raise
        except Exception as error:
            said = str(error) if isinstance(error, Doubtful) else type(error).__name__
            is_ours = not isinstance(error, OSError | Doubtful)  # TimeoutError is an OSError
            self._fail(courier, parcel, "took too long" if isinstance(error, TimeoutError) else said, alive=is_ours)
            raise Failed if courier.driver.repeatable else Doubtful from error
        courier.breaker.good()

    def _fail(self, courier: Courier, parcel: Parcel, said: str, *, alive: bool = False) -> None:
        if alive:
            courier.breaker.good()
        else:
            courier.breaker.bad(time.monotonic())
        self._note(courier, parcel, said)

    def _note(self, courier: Courier, parcel: Parcel, said: str) -> None:
        where = {"channel": self.channel, "courier": courier.name, "id": parcel.id}
        _log.warning("a courier did not take a message: %s", said, extra=where)

    async def close(self) -> None:
        """Let go of connections."""
        for courier in self._couriers:
            await courier.driver.close()


def lines(around: Around, drivers: Drivers) -> dict[str, Line]:
    """Make the lines of all channels that have a courier. Raises config.units.Refused."""
    return {
        channel: Line(channel, [Courier(shown(url), driver(url, channel, around, drivers)) for url in urls])
        for channel, urls in channels(around.config).items()
        if urls
    }
