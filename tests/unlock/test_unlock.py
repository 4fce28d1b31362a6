"""Unlocking settings: with every proof that the account has, for this session alone, for ten minutes."""

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.users import User, new_user, pass_time, protected


def locked(service: Service, *, totp: bool = True) -> User:
    """Return a person whose settings have locked."""
    person = protected(service) if totp else new_user(service)
    pass_time(service, 601)
    person.api.renew_recovery_code().refused(403, "locked_settings")
    return person


def test_password_unlocks_without_2fa(moving: Service) -> None:
    """Without a second factor the password is enough."""
    person = locked(moving, totp=False)
    person.api.unlock().expect(200)
    person.api.set_policy("every_log_in").expect(200)


def test_unlocking_replaces_the_session_token(moving: Service) -> None:
    """The new one keeps the end of the session; the old one is rejected (ASVS 7.2.4)."""
    person = locked(moving)
    old, ends = person.api.token, person.api.session()["expires_at"]
    answer = person.unlock()
    assert answer["session"]["token"] == person.api.token != old
    assert answer["session"]["expires_at"] == ends
    assert person.api.session()["unlocked_until"] == answer["unlocked_until"]
    person.api.token = old
    person.api.session().refused(401, "not_signed_in")


def test_password_alone_does_not_unlock_with_2fa(moving: Service) -> None:
    """The missing field is named; a code alone and a wrong password with a right code fail, too."""
    person = locked(moving)
    refused = person.api.unlock().refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["code"]
    code = person.code()
    person.api.unlock("wrong", code=code).refused(401, "wrong_credentials")
    person.api.renew_recovery_code().refused(403, "locked_settings")
    person.api.unlock(code=code).expect(200)


def test_wrong_password_does_not_consume_the_code(moving: Service) -> None:
    """The person may try again with the code that is on the phone."""
    person = locked(moving)
    code = person.code()
    person.api.unlock("wrong", code=code).refused(401, "wrong_credentials")
    person.api.unlock(PASSWORD, code=code).expect(200)


def test_unlocking_applies_to_one_session_only(moving: Service) -> None:
    """Another session stays locked, and unlocking ends with signing out."""
    person = protected(moving, "once_per_computer")
    other = person.another_browser()
    person.sign_in(other, trust_this_computer=True)
    pass_time(moving, 601)
    person.unlock()
    other.renew_recovery_code().refused(403, "locked_settings")
    other.sign_in(person.email).expect(200)
    other.renew_recovery_code().refused(403, "locked_settings")


def test_recovery_code_unlocks_and_is_replaced(moving: Service) -> None:
    """The response contains the new one; the old one is rejected."""
    person = locked(moving)
    new = person.api.unlock(recovery_code=person.recovery_code or "").expect(200)["recovery_code"]
    person.api.unlock(recovery_code=person.recovery_code or "").refused(401, "wrong_code")
    person.api.unlock(recovery_code=new).expect(200)


def test_unlocked_settings_can_be_locked_early(moving: Service) -> None:
    """A person can lock the settings before leaving the desk."""
    person = protected(moving)
    person.pages().submit("/settings", "/settings/lock").goes_to("/settings")
    person.api.renew_recovery_code().refused(403, "locked_settings")


def test_locked_settings_are_disabled_and_lead_to_authenticate(moving: Service) -> None:
    """Every form but signing out is locked; the button leads to the page, and the page leads back."""
    person = locked(moving)
    browser = person.pages()
    page = browser.get("/settings").expect(200)
    open_forms = {form.action for form in page.forms if not form.locked}
    assert open_forms == {"/sign-out", "/authenticate"}
    assert "Authenticate" in page.words
    assert browser.get("/settings").html.count('href="/authenticate?return_to=/settings"') == 1
    browser.post("/settings/recovery-code").goes_to("/authenticate")
    proofs = {"password": PASSWORD, "code": person.code()}
    browser.submit("/authenticate?return_to=/settings", "/authenticate", **proofs).goes_to("/settings")
    unlocked = browser.get("/settings").expect(200)
    assert not any(form.locked for form in unlocked.forms)
    assert "/authenticate" not in {form.action for form in unlocked.forms}


def test_change_sent_after_locking_is_reported_as_not_made(moving: Service) -> None:
    """The form is not sent again: the page after unlocking says that nothing changed and asks to do it now."""
    person = locked(moving, totp=False)
    browser = person.pages()
    refused = browser.post("/settings/two-factor", {"policy": "every_log_in"}).goes_to("/authenticate")
    there = browser.submit(refused.location, "/authenticate", password=PASSWORD).goes_to("/settings")
    assert "Your change was not saved. Make it again now." in browser.get(there.location).expect(200).words
    assert "Your change was not saved" not in browser.get("/settings").words


def test_authenticating_returns_to_the_page_with_its_query(moving: Service) -> None:
    """A page that needs its query is found again."""
    person = locked(moving, totp=False)
    browser = person.pages()
    wanted = "/settings/factors/new?kind=sms&name=My%20phone"
    refused = browser.get(wanted).goes_to("/authenticate")
    there = browser.submit(refused.location, "/authenticate", password=PASSWORD)
    assert (there.status, there.location) == (303, wanted)


@pytest.mark.parametrize("fields", [{}, {"password": PASSWORD}, {"password": "wrong"}])
def test_failed_unlock_shows_the_form_again(moving: Service, fields: dict[str, str]) -> None:
    """With what is wrong beside the field; what was typed as password is not in the page."""
    person = locked(moving)
    browser: FormBrowser = person.pages()
    shown = browser.submit("/authenticate", "/authenticate", **fields)
    assert shown.status in (401, 422)
    assert "There is a problem" in shown.words
    assert PASSWORD not in shown.html
    assert shown.form("/authenticate", "password", "code").fields["password"] == ""
