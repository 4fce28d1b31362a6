"""The table of sign-in, walked through in full: nobody gets more than was proven, and the honest owner gets in."""

import itertools

import pytest

from tests.drawings import PAGE, drawn_in, redrawn
from twofold.factors.rules import Policy
from twofold.signin.rules import (
    ATTEMPT_LIFE,
    ATTEMPT_TRIES,
    NEXT,
    Proof,
    State,
    may_trust,
    next_state,
    password_proof,
    wrong_code,
)

PASSWORDS = {Proof.PASSWORD_ALONE, Proof.PASSWORD_ON_TRUSTED_COMPUTER, Proof.PASSWORD_BEFORE_CODE}
SECONDS = {Proof.CODE, Proof.RECOVERY_CODE}
IN = {State.SIGNED_IN, State.UNLOCKED}
WORTH = {State.NOBODY: 0, State.HALF_OPEN: 1, State.SIGNED_IN: 2, State.UNLOCKED: 3}
SITUATIONS = [
    (active, policy, recognised)
    for active, policy, recognised in itertools.product([True, False], Policy, [True, False])
    if not (active and policy is Policy.DISABLED)
]


def walk(proofs: tuple[Proof, ...]) -> list[State]:
    """The states on the way, beginning as nobody."""
    return list(itertools.accumulate(proofs, next_state, initial=State.NOBODY))


def reachable(start: State) -> set[State]:
    """Every state that some sequence of proofs leads to."""
    found, new = {start}, {start}
    while new:
        new = {next_state(state, proof) for state in new for proof in Proof} - found
        found |= new
    return found


# ------------------------------------------------------------------ the whole table


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("proof", Proof)
def test_what_is_not_in_the_table_leads_nowhere(state: State, proof: Proof) -> None:
    """A code without a password, a second password in the middle, anything at all once signed in."""
    assert next_state(state, proof) is NEXT.get((state, proof), state)


def test_every_proof_and_every_state_is_in_the_table() -> None:
    """Nothing is declared that nobody can reach or use."""
    assert {proof for _, proof in NEXT} == set(Proof)
    assert reachable(State.NOBODY) == set(State)


def test_no_sequence_of_four_steps_gives_more_than_was_proven() -> None:
    """All six thousand: what one holds at the end is covered by what one did since one was last nobody."""
    for proofs in itertools.product(Proof, repeat=4):
        states = walk(proofs)
        since = max(place for place, state in enumerate(states) if state is State.NOBODY)
        given = set(proofs[since:])
        match states[-1]:
            case State.HALF_OPEN:
                assert Proof.PASSWORD_BEFORE_CODE in given, proofs
            case State.SIGNED_IN:
                assert Proof.PASSWORD_ON_TRUSTED_COMPUTER in given, proofs
            case State.UNLOCKED:
                with_code = Proof.PASSWORD_BEFORE_CODE in given and bool(given & SECONDS)
                assert Proof.PASSWORD_ALONE in given or with_code, proofs


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("proof", sorted(set(Proof) - PASSWORDS - SECONDS))
def test_what_proves_nothing_never_leads_up(state: State, proof: Proof) -> None:
    """Wrong tries and lapses of time keep one where one is, or throw one back."""
    assert WORTH[next_state(state, proof)] <= WORTH[state]


@pytest.mark.parametrize("proof", sorted(SECONDS))
def test_a_second_factor_alone_opens_nothing(proof: Proof) -> None:
    """It counts only after the password."""
    assert next_state(State.NOBODY, proof) is State.NOBODY


def test_the_last_wrong_code_and_the_end_of_time_throw_back_to_the_password() -> None:
    """Half-open never lasts."""
    for proof in (Proof.LAST_WRONG_CODE, Proof.TIME_OVER):
        assert next_state(State.HALF_OPEN, proof) is State.NOBODY


# ------------------------------------------------------------------ the honest owner, and the thief of a password


@pytest.mark.parametrize("active, policy, recognised", SITUATIONS)
@pytest.mark.parametrize("before", [(), (Proof.WRONG_PASSWORD,), (Proof.PASSWORD_BEFORE_CODE, Proof.LAST_WRONG_CODE)])
@pytest.mark.parametrize("second", sorted(SECONDS))
def test_the_honest_owner_gets_in_from_everywhere(
    before: tuple[Proof, ...], second: Proof, *, active: bool, policy: Policy, recognised: bool
) -> None:
    """With password and code, or password and recovery code, whatever went wrong before."""
    state = next_state(walk(before)[-1], password_proof(active=active, policy=policy, recognised=recognised))
    if state is State.HALF_OPEN:
        state = next_state(next_state(state, Proof.WRONG_CODE), second)
    assert state in IN


@pytest.mark.parametrize("active, policy, recognised", SITUATIONS)
def test_the_password_alone_signs_in_only_without_two_factor_or_on_a_trusted_computer(
    *, active: bool, policy: Policy, recognised: bool
) -> None:
    """A trusted computer counts under `once_per_computer` alone, and leaves settings locked."""
    state = next_state(State.NOBODY, password_proof(active=active, policy=policy, recognised=recognised))
    trusted = policy is Policy.ONCE_PER_COMPUTER and recognised
    if not active:
        assert state is State.UNLOCKED
    elif trusted:
        assert state is State.SIGNED_IN
    else:
        assert state is State.HALF_OPEN


def test_the_fifth_wrong_code_is_the_last() -> None:
    """Four leave the attempt open, the fifth ends it; a count gone wrong ends it as well."""
    assert [wrong_code(tries) for tries in range(4)] == [Proof.WRONG_CODE] * 4
    assert {wrong_code(tries) for tries in range(4, 20)} == {Proof.LAST_WRONG_CODE}
    assert (ATTEMPT_TRIES, ATTEMPT_LIFE) == (5, 300)


def test_a_computer_may_be_trusted_only_once_per_computer() -> None:
    """Under the other policies the box is not there, and ticking it by hand does nothing."""
    assert [policy for policy in Policy if may_trust(policy)] == [Policy.ONCE_PER_COMPUTER]


# ------------------------------------------------------------------ the documentation


def test_the_documentation_shows_the_tables_as_they_are() -> None:
    """`python -m tests.drawings` redraws docs/sign-in.md after a change of a table."""
    page = PAGE.read_text("utf-8")
    assert drawn_in(page) == ["sign-in", "what-ends-what"]
    assert redrawn(page) == page
