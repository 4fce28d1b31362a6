"""Unlocking settings: with every proof that the account has, for this session alone, for ten minutes."""

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.residents import Resident, pass_time, protected, resident
from tests.service import Service


def locked(service: Service, *, totp: bool = True) -> Resident:
    """Somebody whose settings have locked themselves."""
    person = protected(service) if totp else resident(service)
    pass_time(service, 601)
    person.api.renew_recovery_code().refused(403, "locked_settings")
    return person


def test_the_password_unlocks_without_2fa(moving: Service) -> None:
    """Without a second factor there is no more to ask for."""
    person = locked(moving, totp=False)
    person.api.unlock().must(200)
    person.api.set_policy("every_log_in").must(200)


def test_unlocking_replaces_the_token(moving: Service) -> None:
    """The new one is unlocked and ends when the session would have ended; the old one is dead (ASVS 7.2.4)."""
    person = locked(moving)
    old, ends = person.api.token, person.api.session()["expires_at"]
    answer = person.unlock()
    assert answer["session"]["token"] == person.api.token != old
    assert answer["session"]["expires_at"] == ends
    assert person.api.session()["unlocked_until"] == answer["unlocked_until"]
    person.api.token = old
    person.api.session().refused(401, "not_signed_in")


def test_with_2fa_the_password_alone_does_not_unlock(moving: Service) -> None:
    """The field that is missing is named; neither does a code alone, nor a wrong password with a right code."""
    person = locked(moving)
    refused = person.api.unlock().refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["code"]
    code = person.code()
    person.api.unlock("wrong", code=code).refused(401, "wrong_credentials")
    person.api.renew_recovery_code().refused(403, "locked_settings")
    person.api.unlock(code=code).must(200)


def test_a_wrong_password_does_not_spend_the_code(moving: Service) -> None:
    """The person may try again with the code that is on the phone."""
    person = locked(moving)
    code = person.code()
    person.api.unlock("wrong", code=code).refused(401, "wrong_credentials")
    person.api.unlock(PASSWORD, code=code).must(200)


def test_unlocking_is_for_this_session_alone(moving: Service) -> None:
    """Another session stays locked, and unlocking ends with signing out."""
    person = protected(moving, "once_per_computer")
    other = person.another_browser()
    person.sign_in(other, trust_this_computer=True)
    pass_time(moving, 601)
    person.unlock()
    other.renew_recovery_code().refused(403, "locked_settings")
    other.sign_in(person.email).must(200)
    other.renew_recovery_code().refused(403, "locked_settings")


def test_the_recovery_code_unlocks_and_is_replaced(moving: Service) -> None:
    """The new one comes with the answer; the old one is dead."""
    person = locked(moving)
    new = person.api.unlock(recovery_code=person.recovery_code or "").must(200)["recovery_code"]
    person.api.unlock(recovery_code=person.recovery_code or "").refused(401, "wrong_code")
    person.api.unlock(recovery_code=new).must(200)


def test_locking_ends_it_before_its_time(moving: Service) -> None:
    """For who leaves the desk."""
    person = protected(moving)
    person.pages().submit("/settings", "/settings/lock").goes_to("/settings")
    person.api.renew_recovery_code().refused(403, "locked_settings")


def test_locked_settings_are_grey_and_lead_to_authenticate(moving: Service) -> None:
    """Every form but signing out is locked; the button leads to the page, and the page leads back."""
    person = locked(moving)
    browser = person.pages()
    page = browser.get("/settings").must(200)
    open_forms = {form.action for form in page.forms if not form.locked}
    assert open_forms == {"/sign-out", "/authenticate"}
    assert "Authenticate" in page.words
    assert browser.get("/settings").html.count('href="/authenticate?return_to=/settings"') == 1
    browser.post("/settings/recovery-code").goes_to("/authenticate")
    proofs = {"password": PASSWORD, "code": person.code()}
    browser.submit("/authenticate?return_to=/settings", "/authenticate", **proofs).goes_to("/settings")
    unlocked = browser.get("/settings").must(200)
    assert not any(form.locked for form in unlocked.forms)
    assert "/authenticate" not in {form.action for form in unlocked.forms}


def test_a_change_that_came_too_late_is_said_not_to_be_made(moving: Service) -> None:
    """The form is not sent again for anybody: the page that one comes back to says so, and asks to do it now."""
    person = locked(moving, totp=False)
    browser = person.pages()
    refused = browser.post("/settings/two-factor", {"policy": "every_log_in"}).goes_to("/authenticate")
    there = browser.submit(refused.location, "/authenticate", password=PASSWORD).goes_to("/settings")
    assert "Your change was not made. Make it now." in browser.get(there.location).must(200).words
    assert "Your change was not made" not in browser.get("/settings").words


def test_authenticating_leads_back_with_the_whole_address(moving: Service) -> None:
    """A page that needs its query is found again."""
    person = locked(moving, totp=False)
    browser = person.pages()
    wanted = "/settings/factors/new?kind=sms&name=My%20phone"
    refused = browser.get(wanted).goes_to("/authenticate")
    there = browser.submit(refused.location, "/authenticate", password=PASSWORD)
    assert (there.status, there.location) == (303, wanted)


@pytest.mark.parametrize("fields", [{}, {"password": PASSWORD}, {"password": "wrong"}])
def test_what_does_not_unlock_shows_the_form_again(moving: Service, fields: dict[str, str]) -> None:
    """With what is wrong beside the field; what was typed as password is not in the page."""
    person = locked(moving)
    browser: FormBrowser = person.pages()
    shown = browser.submit("/authenticate", "/authenticate", **fields)
    assert shown.status in (401, 422)
    assert "There is a problem" in shown.words
    assert PASSWORD not in shown.html
    assert shown.form("/authenticate", "password", "code").fields["password"] == ""
