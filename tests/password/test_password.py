"""Changing a password: by the old one, to a good one, by an unlocked session."""

import pytest

from tests.clients import PASSWORD
from tests.residents import protected, resident
from tests.service import Service

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def test_the_new_password_is_the_one(moving: Service) -> None:
    """From the next sign-in on."""
    person = resident(moving)
    person.api.change_password(NEW_PASSWORD).must(204)
    person.another_browser().sign_in(person.email, PASSWORD).refused(401, "wrong_credentials")
    person.another_browser().sign_in(person.email, NEW_PASSWORD).must(200)


def test_the_old_password_is_asked_for(moving: Service) -> None:
    """An unlocked session alone changes nothing."""
    person = resident(moving)
    person.api.change_password(NEW_PASSWORD, "wrong").refused(401, "wrong_credentials")
    person.another_browser().sign_in(person.email, PASSWORD).must(200)


@pytest.mark.parametrize("new", ["", "short", "password1", "aaaaaaaaaaaa", "qwertyuiop", "x" * 257, "{email}"])
def test_a_weak_password_is_refused_with_the_remedy(moving: Service, new: str) -> None:
    """Too short, too common, too long, or the address itself: named, before the old one is looked at."""
    person = resident(moving)
    refused = person.api.change_password(new.format(email=person.email), "wrong").refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["new_password"]


def test_2fa_stays_as_it_is(moving: Service) -> None:
    """A new password lifts no second factor, and the recovery code is still good."""
    person = protected(moving)
    person.api.change_password(NEW_PASSWORD).must(204)
    person.password = NEW_PASSWORD
    assert person.shown()["active"] is True
    person.half_open().give_recovery_code(person.recovery_code or "").must(200)


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
def test_a_made_up_reset_link_is_not_there(moving: Service, token: str) -> None:
    """404 for calls and pages."""
    person = resident(moving)
    body = {"token": token, "new_password": NEW_PASSWORD}
    person.api.call("POST", "/password-reset/complete", body).refused(404, "not_found")
    assert person.pages().get(f"/reset-password/{token or 'y'}").status == 404


def test_the_form_names_the_field_that_is_wrong(moving: Service) -> None:
    """On the settings page, beside the field, with nothing of what was typed."""
    person = resident(moving)
    browser = person.pages()
    fields = {"current_password": "wrong", "new_password": NEW_PASSWORD}
    shown = browser.submit("/settings", "/settings/password", **fields).must(401)
    assert "There is a problem" in shown.words
    assert NEW_PASSWORD not in shown.html
