"""Whatever people do, in whatever order, the service answers and remembers what the reference model says."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.inside import Inside
from tests.model.machine import Acts
from tests.model.watch import Divergence
from twofold.accounts import store as accounts
from twofold.base import throttle
from twofold.base.throttle import Tally
from twofold.computers import store as computers
from twofold.factors import store as factors
from twofold.factors.recovery import store as recovery_codes
from twofold.sessions import actions as sessions
from twofold.sessions import store as session_store
from twofold.signin import rules as signin
from twofold.signin import store as attempts
from twofold.signin.rules import Proof, State

LIKE_THIS = settings(
    stateful_step_count=50,
    deadline=None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


def live(inside: Inside, sequences: int, *phases: Phase) -> None:
    """Lets so many sequences happen; a Divergence shows the shortest one that was found."""
    chosen = settings(LIKE_THIS, max_examples=sequences, phases=phases or LIKE_THIS.phases)
    run_state_machine_as_test(lambda: Acts(inside), settings=chosen)  # type: ignore[arg-type]  # calling it is enough


def test_the_service_does_what_the_model_says(inside: Inside, *, full: bool) -> None:
    """Ten thousand sequences of fifty acts, and not one divergence."""
    live(inside, 10_000 if full else 300)
    assert inside.acts > 20 * inside.sequences


def test_on_postgres_it_does_the_same(inside_on_postgres: Inside, *, full: bool) -> None:
    """The other database holds the same promises."""
    live(inside_on_postgres, 1_000 if full else 30)


# ------------------------------------------------------------------ builds broken on purpose


async def nothing(*_: object, **__: object) -> None:
    """Does not do what should be done here."""


async def all_is_well(*_: object, **__: object) -> bool:
    """Says that it is done, and does nothing."""
    return True


def uncounted(tally: Tally, _rates: object, _now: int) -> Tally:
    """Forgets the attempt that it is told of."""
    return tally


BROKEN = {  # those that are found soonest come first
    "idle sessions live on": (sessions, "is_alive", lambda *, expires_at, now, **_: now < expires_at),
    "settings stay unlocked": (sessions, "is_unlocked", lambda _visitor, _now: True),
    "other sessions outlive a change of credentials": (session_store, "end_all_but", all_is_well),
    "a code is not spent": (factors, "spend", all_is_well),
    "trust and attempts outlive a change of credentials": (accounts, "renew_stamp", nothing),
    "a wrong code is not counted against its sign-in": (attempts, "count_try", nothing),
    "wrong attempts are not counted": (throttle, "with_attempt", uncounted),
    "the recovery code outlives 2FA": (recovery_codes, "delete", nothing),
    "a disabled account signs in": (accounts, "set_disabled", nothing),
    "a forgotten computer stays trusted": (computers, "forget", all_is_well),
    "any computer is trusted under every policy": (signin, "may_trust", lambda _policy: True),
    "the old token of an unlocked session lives on": (session_store, "renew", all_is_well),
    "trust counts as a proof": (
        signin,
        "NEXT",
        {**signin.NEXT, (State.NOBODY, Proof.PASSWORD_ON_TRUSTED_COMPUTER): State.UNLOCKED},
    ),
}


def test_builds_broken_on_purpose_are_found_out(inside: Inside, monkeypatch: pytest.MonkeyPatch, *, full: bool) -> None:
    """The comparison can fail: a service with one promise broken does not get through."""
    for where, name, broken in list(BROKEN.values())[: None if full else 3]:
        with monkeypatch.context() as build:
            build.setattr(where, name, broken)
            with pytest.raises(Divergence):
                live(inside, 3_000, Phase.generate)
