"""Codes at sign-in, unlock and enrolment: which are accepted, once, and what refusals say."""

import pytest

from tests.support.authenticator import Authenticator, oathtool
from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.users import HOUR, User, new_user, pass_time, protected

STEP = 30


def settle_within_step(service: Service) -> None:
    """Set the clock to a few seconds after the start of a time step, so that no test crosses its end."""
    pass_time(service, (STEP - int(service.clock()) % STEP) + 3)


def with_old_app(service: Service) -> tuple[User, Authenticator]:
    """Return a person whose app was set up an hour ago, with the clock well inside a time step."""
    person = protected(service)
    pass_time(service, HOUR)
    settle_within_step(service)
    assert person.authenticator is not None
    return person, person.authenticator


@pytest.mark.parametrize("step", [-11, -10, -5, -3, -2, -1, 0, 1, 2, 10])
def test_code_is_accepted_one_step_early_or_late(moving: Service, step: int) -> None:
    """At sign-in, a code that is 2 to 10 steps late is explained, and any other outside the window is just wrong."""
    person, app = with_old_app(moving)
    answer = person.half_open().give_code(app.code_of_step(step))
    if -1 <= step <= 1:
        answer.expect(200)
    elif -10 <= step <= -2:
        refused = answer.refused(401, "clock_off")
        assert refused["clock_off_minutes"] == -((-step + 1) // 2)
        assert refused["attempts_left"] == 4
    else:
        assert answer.refused(401, "wrong_code")["attempts_left"] == 4


@pytest.mark.parametrize("step, code", [(-11, "wrong_code"), (-10, "clock_off"), (-2, "clock_off"), (2, "wrong_code")])
def test_unlock_explains_the_same_codes_as_sign_in(moving: Service, step: int, code: str) -> None:
    """At Authenticate, too, a future code is answered like a wrong one."""
    person, app = with_old_app(moving)
    person.sign_in()
    pass_time(moving, 12 * STEP)  # move past the code of the sign-in
    settle_within_step(moving)
    person.api.unlock(code=app.code_of_step(step)).refused(401, code)


@pytest.mark.parametrize(
    "step, minutes", [(-11, None), (-10, -5), (-3, -2), (-2, -1), (2, 1), (3, 2), (10, 5), (11, None)]
)
def test_enrolment_explains_a_clock_that_is_off_either_way(moving: Service, step: int, minutes: int | None) -> None:
    """Enrolment reports the minutes with their sign, positive if the phone is ahead."""
    person = new_user(moving)
    settle_within_step(moving)
    begun = person.api.begin_totp().expect(201)
    code = oathtool(begun["secret"], at=moving.clock() + step * STEP)
    answer = person.api.verify(begun["id"], code)
    if minutes is None:
        answer.refused(401, "wrong_code")
    else:
        refused = answer.refused(401, "clock_off")
        assert refused["clock_off_minutes"] == minutes
        assert ("fast" if minutes > 0 else "slow") in refused["detail"]
    settle_within_step(moving)
    person.api.verify(begun["id"], oathtool(begun["secret"], at=moving.clock())).expect(200)


def test_page_explains_a_wrong_phone_clock(moving: Service) -> None:
    """The page says by how much it is off, and what to do."""
    person, app = with_old_app(moving)
    browser = FormBrowser(moving.url)
    shown = browser.sign_in(person.email, person.password, app.code_of_step(-6)).expect(401)
    assert "Your phone's clock seems to be about 3 minutes slow." in shown.words
    assert "Set it to automatic time" in shown.words


def test_code_is_refused_after_it_was_used(moving: Service) -> None:
    """The same code again within its window is refused as used, and counts as a failure."""
    person, app = with_old_app(moving)
    code = app.code_of_step(0)
    person.half_open().give_code(code).expect(200)
    refused = person.half_open().give_code(code).refused(401, "code_already_used")
    assert refused["attempts_left"] == 4
    pass_time(moving, STEP)
    person.half_open().give_code(code).refused(401, "code_already_used")


def test_earlier_code_is_refused_after_a_later_one(moving: Service) -> None:
    """No step at or below the last accepted one counts (RFC 6238, 5.2)."""
    person, app = with_old_app(moving)
    person.half_open().give_code(app.code_of_step(1)).expect(200)
    for step in (0, -1):
        person.half_open().give_code(app.code_of_step(step)).refused(401, "code_already_used")
    pass_time(moving, STEP)
    person.half_open().give_code(app.code_of_step(1)).expect(200)


def test_code_that_verified_a_factor_is_refused_at_sign_in(moving: Service) -> None:
    """A code observed during set-up cannot be used to sign in."""
    person = new_user(moving)
    settle_within_step(moving)
    begun = person.api.begin_totp().expect(201)
    code = oathtool(begun["secret"], at=moving.clock())
    person.api.verify(begun["id"], code).expect(200)
    person.half_open().give_code(code).refused(401, "code_already_used")
    person.api.unlock(code=code).refused(401, "code_already_used")


def test_code_used_at_sign_in_does_not_unlock(moving: Service) -> None:
    """Sign-in and unlock share their used codes, in both directions."""
    person, app = with_old_app(moving)
    code = app.code_of_step(0)
    answer = person.half_open(person.api).give_code(code).expect(200)
    assert answer["status"] == "signed_in"
    person.api.unlock(code=code).refused(401, "code_already_used")
    later = app.code_of_step(1)
    person.api.unlock(code=later).expect(200)
    person.half_open().give_code(later).refused(401, "code_already_used")


def test_code_of_another_account_is_refused_and_not_consumed(moving: Service) -> None:
    """It is wrong here, and still valid for its own account."""
    person, app = with_old_app(moving)
    other = protected(moving)
    code = app.code_of_step(0)
    other.half_open().give_code(code).refused(401, "wrong_code")
    person.half_open().give_code(code).expect(200)


def test_code_of_any_verified_app_is_accepted(moving: Service) -> None:
    """With two apps, either code works; with a `factor_id`, only that app's code does; ids of others are refused."""
    person, first = with_old_app(moving)
    first_id = person.factor_id
    person.sign_in()
    person.enable_totp(name="Second phone")
    settle_within_step(moving)
    pass_time(moving, STEP)
    second = person.authenticator
    assert second is not None
    person.half_open().give_code(first.code_of_step(0)).expect(200)
    person.half_open().give_code(second.code_of_step(0), factor_id=person.factor_id).expect(200)
    person.half_open().give_code(first.code_of_step(1), factor_id=person.factor_id).refused(401, "wrong_code")
    stranger = protected(moving)
    person.half_open().give_code(first.code_of_step(1), factor_id=stranger.factor_id).refused(401, "wrong_code")
    person.half_open().give_code(first.code_of_step(1), factor_id=first_id).expect(200)


def test_code_of_an_unverified_app_is_refused(moving: Service) -> None:
    """The code of a pending factor does not sign in."""
    person, _ = with_old_app(moving)
    person.sign_in()
    begun = person.api.begin_totp().expect(201)
    person.half_open().give_code(oathtool(begun["secret"], at=moving.clock())).refused(401, "wrong_code")
