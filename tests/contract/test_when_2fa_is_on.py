"""When two-factor authentication is on: what turns it on and off, and what is kept for next time."""

import pytest

from tests.support.service import Service
from tests.support.users import User, new_user, protected


def test_new_account_has_2fa_off(moving: Service) -> None:
    """After sign-up, the policy is disabled, and there are no factors and no recovery code."""
    shown = new_user(moving).shown()
    assert shown.body == {
        "policy": "disabled",
        "active": False,
        "required": False,
        "factors": [],
        "default_factor_id": None,
        "recovery_code": None,
    }


def test_verifying_the_first_factor_turns_2fa_on_for_every_log_in(moving: Service) -> None:
    """The answer contains the recovery code, and other sessions end."""
    person = new_user(moving)
    elsewhere = person.another_browser()
    person.sign_in(elsewhere)
    verified = person.enable_totp()
    assert len(verified["recovery_code"]) == 29
    shown = person.shown()
    assert (shown["policy"], shown["active"]) == ("every_log_in", True)
    assert set(shown["recovery_code"]) == {"created_at"}
    elsewhere.session().refused(401, "not_signed_in")


@pytest.mark.parametrize("policy", ["once_per_computer", "every_log_in"])
def test_policy_chosen_before_the_first_factor_waits_for_it(moving: Service, policy: str) -> None:
    """A policy without a factor has no effect and no recovery code; the first factor activates it."""
    person = new_user(moving)
    chosen = person.api.set_policy(policy).expect(200)
    assert (chosen["active"], chosen["recovery_code"]) == (False, None)
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"
    assert person.enable_totp()["recovery_code"]
    assert person.shown()["policy"] == policy


def test_turning_2fa_off_keeps_the_factors(moving: Service) -> None:
    """The password alone signs in; turned on again, 2FA asks for the same app, with a new recovery code."""
    person = protected(moving)
    off = person.api.set_policy("disabled").expect(200)
    assert (off["active"], off["recovery_code"], [each["id"] for each in off["factors"]]) == (
        False,
        None,
        [person.factor_id],
    )
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"
    again = person.api.set_policy("every_log_in").expect(200)
    assert again["recovery_code"] != person.recovery_code
    assert person.sign_in()["status"] == "signed_in"


def test_removing_the_last_factor_turns_2fa_off(moving: Service) -> None:
    """The recovery code becomes invalid, and other sessions end."""
    person = protected(moving, "once_per_computer")
    elsewhere = person.another_browser()
    person.sign_in(elsewhere, trust_this_computer=True)
    person.api.remove_factor(person.factor_id or "").expect(204)
    shown = person.shown()
    assert (shown["policy"], shown["active"], shown["factors"], shown["recovery_code"]) == ("disabled", False, [], None)
    assert shown["default_factor_id"] is None
    elsewhere.session().refused(401, "not_signed_in")
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"


def test_default_factor_has_a_successor_when_it_is_removed(moving: Service) -> None:
    """The replacement of the default becomes the default, or after a removal the oldest remaining factor."""
    person = protected(moving)
    first = person.factor_id or ""
    person.enable_totp(name="Second")
    second = person.factor_id or ""
    assert person.shown()["default_factor_id"] == first
    person.enable_totp(replaces=first)
    third = person.factor_id or ""
    assert person.shown()["default_factor_id"] == third
    person.api.remove_factor(third).expect(204)
    assert person.shown()["default_factor_id"] == second


def test_unfinished_enrolment_changes_nothing(moving: Service) -> None:
    """2FA stays off until the first right code; starting, wrong codes and giving up end nothing."""
    person: User = new_user(moving)
    elsewhere = person.another_browser()
    person.sign_in(elsewhere)
    begun = person.api.begin_totp().expect(201)
    person.api.verify(begun["id"], "000000").expect(401)
    person.api.remove_factor(begun["id"]).expect(204)
    assert person.shown()["recovery_code"] is None
    assert elsewhere.session().status == 200
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"
