"""Removing the factor that alone proves the session needs the password in the same form."""

import json

from tests.support.clients import PASSWORD
from tests.support.service import Service
from tests.support.session_level import account_of, level_of, run_as_earlier_version
from tests.support.users import User, protected

SET_PROOFS = "UPDATE session SET proofs = :proofs WHERE account_id = :account_id"


def signed_in_by_factor_alone(service: Service) -> User:
    """Return a person whose session rests on the factor alone, as with a passkey."""
    person = protected(service)
    proof = ["totp", person.factor_id, int(service.clock()), ["2fa", "otp", "otp"]]
    run_as_earlier_version(service, SET_PROOFS, proofs=json.dumps([proof]), **account_of(person))
    assert level_of(person.api) == ("2fa", "totp", "otp mfa")
    return person


def test_removing_the_only_proof_of_a_session_needs_the_password(moving: Service) -> None:
    """Without it the error names the field, a wrong one is refused, and with the right one the session continues."""
    person = signed_in_by_factor_alone(moving)
    path = f"/factors/{person.factor_id}"
    refused = person.api.call("DELETE", path).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["password"]
    person.api.call("DELETE", path, {}).refused(422, "invalid_request")
    person.api.call("DELETE", path, {"password": "not-the-password"}).refused(401, "wrong_credentials")
    assert len(person.shown()["factors"]) == 1
    person.api.call("DELETE", path, {"password": PASSWORD}).expect(204)
    assert level_of(person.api) == ("1fa", "password", "pwd")
    person.api.call("DELETE", path, {"password": PASSWORD}).refused(404, "not_found")


def test_page_asks_for_the_password_that_keeps_the_session(moving: Service) -> None:
    """The form shows its error, and the session continues with the password."""
    person = signed_in_by_factor_alone(moving)
    browser, path = person.pages(), f"/settings/factors/{person.factor_id}/remove"
    missing = browser.submit(path, path, password="").expect(422)
    assert "Enter your password" in missing.words
    wrong = browser.send(missing, path, password="not-the-password").expect(401)
    assert "The password is not correct" in wrong.words
    browser.send(wrong, path, password=PASSWORD).goes_to("/settings")
    assert level_of(person.api) == ("1fa", "password", "pwd")


def test_password_is_not_needed_while_another_proof_remains(moving: Service) -> None:
    """A password that is given anyway is not checked."""
    person = protected(moving)
    person.unlock()
    path = f"/settings/factors/{person.factor_id}/remove"
    assert "password" not in person.pages().get(path).expect(200).form(path).fields
    person.api.call("DELETE", f"/factors/{person.factor_id}", {"password": "not-the-password"}).expect(204)
    assert level_of(person.api) == ("1fa", "password", "pwd")


def test_replacing_the_only_proof_of_a_session_needs_the_password(moving: Service) -> None:
    """The new factor proves nothing until it is used, so the session would have no proof."""
    person = signed_in_by_factor_alone(moving)
    person.api.begin_totp(replaces=person.factor_id or "").refused(409, "conflict")
    person.unlock()
    person.enable_totp(replaces=person.factor_id or "")
    assert level_of(person.api) == ("1fa", "password", "pwd")
