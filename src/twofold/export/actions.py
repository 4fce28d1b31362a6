"""Export what is stored about an account. Each section is read in pages, so that a long history takes no more memory.

Each feature contributes its own sections; no section contains a secret, a hash or a token.
"""

from collections.abc import AsyncIterator

import msgspec

from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import throttle
from twofold.base.clock import rfc3339
from twofold.base.feature import Export, Features
from twofold.base.problems import Problem, TooManyRequests
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Visitor
from twofold.config import Rate

EXPORTS = "export:"  # prefix of the keys under which exports are counted
RATES = (Rate(10, 3600),)


async def begin(uow: UnitOfWork, visitor: Visitor) -> Problem | None:
    """Count and record an export. Return TooManyAttempts if the limit is reached."""
    key = f"{EXPORTS}{visitor.account_id}"
    tally = await throttle.lock(uow.tx, key)
    until = throttle.blocked_until(tally, RATES, uow.now)
    if until is not None:
        return TooManyRequests(retry_at=until, now=uow.now)
    await throttle.save(uow.tx, key, throttle.with_attempt(tally, RATES, uow.now))
    await audit.record(uow, Event.DATA_EXPORTED, visitor.account_id)
    return None


async def document(runner: Runner, visitor: Visitor) -> AsyncIterator[bytes]:
    """Yield the export as JSON. Each page is read in a transaction of its own."""
    site = runner.site
    head = {"exported_at": rfc3339(site.clock()), "service": site.config.base_url}
    yield msgspec.json.encode(head)[:-1] + b',"data":{'
    separator = b""
    for name, section in site.part(Features).exports.items():
        yield separator + msgspec.json.encode(name) + b":"
        async for part in _section(runner, visitor, section):
            yield part
        separator = b","
    yield b"}}"


async def _section(runner: Runner, visitor: Visitor, section: Export) -> AsyncIterator[bytes]:
    items, following = await runner.read_long(section.page, visitor, None)
    if section.single:
        yield msgspec.json.encode(items[0])
        return
    yield b"["
    separator = b""
    while items or following is not None:
        if items:
            yield separator + msgspec.json.encode(items)[1:-1]
            separator = b","
        if following is None:
            break
        items, following = await runner.read_long(section.page, visitor, following)
    yield b"]"
