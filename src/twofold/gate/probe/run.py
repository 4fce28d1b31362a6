"""All checks of `twofold gate probe`, in order."""

from collections.abc import AsyncIterator

from twofold.base.feature import Checked
from twofold.base.unit_of_work import Runner
from twofold.gate.origins import Origin
from twofold.gate.probe.bypasses import (
    check_hosts,
    check_methods,
    check_paths,
    check_plain_http,
    check_program,
    check_reserved,
    check_spellings,
    check_wildcard,
)
from twofold.gate.probe.client import Client
from twofold.gate.probe.forgeries import check_client, check_identity, check_question
from twofold.gate.probe.front import judge_answer, judge_question
from twofold.gate.probe.prober import Prober


async def probe(
    runner: Runner, client: Client, origin: Origin, target: str, *, echo: str = "", cookies: str = ""
) -> AsyncIterator[Checked]:
    """Ask for an address of an application in many ways, and yield what is wrong and what is not.

    Without a gate that is asked, the rest would only repeat this, so nothing follows.
    """
    prober = Prober(runner, client, origin, target)
    try:
        first = await prober.ask()
        if faults := list(judge_question(prober, first)):
            for fault in faults:
                yield fault
            return
        for finding in judge_answer(prober, first):
            yield finding
        for check in (
            check_program(prober, is_open=first.was_admitted),
            check_methods(prober),
            check_spellings(prober, is_open=first.was_admitted),
            check_paths(prober),
            check_hosts(prober),
            check_reserved(prober),
            check_question(prober),
            check_client(prober, first.notes[0]),
            check_identity(prober, echo, cookies),
            *(
                () if client.port else (check_plain_http(prober),)
            ),  # it is at another port, which the operator has not named
            check_wildcard(prober),
        ):
            async for finding in check:
                yield finding
    finally:
        await prober.close()
