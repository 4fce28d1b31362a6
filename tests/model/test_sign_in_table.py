"""Every path through sign-in: every possible action in each reachable state.

The states are told apart by what the reference model knows; each is reached by its shortest path, with new people.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.model.application import App
from tests.support.model.both import Both
from tests.support.model.facts import DAY, DISABLED, EVERY, IN_A_ROW, MINUTE, ONCE, TRIES, Client, ModelPerson


@dataclass
class Trial:
    """A person at one client, and a second client for preparing the account."""

    both: Both
    at: Client
    home: Client

    @property
    def person(self) -> ModelPerson:
        """The person."""
        return self.both.world.people[0]


Step = Callable[[Trial], None]


def wrong_codes(number: int) -> Step:
    """Return an action that enters so many wrong codes."""

    def give(trial: Trial) -> None:
        for _ in range(number):
            trial.both.give_code(trial.at, "wrong")

    return give


# Every action, and what it proves when it succeeds.
STEPS: dict[str, tuple[Step, set[str]]] = {
    "right password": (lambda trial: trial.both.give_password(trial.at, trial.person), {"password"}),
    "wrong password": (lambda trial: trial.both.give_password(trial.at, trial.person, right=False), set()),
    "right code": (lambda trial: trial.both.give_code(trial.at, "fresh"), {"second"}),
    "right code, and trust": (lambda trial: trial.both.give_code(trial.at, "fresh", trust=True), {"second"}),
    "spent code": (lambda trial: trial.both.give_code(trial.at, "spent"), set()),
    "wrong code": (wrong_codes(1), set()),
    "four wrong codes": (wrong_codes(4), set()),
    "recovery code": (lambda trial: trial.both.give_recovery_code(trial.at, "living"), {"second"}),
    "dead recovery code": (lambda trial: trial.both.give_recovery_code(trial.at, "dead"), set()),
    "start again": (lambda trial: trial.both.cancel(trial.at), set()),
    "unlock with the password": (lambda trial: trial.both.unlock(trial.at, None), {"password"}),
    "unlock with a code": (lambda trial: trial.both.unlock(trial.at, "fresh"), {"password", "second"}),
    "unlock with a spent code": (lambda trial: trial.both.unlock(trial.at, "spent"), {"password"}),
    "unlock with the recovery code": (lambda trial: trial.both.unlock(trial.at, "living"), {"password", "second"}),
    "lock": (lambda trial: trial.both.lock(trial.at), set()),
    "sign out": (lambda trial: trial.both.sign_out(trial.at), set()),
    "five minutes": (lambda trial: trial.both.wait(5 * MINUTE), set()),
    "ten minutes": (lambda trial: trial.both.wait(10 * MINUTE), set()),
    "signed out by the administrator": (lambda trial: trial.both.administer("sign-out", trial.person), set()),
}
PROOFS = ("password and app", "password and recovery code", "administrator")


def two_factor(policy: str) -> Step:
    """Return an action that turns 2FA on from the second client."""

    def set_up(trial: Trial) -> None:
        trial.both.enrol(trial.home)
        trial.both.choose(trial.home, policy)
        trial.both.wait(60)

    return set_up


def close_factors(trial: Trial) -> None:
    """Lock second factors with wrong codes in a row from the second client, after turning 2FA on."""
    two_factor(EVERY)(trial)
    while trial.person.wrong_in_a_row(trial.home) < IN_A_ROW:
        trial.both.give_password(trial.home, trial.person)
        while trial.both.world.attempt(trial.home) and trial.person.wrong_in_a_row(trial.home) < IN_A_ROW:
            trial.both.give_code(trial.home, "wrong")
        trial.both.wait(300)


def disable(trial: Trial) -> None:
    """Let the administrator disable the account, after turning 2FA on."""
    two_factor(EVERY)(trial)
    trial.both.administer("disable", trial.person)


PREPARATIONS: dict[str, Step] = {
    "2FA off": lambda _door: None,
    "every log-in": two_factor(EVERY),
    "once per computer": two_factor(ONCE),
    "too many wrong codes": close_factors,
    "disabled": disable,
}


def walk(inside: App, preparation: str, path: tuple[str, ...], *, browser: bool) -> Trial:
    """Return a new person's sign-in after these steps. Only the last step is checked."""
    both = Both(inside)
    both.looking = False
    browsers, programs = both.world.clients[:2], both.world.clients[2:]
    trial = Trial(both, (browsers if browser else programs)[0], (programs if browser else browsers)[1])
    both.sign_up(trial.home, trial.person)
    both.come_in(trial.home, trial.person)
    PREPARATIONS[preparation](trial)
    for number, step in enumerate(path, 1):
        both.looking = number == len(path)
        STEPS[step][0](trial)
    both.looking = True
    return trial


def state(trial: Trial) -> tuple[object, ...]:
    """Return the value that distinguishes one state from another."""
    world, person = trial.both.world, trial.person
    session, attempt = world.session(trial.at), world.attempt(trial.at)
    return (
        world.level(trial.at),
        session and (session.on_trust, world.is_unlocked(session)),
        attempt and attempt.wrong == TRIES - 1,
        trial.at.computers.get(person) in world.trusted(person),
        world.codes_left(trial.at, person) == 0,
        person.active,
    )


def explore(inside: App, preparation: str, *, browser: bool) -> list[tuple[str, ...]]:
    """Return the shortest paths to all reachable states, and check at every step that service and model agree."""
    seen: set[tuple[object, ...]] = set()
    paths: list[tuple[str, ...]] = []
    ahead: deque[tuple[str, ...]] = deque([()])
    while ahead:
        path = ahead.popleft()
        trial = walk(inside, preparation, path, browser=browser)
        check_proofs(trial, path)
        if state(trial) not in seen:
            seen.add(state(trial))
            paths.append(path)
            ahead.extend((*path, step) for step in STEPS)
    return paths


def check_proofs(trial: Trial, path: tuple[str, ...]) -> None:
    """Check that the person is signed in no further than the steps have proven, independently of the model."""
    answer = trial.both.device(trial.at).api("GET", "/session")
    proven = {proof for step in path for proof in STEPS[step][1]}
    if answer.status != 200:
        return
    assert "password" in proven, f"signed in without a password: {path}"
    if trial.person.policy != DISABLED:
        trusted = answer.body["trusted_computer"]
        assert "second" in proven, f"signed in by the password alone: {path}"
        assert not trusted or "right code, and trust" in path, f"trusted, and never asked for it: {path}"
    if answer.body["unlocked_until"]:
        recent = path[-(1 + list(reversed(path)).index("ten minutes")) :] if "ten minutes" in path else path
        proven_recently = {proof for step in recent for proof in STEPS[step][1]}
        assert "password" in proven_recently, f"unlocked by an old proof: {path}"
        assert trial.person.policy == DISABLED or "second" in proven_recently, f"unlocked by one proof: {path}"


def sign_in_again(trial: Trial, proof: str) -> None:
    """Sign the owner in with the documented proofs, a day after the last attempt."""
    both, person = trial.both, trial.person
    both.wait(DAY)
    if proof == "administrator":
        both.administer("enable", person)
        both.administer("reset-2fa", person)
        both.offer_link(person)
        both.use_link(trial.at, both.links[-1])
    both.give_password(trial.at, person)
    if proof == "password and app" and both.world.attempt(trial.at):
        both.give_code(trial.at, "fresh")
    if proof == "password and recovery code" and both.world.attempt(trial.at):
        both.give_recovery_code(trial.at, "living")


@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_every_action_in_every_sign_in_state_matches_the_model(inside: App, preparation: str, *, full: bool) -> None:
    """Every action in every state does what the model says, and the owner can sign in again from every state."""
    for browser in (True, False) if full or preparation == "once per computer" else (True,):
        for path in explore(inside, preparation, browser=browser):
            for proof in PROOFS:
                trial = walk(inside, preparation, path, browser=browser)
                sign_in_again(trial, proof)
                check_who_can_sign_in(trial, preparation, proof, path)


def check_who_can_sign_in(trial: Trial, preparation: str, proof: str, path: tuple[str, ...]) -> None:
    """Check that everyone signs in except disabled accounts and those with a locked authenticator."""
    shut = preparation == "disabled" and proof != "administrator"
    closed = preparation == "too many wrong codes" and proof == "password and app" and is_closed(trial)
    found = trial.both.device(trial.at).api("GET", "/session").status
    assert found == (401 if shut or closed else 200), f"{proof} from {path}: {found}"


def is_closed(trial: Trial) -> bool:
    """Return whether only the recovery code or an administrator opens the account."""
    return trial.person.wrong_in_a_row(trial.home) >= IN_A_ROW
