"""Whatever users do, in any order, the service answers and remembers what the reference model says."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.model.application import App
from tests.support.model.machine import Acts

LIKE_THIS = settings(
    stateful_step_count=50,
    deadline=None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in (Phase.generate, Phase.shrink) if phase in settings().phases],
)


def run(inside: App, sequences: int) -> None:
    """Run this many sequences; a Divergence shows the shortest one that was found."""
    chosen = settings(LIKE_THIS, max_examples=sequences)
    run_state_machine_as_test(lambda: Acts(inside), settings=chosen)  # type: ignore[arg-type]  # calling it is enough


def test_random_sequences_match_the_model_on_sqlite(inside: App, *, full: bool) -> None:
    """Ten thousand sequences of fifty actions show no divergence."""
    run(inside, 10_000 if full else 300)
    assert inside.acts > 20 * inside.sequences


def test_random_sequences_match_the_model_on_postgres(inside_on_postgres: App, *, full: bool) -> None:
    """The same holds on PostgreSQL."""
    run(inside_on_postgres, 1_000 if full else 30)
