"""The verification flow of all second factors, for enrolment, sign-in and unlocking.

Callers lock the account row, so that attempts on one account run one at a time: no more answers are compared than the
limit allows, and an answer is accepted only once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from twofold.accounts.consequences import Change
from twofold.accounts.endings import apply_consequences
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.problems import FieldError, InvalidRequest, Problem, Unavailable
from twofold.base.proofs import Proof
from twofold.base.site import HasSite
from twofold.base.texts import N_
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.factors import store
from twofold.factors.contract import (
    Accepted,
    Answers,
    Challenge,
    Factor,
    Refused,
    Request,
    Verdict,
    kinds,
)
from twofold.factors.rules import TwoFactor, WrongCode, WrongRecoveryCode
from twofold.factors.wrong_codes import WrongCodes, end_runs, wrong_codes


class Proven(msgspec.Struct, frozen=True):
    """The factor whose answer was correct, and the resulting proof."""

    factor: Factor
    proof: Proof


class Failures(Protocol):
    """The count of wrong answers to one sign-in, unlock or enrolment."""

    async def count(self, uow: UnitOfWork) -> int:
        """Count a wrong answer; return how many more are allowed."""

    async def reset(self, uow: UnitOfWork) -> None:
        """Reset the counts that a correct answer resets."""

    async def record(self, uow: UnitOfWork, event: Event, reason: str) -> None:
        """Record a refusal."""


def read_answers(holder: HasSite, fields: Mapping[str, Any], *, strict: bool = False) -> Answers:
    """Return the submitted answers, as parsed by each group of kinds. Raise InvalidRequest if no kind can check them.

    `strict` also refuses a field that no kind reads.
    """
    answers: dict[str, Any] = {}
    offered = kinds(holder).offered
    if strict and (unknown := [name for name in fields if not any(name in kind.answer_fields for kind in offered)]):
        raise InvalidRequest(FieldError(unknown[0][:40], N_("This field is not used here. Leave it out.")))
    for kind in offered:
        if kind.group not in answers and any(name in fields for name in kind.answer_fields):
            answers[kind.group] = kind.read_answer(fields)
    if not answers:
        raise InvalidRequest(FieldError("code", N_("Enter the code.")))
    return answers


async def prove_factor(
    uow: UnitOfWork,
    event: Event,
    two_factor: TwoFactor,
    failures: WrongCodes,
    answers: Answers,
    request: Request,
    *,
    factor_id: str | None = None,
) -> Proven | Problem:
    """Accept an answer of one of the account's verified factors, once; return the proof, or the counted refusal.

    Raise Unavailable if none of the factors can be opened.
    """
    if (refused := await failures.refuse_over_limit(uow, event)) is not None:
        return refused
    asked = [factor for factor in two_factor.factors if factor_id in (None, factor.id)]
    return await prove(uow, event, asked, answers, request, failures)


async def prove(
    uow: UnitOfWork,
    event: Event,
    factors: Sequence[Factor],
    answers: Answers,
    request: Request,
    failures: Failures,
) -> Proven | Problem:
    """Accept an answer of one of these factors, once; return the proof, or the counted refusal."""
    verdict = await _check(uow, factors, answers, request)
    if isinstance(verdict, Accepted):
        await failures.reset(uow)
        return _proven(uow, verdict)
    problem = verdict.problem(attempts_left=await failures.count(uow), **verdict.evidence)
    await failures.record(uow, event, problem.code)
    return problem


async def prove_recovery_code(
    uow: UnitOfWork, event: Event, failures: WrongCodes, text: str, *, session_id: str | None = None
) -> str | Problem:
    """Use up the recovery code; return the new one, or the counted refusal. End trusted computers and sessions."""
    account_id = failures.account_id
    if (refused := await failures.refuse_over_limit(uow, event, in_a_row=False)) is not None:
        return refused
    recovery = kinds(uow).recovery
    if not await recovery.consume(uow, account_id, text):
        left = await failures.count(uow)
        await failures.record(uow, event, WrongRecoveryCode.code)
        return WrongRecoveryCode(attempts_left=left)
    await end_runs(uow, account_id)
    await audit.record(uow, Event.RECOVERY_CODE_USED, account_id)
    await apply_consequences(uow, Change.RECOVERY_CODE_USED, account_id, session_id=session_id)
    return await recovery.issue(uow, account_id)


async def challenge(uow: UnitOfWork, account_id: str, factor_id: str, request: Request) -> Challenge | Problem:
    """Challenge one of the account's verified factors, for example by sending it a code.

    Return the refusal if a limit is reached. Raise InvalidRequest for a factor without challenges, or Unavailable.
    """
    factor = (await store.two_factor(uow.tx, account_id)).factor(factor_id)
    kind = kinds(uow).get(factor.kind) if factor else None
    if factor is None or kind is None:
        raise _not_challenged()
    failures = await wrong_codes(uow, account_id)
    if (refused := await failures.refuse_over_limit(uow, Event.CODE_SENT)) is not None:
        return refused
    result = await kind.challenge(uow, factor, request)
    if result is None:
        raise _not_challenged()
    return result


async def last_challenge(uow: UnitOfWork, factors: Sequence[Factor], request: Request) -> Challenge | None:
    """Return the last challenge for a request to one of these factors of an account."""
    for kind, members in kinds(uow).groups(factors):
        if (result := await kind.last_challenge(uow, members, request)) is not None:
            return result
    return None


async def wait_for_delivery(runner: Runner, result: Challenge) -> Challenge:
    """Wait briefly, outside a transaction, until a challenge has been sent. Raise CannotSend if it cannot be."""
    if (kind := kinds(runner).get(result.kind)) is not None:
        await kind.deliver(runner, result)
    return result


async def _check(uow: UnitOfWork, factors: Sequence[Factor], answers: Answers, request: Request) -> Verdict:
    """Check answers group by group until one is accepted; otherwise return the refusal that explains most."""
    refusals: list[Refused] = []
    unavailable = False
    for kind, members in kinds(uow).groups(factors):
        if kind.group not in answers:
            continue
        try:
            verdict = await kind.check(uow, members, answers[kind.group], request)
        except Unavailable:  # other factors may still accept the answer
            unavailable = True
            continue
        if isinstance(verdict, Accepted):
            return verdict
        refusals.append(verdict)
    if unavailable and not refusals:
        raise Unavailable
    return max(refusals, key=lambda refused: refused.weight, default=Refused(WrongCode))


def _proven(uow: UnitOfWork, accepted: Accepted) -> Proven:
    factor = accepted.factor
    strength = accepted.strength or kinds(uow).strengths[factor.kind]
    return Proven(factor, Proof(factor.kind, factor.id, uow.now, strength))


def _not_challenged() -> InvalidRequest:
    return InvalidRequest(FieldError("factor_id", N_("Choose a verified method that can receive codes.")))
