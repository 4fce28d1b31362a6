"""A long return address with every character that a query may have survives each step on the way back to it."""

from urllib.parse import quote

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.users import protected

WANTED = "/settings/activity?scope=openid+email&state=a%2Bb%26c%3D;d&next=https%3A%2F%2Fapp.example%2F~z&pad="
WANTED += "a" * (3_200 - len(WANTED))
RETURN = f"return_to={quote(WANTED, safe='')}"


def test_long_return_address_survives_password_and_code(moving: Service) -> None:
    """A wrong password and a wrong code show the form again, with the address in it."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    page = browser.get(WANTED).goes_to("/sign-in").location
    assert page == f"/sign-in?{RETURN}"
    wrong = browser.submit(page, "/sign-in", email=person.email, password="wrong")
    assert wrong.expect(401).form("/sign-in").fields["return_to"] == WANTED
    asked = browser.submit(page, "/sign-in", email=person.email, password=PASSWORD).goes_to("/sign-in/code")
    wrong = browser.submit(asked.location, "/sign-in/code", code="abc")
    assert wrong.form("/sign-in/code").fields["return_to"] == WANTED
    assert browser.submit(asked.location, "/sign-in/code", code=person.code()).location == WANTED


def test_unencoded_return_address_is_followed_encoded(moving: Service) -> None:
    """As proxies write it; what the page reads is the same."""
    page = FormBrowser(moving.url).get("/settings/activity?rd=https://app.example/x?y=1:2@'z")
    place = "/settings/activity?rd=https%3A%2F%2Fapp.example%2Fx%3Fy=1%3A2%40%27z"
    assert page.location == f"/sign-in?return_to={quote(place, safe='')}"


def test_long_return_address_survives_the_recovery_code(moving: Service) -> None:
    """The page that shows the new recovery code leads on to the address."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    asked = browser.submit(f"/sign-in?{RETURN}", "/sign-in", email=person.email, password=PASSWORD)
    page = asked.location.replace("/sign-in/code", "/sign-in/recovery-code")
    shown = browser.submit(page, "/sign-in/recovery-code", recovery_code=person.recovery_code or "")
    form = shown.expect(200).form("/settings/recovery-code/saved")
    assert form.fields["return_to"] == WANTED
    assert browser.post(form.action, {**form.fields, "saved": "yes"}).location == WANTED


def test_long_return_address_survives_unlocking(moving: Service) -> None:
    """A wrong password shows the form again, with the address in it."""
    person = protected(moving)
    browser = person.pages()
    browser.submit("/settings", "/settings/lock")
    page = f"/authenticate?{RETURN}"
    wrong = browser.submit(page, "/authenticate", password="wrong", code="000000")
    assert wrong.form("/authenticate").fields["return_to"] == WANTED
    assert browser.submit(page, "/authenticate", password=PASSWORD, code=person.code()).location == WANTED


def test_long_return_address_survives_signing_in_before_unlocking(moving: Service) -> None:
    """Nested addresses would be too long: the sign-in leads to the inner one, which asks for unlocking."""
    browser = FormBrowser(moving.url)
    assert browser.get(f"/authenticate?{RETURN}").location == f"/sign-in?{RETURN}"


@pytest.mark.parametrize("mark", ["&signed_in=1", ""])
def test_longest_return_address_leaves_room_for_the_cookie_check_mark(moving: Service, mark: str) -> None:
    """The mark that finds browsers without cookies does not push an address over its limit."""
    shown = FormBrowser(moving.url).get(f"/sign-in?return_to={quote(WANTED + mark, safe='')}")
    assert shown.form("/sign-in").fields["return_to"] == WANTED


def test_too_long_return_address_leads_to_the_settings(moving: Service) -> None:
    """One character beyond the limit is too long."""
    shown = FormBrowser(moving.url).get(f"/sign-in?{RETURN}a")
    assert shown.form("/sign-in").fields["return_to"] == "/settings"
