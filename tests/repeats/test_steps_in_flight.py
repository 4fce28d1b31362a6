"""Steps that are sent twice at once, since a button can be pressed again before the answer arrives."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from tests.support.clients import PASSWORD, Api
from tests.support.cookies import cookie_name
from tests.support.races import recorded
from tests.support.service import Service
from tests.support.sync import RawAnswer, json_request, raw_request, release_together
from tests.support.users import User, new_user, protected

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def pressed(person: User, path: str, fields: Mapping[str, str], times: int = 2) -> list[RawAnswer]:
    """Send a form from the person's session several times at once, and return the answers."""
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": person.url,
        "Cookie": f"{cookie_name(person.url)}={person.api.token}",
    }
    request = raw_request(person.url, path, urlencode(fields).encode(), headers=headers)
    return release_together(person.url, [request] * times)


def called(person: User, path: str, body: Mapping[str, str], method: str = "POST") -> list[RawAnswer]:
    """Make a call several times at once, and return the answers."""
    request = json_request(person.url, path, body, method=method, bearer=person.api.token)
    return release_together(person.url, [request] * 2)


def by_recovery_code(person: User) -> dict[str, str]:
    """Return the proofs of a user who has lost the phone."""
    return {"password": PASSWORD, "recovery_code": person.recovery_code or ""}


def codes(answers: list[RawAnswer]) -> list[str]:
    """Return the codes of the answers, in order of status."""
    return sorted(f"{each.status} {json.loads(each.body or b'{}').get('code', '')}".strip() for each in answers)


def test_two_unlocks_by_recovery_code_at_once_give_two_codes_of_which_one_is_valid(
    moving: Service,
) -> None:
    """One session remains, with the token of one of the answers."""
    person = protected(moving)
    answers = called(person, "/session/unlock", by_recovery_code(person))
    assert codes(answers) == ["200", "200"]
    given = [each.json() for each in answers]
    alive = []
    for each in given:
        client = Api(person.url)
        client.token = each["session"]["token"]
        alive.append(client.session().status == 200)
    assert sorted(alive) == [False, True]
    last = given[alive.index(True)]
    person.half_open().give_recovery_code(last["recovery_code"]).expect(200)


def test_authenticate_button_pressed_four_times_at_once_shows_a_code_each_time(moving: Service) -> None:
    """Whichever answer the browser shows last, the user stays signed in and has a valid recovery code."""
    person = protected(moving)
    answers = pressed(person, "/authenticate", by_recovery_code(person), times=4)
    assert [each.status for each in answers] == [200] * 4
    assert all(b"Save your recovery code" in each.body for each in answers)


@pytest.mark.parametrize("with_code", [True, False], ids=["with a code", "with the password alone"])
def test_other_unlock_sent_twice_at_once_gets_sign_in_completed(moving: Service, *, with_code: bool) -> None:
    """It does not say "not signed in", and counts no failure."""
    person = protected(moving) if with_code else new_user(moving)
    proof = {"password": PASSWORD} | ({"code": person.code()} if with_code else {})
    assert codes(called(person, "/session/unlock", proof)) == ["200", "410 sign_in_completed"]
    assert recorded(moving, person.email, "settings:unlocked") == {"done": 1}


@pytest.mark.parametrize("with_code", [True, False], ids=["with a code", "with the password alone"])
def test_authenticate_button_pressed_twice_at_once_leads_to_the_settings(moving: Service, *, with_code: bool) -> None:
    """The page says what happened, without a form of the session whose token was replaced."""
    person = protected(moving) if with_code else new_user(moving)
    proof = {"password": PASSWORD} | ({"code": person.code()} if with_code else {})
    done, again = sorted(pressed(person, "/authenticate", proof), key=lambda each: each.status)
    assert (done.status, again.status) == (303, 410)
    assert b"sent twice" in again.body
    assert b'href="/settings"' in again.body
    assert b'name="password"' not in again.body


def test_wrong_password_beside_a_right_one_is_counted_and_refused(moving: Service) -> None:
    """Only the request with the right password learns that the step was completed."""
    person = protected(moving)
    bodies = [{"password": password, "recovery_code": person.recovery_code} for password in (PASSWORD, "wrong")]
    requests = [json_request(person.url, "/session/unlock", body, bearer=person.api.token) for body in bodies]
    assert codes(release_together(person.url, requests)) == ["200", "401 wrong_credentials"]


def test_unlock_of_a_session_that_ended_meanwhile_gets_not_signed_in(moving: Service) -> None:
    """Without a completed step, there is nothing to repeat. An unlock that comes first replaces the session's token."""
    outcomes = [unlocked_and_signed_out(protected(moving)) for _ in range(5)]
    assert {tuple(each) for each in outcomes} <= {("204", "401 not_signed_in"), ("200", "401 not_signed_in")}
    assert ["204", "401 not_signed_in"] in outcomes


def unlocked_and_signed_out(person: User) -> list[str]:
    """Unlock a session and sign out of it at once, and return the codes of both answers."""
    proof = {"password": PASSWORD, "code": person.code()}
    sign_out = raw_request(
        person.url, "/api/v1/session", b"", method="DELETE", headers={"Authorization": f"Bearer {person.api.token}"}
    )
    unlock = json_request(person.url, "/session/unlock", proof, bearer=person.api.token)
    return codes(release_together(person.url, [unlock, sign_out]))


@pytest.mark.parametrize("entry_point", ["page", "call"])
def test_password_change_sent_twice_at_once_is_made_once_and_answered_twice(moving: Service, entry_point: str) -> None:
    """Neither answer says that the password is wrong, no failure is counted, and the history has one change."""
    person = new_user(moving)
    given = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    if entry_point == "page":
        assert [each.status for each in pressed(person, "/settings/password", given)] == [303, 303]
    else:
        assert codes(called(person, "/account/password", given, method="PUT")) == ["204", "204"]
    assert recorded(moving, person.email, "password:changed") == {"done": 1}
    person.api.session().expect(200)
    person.another_browser().sign_in(person.email, NEW_PASSWORD).expect(200)


def test_password_change_sent_again_is_answered_like_the_first(moving: Service) -> None:
    """The second request reads the account after the change; a wrong new password is still refused and counted."""
    person = new_user(moving)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    for _ in range(2):
        person.api.call("PUT", "/account/password", change).expect(204)
    assert recorded(moving, person.email, "password:changed") == {"done": 1}
    other = change | {"new_password": f"{NEW_PASSWORD}-2"}
    person.api.call("PUT", "/account/password", other).refused(401, "wrong_credentials")
    assert recorded(moving, person.email, "password:changed") == {"done": 1, "wrong_credentials": 1}


def test_wrong_current_password_is_refused_although_the_new_one_is_the_accounts_already(moving: Service) -> None:
    """Nothing was changed in the last minute, so the request repeats nothing."""
    person = new_user(moving)
    change = {"current_password": "not-the-password-19", "new_password": PASSWORD}
    person.api.call("PUT", "/account/password", change).refused(401, "wrong_credentials")
    changed = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    person.api.call("PUT", "/account/password", changed).expect(204)
    moving.move_clock(61)
    person.api.call("PUT", "/account/password", changed).refused(401, "wrong_credentials")


def test_one_of_two_different_password_changes_at_once_succeeds(moving: Service) -> None:
    """The other's current password is no longer right, and its answer does not claim success."""
    person = new_user(moving)
    bodies = [{"current_password": PASSWORD, "new_password": f"{NEW_PASSWORD}-{number}"} for number in (1, 2)]
    requests = [
        json_request(person.url, "/account/password", body, method="PUT", bearer=person.api.token) for body in bodies
    ]
    answers = release_together(person.url, requests)
    assert codes(answers) == ["204", "401 wrong_credentials"]
    [made] = [body["new_password"] for body, each in zip(bodies, answers, strict=True) if each.status == 204]
    person.another_browser().sign_in(person.email, made).expect(200)


def test_sign_in_beside_an_unlock_by_recovery_code_succeeds(moving: Service) -> None:
    """The password that it proved is still the account's."""
    person = protected(moving)
    unlock = by_recovery_code(person)
    sign_in = {"email": person.email, "password": PASSWORD}
    requests = [
        json_request(person.url, "/session/unlock", unlock, bearer=person.api.token),
        json_request(person.url, "/sign-in", sign_in),
        json_request(person.url, "/sign-in", sign_in),
    ]
    assert codes(release_together(person.url, requests)) == ["200", "200", "200"]
