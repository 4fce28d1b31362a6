"""The whole sign-in table: no state grants more than was proven, and the owner can always sign in."""

import itertools

import pytest

from tests.support.drawings import PAGE, drawn_in, redrawn
from twofold.factors.rules import Policy
from twofold.signin.rules import (
    ATTEMPT_LIFETIME,
    ATTEMPT_TRIES,
    NEXT,
    Outcome,
    State,
    may_trust,
    next_state,
    password_outcome,
    wrong_code,
)

PASSWORDS = {Outcome.PASSWORD_ALONE, Outcome.PASSWORD_ON_TRUSTED_COMPUTER, Outcome.PASSWORD_BEFORE_CODE}
SECONDS = {Outcome.CODE, Outcome.RECOVERY_CODE}
IN = {State.SIGNED_IN, State.UNLOCKED}
WORTH = {State.ANONYMOUS: 0, State.HALF_OPEN: 1, State.SIGNED_IN: 2, State.UNLOCKED: 3}
SITUATIONS = [
    (active, policy, recognised)
    for active, policy, recognised in itertools.product([True, False], Policy, [True, False])
    if not (active and policy is Policy.DISABLED)
]


def walk(outcomes: tuple[Outcome, ...]) -> list[State]:
    """Return the states on the way, starting anonymous."""
    return list(itertools.accumulate(outcomes, next_state, initial=State.ANONYMOUS))


def reachable(start: State) -> set[State]:
    """Return every state that some sequence of proofs leads to."""
    found, new = {start}, {start}
    while new:
        new = {next_state(state, outcome) for state in new for outcome in Outcome} - found
        found |= new
    return found


# ------------------------------------------------------------------ the whole table


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("outcome", Outcome)
def test_undeclared_transition_is_refused(state: State, outcome: Outcome) -> None:
    """For example a code before the password, a second password, or any proof once signed in."""
    assert next_state(state, outcome) is NEXT.get((state, outcome), state)


def test_every_proof_and_state_appears_in_the_table() -> None:
    """Every declared proof and state can be reached and used."""
    assert {outcome for _, outcome in NEXT} == set(Outcome)
    assert reachable(State.ANONYMOUS) == set(State)


def test_no_sequence_of_four_steps_grants_more_than_was_proven() -> None:
    """In all six thousand, the proofs since the last anonymous state cover the final state."""
    for outcomes in itertools.product(Outcome, repeat=4):
        states = walk(outcomes)
        since = max(place for place, state in enumerate(states) if state is State.ANONYMOUS)
        given = set(outcomes[since:])
        match states[-1]:
            case State.HALF_OPEN:
                assert Outcome.PASSWORD_BEFORE_CODE in given, outcomes
            case State.SIGNED_IN:
                assert Outcome.PASSWORD_ON_TRUSTED_COMPUTER in given, outcomes
            case State.UNLOCKED:
                with_code = Outcome.PASSWORD_BEFORE_CODE in given and bool(given & SECONDS)
                assert Outcome.PASSWORD_ALONE in given or with_code, outcomes


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("outcome", sorted(set(Outcome) - PASSWORDS - SECONDS))
def test_failed_attempts_and_timeouts_never_advance_the_sign_in(state: State, outcome: Outcome) -> None:
    """They keep the state or lead back to an earlier one."""
    assert WORTH[next_state(state, outcome)] <= WORTH[state]


@pytest.mark.parametrize("outcome", sorted(SECONDS))
def test_second_factor_alone_grants_nothing(outcome: Outcome) -> None:
    """It counts only after the password."""
    assert next_state(State.ANONYMOUS, outcome) is State.ANONYMOUS


def test_last_wrong_code_and_expiry_return_to_the_password() -> None:
    """Half-open never lasts."""
    for outcome in (Outcome.LAST_WRONG_CODE, Outcome.TIME_OVER):
        assert next_state(State.HALF_OPEN, outcome) is State.ANONYMOUS


# ------------------------------------------------------------------ the honest owner, and the thief of a password


@pytest.mark.parametrize("active, policy, recognised", SITUATIONS)
@pytest.mark.parametrize(
    "before", [(), (Outcome.WRONG_PASSWORD,), (Outcome.PASSWORD_BEFORE_CODE, Outcome.LAST_WRONG_CODE)]
)
@pytest.mark.parametrize("second", sorted(SECONDS))
def test_owner_can_sign_in_from_every_state(
    before: tuple[Outcome, ...], second: Outcome, *, active: bool, policy: Policy, recognised: bool
) -> None:
    """With password and code, or password and recovery code, after any errors."""
    state = next_state(walk(before)[-1], password_outcome(active=active, policy=policy, recognised=recognised))
    if state is State.HALF_OPEN:
        state = next_state(next_state(state, Outcome.WRONG_CODE), second)
    assert state in IN


@pytest.mark.parametrize("active, policy, recognised", SITUATIONS)
def test_password_alone_signs_in_only_without_2fa_or_on_a_trusted_computer(
    *, active: bool, policy: Policy, recognised: bool
) -> None:
    """A trusted computer counts under `once_per_computer` alone, and leaves settings locked."""
    state = next_state(State.ANONYMOUS, password_outcome(active=active, policy=policy, recognised=recognised))
    trusted = policy is Policy.ONCE_PER_COMPUTER and recognised
    if not active:
        assert state is State.UNLOCKED
    elif trusted:
        assert state is State.SIGNED_IN
    else:
        assert state is State.HALF_OPEN


def test_fifth_wrong_code_ends_the_sign_in() -> None:
    """Four leave the attempt open, the fifth ends it; a count gone wrong ends it as well."""
    assert [wrong_code(tries) for tries in range(4)] == [Outcome.WRONG_CODE] * 4
    assert {wrong_code(tries) for tries in range(4, 20)} == {Outcome.LAST_WRONG_CODE}
    assert (ATTEMPT_TRIES, ATTEMPT_LIFETIME) == (5, 300)


def test_trust_is_offered_only_under_once_per_computer() -> None:
    """Under the other policies the box is not there, and ticking it by hand does nothing."""
    assert [policy for policy in Policy if may_trust(policy)] == [Policy.ONCE_PER_COMPUTER]


# ------------------------------------------------------------------ the documentation


def test_documentation_shows_the_current_tables() -> None:
    """`python -m tests.support.drawings` redraws docs/sign-in.md after a change of a table."""
    page = PAGE.read_text("utf-8")
    assert drawn_in(page) == ["sign-in", "what-ends-what", "caps"]
    assert redrawn(page) == page
