"""Changing a password with the current one, in an unlocked session."""

import pytest

from tests.support.clients import PASSWORD
from tests.support.service import Service
from tests.support.users import new_user, protected

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def test_only_the_new_password_signs_in_after_a_change(moving: Service) -> None:
    """From the next sign-in on."""
    person = new_user(moving)
    person.api.change_password(NEW_PASSWORD).expect(204)
    person.another_browser().sign_in(person.email, PASSWORD).refused(401, "wrong_credentials")
    person.another_browser().sign_in(person.email, NEW_PASSWORD).expect(200)


def test_changing_the_password_requires_the_current_one(moving: Service) -> None:
    """An unlocked session alone changes nothing."""
    person = new_user(moving)
    person.api.change_password(NEW_PASSWORD, "wrong").refused(401, "wrong_credentials")
    person.another_browser().sign_in(person.email, PASSWORD).expect(200)


@pytest.mark.parametrize("new", ["", "short", "password1", "aaaaaaaaaaaa", "qwertyuiop", "x" * 257, "{email}"])
def test_weak_new_password_is_refused_with_advice(moving: Service, new: str) -> None:
    """The fault is named before the current password is checked."""
    person = new_user(moving)
    refused = person.api.change_password(new.format(email=person.email), "wrong").refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["new_password"]


def test_changing_the_password_keeps_2fa(moving: Service) -> None:
    """The second factor stays on, and the recovery code stays valid."""
    person = protected(moving)
    person.api.change_password(NEW_PASSWORD).expect(204)
    person.password = NEW_PASSWORD
    assert person.shown()["active"] is True
    person.half_open().give_recovery_code(person.recovery_code or "").expect(200)


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
def test_unknown_reset_link_answers_404(moving: Service, token: str) -> None:
    """404 for calls and pages."""
    person = new_user(moving)
    body = {"token": token, "new_password": NEW_PASSWORD}
    person.api.call("POST", "/password-reset/complete", body).refused(404, "not_found")
    assert person.pages().get(f"/reset-password/{token or 'y'}").status == 404


def test_password_form_shows_the_error_at_its_field(moving: Service) -> None:
    """On the settings page, beside the field, with nothing of what was typed."""
    person = new_user(moving)
    browser = person.pages()
    fields = {"current_password": "wrong", "new_password": NEW_PASSWORD}
    shown = browser.submit("/settings", "/settings/password", **fields).expect(401)
    assert "There is a problem" in shown.words
    assert NEW_PASSWORD not in shown.html
