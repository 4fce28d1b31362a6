"""Codes at every door: which are taken, once; and what is told of those that are not."""

import pytest

from tests.authenticator import Authenticator, oathtool
from tests.forms import FormBrowser
from tests.residents import HOUR, Resident, pass_time, protected, resident
from tests.service import Service

STEP = 30


def settle_within_step(service: Service) -> None:
    """Puts the clock a few seconds behind the beginning of a time step, so that no test falls on its edge."""
    pass_time(service, (STEP - int(service.clock()) % STEP) + 3)


def with_old_app(service: Service) -> tuple[Resident, Authenticator]:
    """Somebody whose app was set up an hour ago, the clock well inside a time step."""
    person = protected(service)
    pass_time(service, HOUR)
    settle_within_step(service)
    assert person.authenticator is not None
    return person, person.authenticator


@pytest.mark.parametrize("step", [-11, -10, -5, -3, -2, -1, 0, 1, 2, 10])
def test_a_code_is_taken_for_its_step_and_one_either_side(moving: Service, step: int) -> None:
    """At the sign-in a code 2 to 10 steps late is explained, anything else outside the window is just wrong."""
    person, app = with_old_app(moving)
    answer = person.half_open().give_code(app.code_of_step(step))
    if -1 <= step <= 1:
        answer.must(200)
    elif -10 <= step <= -2:
        refused = answer.refused(401, "clock_off")
        assert refused["clock_off_minutes"] == -((-step + 1) // 2)
        assert refused["attempts_left"] == 4
    else:
        assert answer.refused(401, "wrong_code")["attempts_left"] == 4


@pytest.mark.parametrize("step, code", [(-11, "wrong_code"), (-10, "clock_off"), (-2, "clock_off"), (2, "wrong_code")])
def test_unlocking_tells_the_same_as_the_sign_in(moving: Service, step: int, code: str) -> None:
    """At Authenticate, too, a code that is still to come is not told from a wrong one."""
    person, app = with_old_app(moving)
    person.sign_in()
    pass_time(moving, 12 * STEP)  # the code of the sign-in is not one of these
    settle_within_step(moving)
    person.api.unlock(code=app.code_of_step(step)).refused(401, code)


@pytest.mark.parametrize(
    "step, minutes", [(-11, None), (-10, -5), (-3, -2), (-2, -1), (2, 1), (3, 2), (10, 5), (11, None)]
)
def test_enrolment_explains_a_clock_that_is_off_either_way(moving: Service, step: int, minutes: int | None) -> None:
    """Where there is nothing to guess yet, minutes are told with their sign: positive when the phone is ahead."""
    person = resident(moving)
    settle_within_step(moving)
    begun = person.api.begin_totp().must(201)
    code = oathtool(begun["secret"], at=moving.clock() + step * STEP)
    answer = person.api.verify(begun["id"], code)
    if minutes is None:
        answer.refused(401, "wrong_code")
    else:
        refused = answer.refused(401, "clock_off")
        assert refused["clock_off_minutes"] == minutes
        assert ("fast" if minutes > 0 else "slow") in refused["detail"]
    settle_within_step(moving)
    person.api.verify(begun["id"], oathtool(begun["secret"], at=moving.clock())).must(200)


def test_a_phone_with_a_wrong_clock_is_told_on_the_page(moving: Service) -> None:
    """The person reads by how much, and what to do."""
    person, app = with_old_app(moving)
    browser = FormBrowser(moving.url)
    shown = browser.sign_in(person.email, person.password, app.code_of_step(-6)).must(401)
    assert "Your phone's clock looks about 3 minutes slow." in shown.words
    assert "Set it to automatic time" in shown.words


def test_a_code_is_taken_once(moving: Service) -> None:
    """The same code again, in its window, is told to be used, and costs a try."""
    person, app = with_old_app(moving)
    code = app.code_of_step(0)
    person.half_open().give_code(code).must(200)
    refused = person.half_open().give_code(code).refused(401, "code_already_used")
    assert refused["attempts_left"] == 4
    pass_time(moving, STEP)
    person.half_open().give_code(code).refused(401, "code_already_used")


def test_after_a_later_code_an_earlier_one_is_spent(moving: Service) -> None:
    """No step at or below the last accepted one counts (RFC 6238, 5.2)."""
    person, app = with_old_app(moving)
    person.half_open().give_code(app.code_of_step(1)).must(200)
    for step in (0, -1):
        person.half_open().give_code(app.code_of_step(step)).refused(401, "code_already_used")
    pass_time(moving, STEP)
    person.half_open().give_code(app.code_of_step(1)).must(200)


def test_the_code_that_verifies_is_spent(moving: Service) -> None:
    """Whoever looked over the shoulder at the set-up cannot sign in with what was seen."""
    person = resident(moving)
    settle_within_step(moving)
    begun = person.api.begin_totp().must(201)
    code = oathtool(begun["secret"], at=moving.clock())
    person.api.verify(begun["id"], code).must(200)
    person.half_open().give_code(code).refused(401, "code_already_used")
    person.api.unlock(code=code).refused(401, "code_already_used")


def test_a_code_spent_at_the_door_does_not_unlock(moving: Service) -> None:
    """The doors share what is spent, in both directions."""
    person, app = with_old_app(moving)
    code = app.code_of_step(0)
    answer = person.half_open(person.api).give_code(code).must(200)
    assert answer["status"] == "signed_in"
    person.api.unlock(code=code).refused(401, "code_already_used")
    later = app.code_of_step(1)
    person.api.unlock(code=later).must(200)
    person.half_open().give_code(later).refused(401, "code_already_used")


def test_a_code_of_another_account_is_refused_and_not_consumed(moving: Service) -> None:
    """It is wrong here, and still good where it belongs."""
    person, app = with_old_app(moving)
    other = protected(moving)
    code = app.code_of_step(0)
    other.half_open().give_code(code).refused(401, "wrong_code")
    person.half_open().give_code(code).must(200)


def test_any_verified_app_answers_without_being_named(moving: Service) -> None:
    """With two apps either code does; a named one must be its own; nobody else's id is one."""
    person, first = with_old_app(moving)
    first_id = person.factor_id
    person.sign_in()
    person.enable_totp(name="Second phone")
    settle_within_step(moving)
    pass_time(moving, STEP)
    second = person.authenticator
    assert second is not None
    person.half_open().give_code(first.code_of_step(0)).must(200)
    person.half_open().give_code(second.code_of_step(0), factor_id=person.factor_id).must(200)
    person.half_open().give_code(first.code_of_step(1), factor_id=person.factor_id).refused(401, "wrong_code")
    stranger = protected(moving)
    person.half_open().give_code(first.code_of_step(1), factor_id=stranger.factor_id).refused(401, "wrong_code")
    person.half_open().give_code(first.code_of_step(1), factor_id=first_id).must(200)


def test_an_unverified_app_answers_nothing(moving: Service) -> None:
    """A pending factor's code does not sign in."""
    person, _ = with_old_app(moving)
    person.sign_in()
    begun = person.api.begin_totp().must(201)
    person.half_open().give_code(oathtool(begun["secret"], at=moving.clock())).refused(401, "wrong_code")
