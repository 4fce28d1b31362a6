"""Every way through the door: from each state that can be reached, each thing that can be done, over and over.

The states are told apart by what the reference model knows; each is reached by its shortest way, with new people.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.model.both import Both
from tests.model.facts import DAY, DISABLED, EVERY, IN_A_ROW, MINUTE, ONCE, TRIES, Client, Person
from tests.model.inside import Inside


@dataclass
class Door:
    """One person before one client, and a second client, from which the household is run."""

    both: Both
    at: Client
    home: Client

    @property
    def person(self) -> Person:
        """Who it is."""
        return self.both.world.people[0]


Step = Callable[[Door], None]


def wrong_codes(number: int) -> Step:
    """So many wrong codes."""

    def give(door: Door) -> None:
        for _ in range(number):
            door.both.give_code(door.at, "wrong")

    return give


# Each thing that can be done, and what is proven by it when it succeeds.
STEPS: dict[str, tuple[Step, set[str]]] = {
    "right password": (lambda door: door.both.give_password(door.at, door.person), {"password"}),
    "wrong password": (lambda door: door.both.give_password(door.at, door.person, right=False), set()),
    "right code": (lambda door: door.both.give_code(door.at, "fresh"), {"second"}),
    "right code, and trust": (lambda door: door.both.give_code(door.at, "fresh", trust=True), {"second"}),
    "spent code": (lambda door: door.both.give_code(door.at, "spent"), set()),
    "wrong code": (wrong_codes(1), set()),
    "four wrong codes": (wrong_codes(4), set()),
    "recovery code": (lambda door: door.both.give_recovery_code(door.at, "living"), {"second"}),
    "dead recovery code": (lambda door: door.both.give_recovery_code(door.at, "dead"), set()),
    "start again": (lambda door: door.both.cancel(door.at), set()),
    "unlock with the password": (lambda door: door.both.unlock(door.at, None), {"password"}),
    "unlock with a code": (lambda door: door.both.unlock(door.at, "fresh"), {"password", "second"}),
    "unlock with a spent code": (lambda door: door.both.unlock(door.at, "spent"), {"password"}),
    "unlock with the recovery code": (lambda door: door.both.unlock(door.at, "living"), {"password", "second"}),
    "lock": (lambda door: door.both.lock(door.at), set()),
    "sign out": (lambda door: door.both.sign_out(door.at), set()),
    "five minutes": (lambda door: door.both.wait(5 * MINUTE), set()),
    "ten minutes": (lambda door: door.both.wait(10 * MINUTE), set()),
    "signed out by the administrator": (lambda door: door.both.administer("sign-out", door.person), set()),
}
WAYS_BACK = ("password and app", "password and recovery code", "administrator")


def two_factor(policy: str) -> Step:
    """2FA is turned on from the other client."""

    def set_up(door: Door) -> None:
        door.both.enrol(door.home)
        door.both.choose(door.home, policy)
        door.both.wait(60)

    return set_up


def close_factors(door: Door) -> None:
    """2FA is on, and too many wrong codes in a row were given from the other client."""
    two_factor(EVERY)(door)
    while door.person.wrong_in_a_row < IN_A_ROW:
        door.both.give_password(door.home, door.person)
        while door.both.world.attempt(door.home) and door.person.wrong_in_a_row < IN_A_ROW:
            door.both.give_code(door.home, "wrong")
        door.both.wait(300)


def disable(door: Door) -> None:
    """2FA is on, and the administrator has disabled the account."""
    two_factor(EVERY)(door)
    door.both.administer("disable", door.person)


HOUSEHOLDS: dict[str, Step] = {
    "2FA off": lambda _door: None,
    "every log-in": two_factor(EVERY),
    "once per computer": two_factor(ONCE),
    "too many wrong codes": close_factors,
    "disabled": disable,
}


def walk(inside: Inside, household: str, way: tuple[str, ...], *, browser: bool) -> Door:
    """A new person's door, after these steps, of which the last is watched; the way to it was watched before."""
    both = Both(inside)
    both.looking = False
    browsers, programs = both.world.clients[:2], both.world.clients[2:]
    door = Door(both, (browsers if browser else programs)[0], (programs if browser else browsers)[1])
    both.sign_up(door.home, door.person)
    both.come_in(door.home, door.person)
    HOUSEHOLDS[household](door)
    for number, step in enumerate(way, 1):
        both.looking = number == len(way)
        STEPS[step][0](door)
    both.looking = True
    return door


def state(door: Door) -> tuple[object, ...]:
    """What tells one state from another."""
    world, person = door.both.world, door.person
    session, attempt = world.session(door.at), world.attempt(door.at)
    return (
        world.level(door.at),
        session and (session.on_trust, world.is_unlocked(session)),
        attempt and attempt.wrong == TRIES - 1,
        door.at.computers.get(person) in world.trusted(person),
        world.codes_left(person) == 0,
        person.active,
    )


def explore(inside: Inside, household: str, *, browser: bool) -> list[tuple[str, ...]]:
    """The shortest ways to all states that can be reached; service and model agree at every step."""
    seen: set[tuple[object, ...]] = set()
    ways: list[tuple[str, ...]] = []
    ahead: deque[tuple[str, ...]] = deque([()])
    while ahead:
        way = ahead.popleft()
        door = walk(inside, household, way, browser=browser)
        check_that_it_was_proven(door, way)
        if state(door) not in seen:
            seen.add(state(door))
            ways.append(way)
            ahead.extend((*way, step) for step in STEPS)
    return ways


def check_that_it_was_proven(door: Door, way: tuple[str, ...]) -> None:
    """Nobody is further in than the steps on the way have proven, whatever the model may say."""
    answer = door.both.device(door.at).api("GET", "/session")
    proven = {proof for step in way for proof in STEPS[step][1]}
    if answer.status != 200:
        return
    assert "password" in proven, f"signed in without a password: {way}"
    if door.person.policy != DISABLED:
        trusted = answer.body["trusted_computer"]
        assert "second" in proven, f"signed in by the password alone: {way}"
        assert not trusted or "right code, and trust" in way, f"trusted, and never asked for it: {way}"
    if answer.body["unlocked_until"]:
        lately = way[-(1 + list(reversed(way)).index("ten minutes")) :] if "ten minutes" in way else way
        proven_lately = {proof for step in lately for proof in STEPS[step][1]}
        assert "password" in proven_lately, f"unlocked by an old proof: {way}"
        assert door.person.policy == DISABLED or "second" in proven_lately, f"unlocked by one proof: {way}"


def come_back(door: Door, way_back: str) -> None:
    """The owner, with what is said to be enough, after a day in which nobody tried anything."""
    both, person = door.both, door.person
    both.wait(DAY)
    if way_back == "administrator":
        both.administer("enable", person)
        both.administer("reset-2fa", person)
        both.offer_link(person)
        both.use_link(door.at, both.links[-1])
    both.give_password(door.at, person)
    if way_back == "password and app" and both.world.attempt(door.at):
        both.give_code(door.at, "fresh")
    if way_back == "password and recovery code" and both.world.attempt(door.at):
        both.give_recovery_code(door.at, "living")


@pytest.mark.parametrize("household", HOUSEHOLDS)
def test_from_no_state_does_anything_lead_further_than_was_proven(
    inside: Inside, household: str, *, full: bool
) -> None:
    """In all states, all that can be done does what the model says, and from each the honest owner comes back in."""
    for browser in (True, False) if full or household == "once per computer" else (True,):
        for way in explore(inside, household, browser=browser):
            for way_back in WAYS_BACK:
                door = walk(inside, household, way, browser=browser)
                come_back(door, way_back)
                check_who_is_back(door, household, way_back, way)


def check_who_is_back(door: Door, household: str, way_back: str, way: tuple[str, ...]) -> None:
    """Everybody, but whom the administrator has disabled, or who has an app that too many wrong codes closed."""
    shut = household == "disabled" and way_back != "administrator"
    closed = household == "too many wrong codes" and way_back == "password and app" and is_closed(door)
    found = door.both.device(door.at).api("GET", "/session").status
    assert found == (401 if shut or closed else 200), f"{way_back} from {way}: {found}"


def is_closed(door: Door) -> bool:
    """Whether only the recovery code or an administrator opens the account."""
    return door.person.wrong_in_a_row >= IN_A_ROW
