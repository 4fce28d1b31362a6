"""Garbage collection in a process that serves.

Python looks through all objects again and again, including the modules, routes and templates, which live as long as the
process. This took 6 percent of the processor time of a code step.
"""

import asyncio
import gc

_AFTER = 4.0  # seconds; by then, the templates are compiled
_THRESHOLD = 2_000  # new objects before a collection, instead of 700; with 10,000, refused bodies take 30 MB more


def collect_less(loop: asyncio.AbstractEventLoop) -> None:
    """Collect less often, and soon never again what exists by then."""
    gc.set_threshold(_THRESHOLD)
    loop.call_later(_AFTER, _exempt)


def _exempt() -> None:
    gc.collect()
    gc.freeze()
