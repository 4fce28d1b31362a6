"""Browsers without cookies, two accounts in one browser, and forms that are sent twice."""

import re
from urllib.parse import urlsplit

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser, PageAnswer
from tests.support.service import Service
from tests.support.users import User, new_user, protected
from twofold.base.web.cookie_check import is_marked, marked, unmarked

HOST = "127.0.0.1"
SENTENCE = f"Your browser did not save our cookie. Allow cookies for {HOST}, then sign in again."


class Forgetful(FormBrowser):
    """A browser in which cookies are blocked."""

    def follow(self, shown: PageAnswer) -> PageAnswer:
        """Follow redirects up to a page."""
        while shown.status == 303:
            parts = urlsplit(shown.location)
            self.http.cookies.clear()
            shown = self.get(f"{parts.path}?{parts.query}")
        self.http.cookies.clear()
        return shown

    def signs_in(self, email: str, return_to: str = "/settings") -> PageAnswer:
        """Send the right password."""
        fields = {"email": email, "password": PASSWORD, "return_to": return_to}
        return self.follow(self.post("/sign-in", fields))


@pytest.mark.parametrize("place", ["/settings", "/settings/activity", "/authenticate?return_to=%2Fsettings"])
def test_browser_without_cookies_sees_an_explanation_after_signing_in(moving: Service, place: str) -> None:
    """The explanation replaces any requested page, and its form leads to the same page, without a mark."""
    shown = Forgetful(moving.url).signs_in(new_user(moving).email, place).expect(200)
    assert SENTENCE in shown.words
    assert shown.form("/sign-in").fields["return_to"] == place


def test_browser_without_cookies_sees_an_explanation_after_signing_up(moving: Service) -> None:
    """The first page of a new account is no empty form."""
    browser = Forgetful(moving.url)
    fields = {"email": User(moving).email, "password": PASSWORD}
    assert SENTENCE in browser.follow(browser.post("/sign-up", fields)).expect(200).words


def test_browser_without_cookies_sees_an_explanation_on_the_code_page(moving: Service) -> None:
    """The page does not claim that the sign-in has expired."""
    person = protected(moving)
    browser = Forgetful(moving.url)
    for shown in (
        browser.signs_in(person.email).expect(410),
        browser.get("/sign-in/recovery-code").expect(410),
        browser.post("/sign-in/code", {"code": person.code()}).expect(410),
        browser.post("/sign-in/recovery-code", {"recovery_code": person.recovery_code or ""}).expect(410),
        browser.post("/sign-in/code/send", {"factor_id": person.factor_id or ""}).expect(410),
    ):
        assert SENTENCE in shown.words
        assert "expired" not in shown.words


@pytest.mark.parametrize("path", ["/authenticate", "/settings/two-factor", "/settings/lock", "/sign-out"])
def test_form_sent_without_its_cookie_explains_that_cookies_are_needed(moving: Service, path: str) -> None:
    """The form was shown to a signed-in browser."""
    browser = Forgetful(moving.url)
    assert SENTENCE in browser.follow(browser.post(path, {"password": PASSWORD})).expect(200).words


def test_browser_with_cookies_sees_no_cookie_explanation(moving: Service) -> None:
    """Neither at the first visit, nor when a session has expired at an address with the mark."""
    person = new_user(moving)
    stranger = FormBrowser(moving.url)
    assert "cookie" not in stranger.get(stranger.get("/settings").location).words
    browser = FormBrowser(moving.url)
    place = browser.sign_in(person.email, PASSWORD).goes_to("/settings").location
    assert "cookie" not in browser.get(place).expect(200).words
    browser.post("/sign-out").goes_to("/signed-out")
    assert "cookie" not in browser.get(browser.get(place).goes_to("/sign-in").location).words
    assert browser.sign_in(person.email, PASSWORD).location == "/settings"


def test_expired_sign_in_is_distinguished_from_a_missing_cookie(moving: Service) -> None:
    """The cookie outlives the five minutes."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    answer = browser.sign_in(person.email, PASSWORD)
    lives = [int(each) for each in re.findall(r"sign_in\S*=\S+;.*?Max-Age=(\d+)", answer.headers["set-cookie"])]
    assert lives
    assert min(lives) > 300


# ------------------------------------------------------------------ two people, one browser


def open_two_tabs(service: Service) -> tuple[User, User, FormBrowser, PageAnswer]:
    """Return two people, a browser in which the second has just given the password, and the page of the first."""
    first, second = protected(service), protected(service)
    browser = FormBrowser(service.url)
    browser.sign_in(first.email, PASSWORD).goes_to("/sign-in/code")
    page = browser.get("/sign-in/code").expect(200)
    browser.sign_in(second.email, PASSWORD).goes_to("/sign-in/code")
    return first, second, browser, page


def test_code_page_shows_the_email_as_it_was_typed(moving: Service) -> None:
    """So does the page for the recovery code."""
    person = protected(moving)
    typed = person.email.replace("person", "PerSon")
    browser = FormBrowser(moving.url)
    browser.sign_in(f" {typed} ", PASSWORD).goes_to("/sign-in/code")
    for path in ("/sign-in/code", "/sign-in/recovery-code"):
        assert f"You are signing in as {typed} ." in browser.get(path).expect(200).words


def test_code_form_of_one_account_is_refused_with_the_sign_in_of_another(moving: Service) -> None:
    """Nothing is counted or used up, and the page shows whose turn it is."""
    first, second, browser, page = open_two_tabs(moving)
    code = first.code()
    refused = browser.send(page, "/sign-in/code", code=code).expect(409)
    assert second.email in refused.words
    assert code not in refused.html
    browser.send(refused, "/sign-in/code", code=second.code()).goes_to("/settings")
    first.half_open().give_code(code).expect(200)
    assert "refused" not in str([each["outcome"] for each in second.api.events().expect(200)["items"]])


def test_recovery_form_of_one_account_is_refused_with_the_sign_in_of_another(moving: Service) -> None:
    """The recovery code is not shown to the other account."""
    first, second = protected(moving), protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(first.email, PASSWORD)
    page = browser.get("/sign-in/recovery-code").expect(200)
    browser.sign_in(second.email, PASSWORD)
    refused = browser.send(page, "/sign-in/recovery-code", recovery_code=first.recovery_code or "").expect(409)
    assert second.email in refused.words
    assert (first.recovery_code or "?") not in refused.html
    first.half_open().give_recovery_code(first.recovery_code or "").expect(200)


def test_forms_shown_to_one_account_do_not_act_on_another(moving: Service) -> None:
    """Two users share a browser, and the first one's page is still open; deleting the account is among its forms."""
    ada, eve, browser = protected(moving), new_user(moving), FormBrowser(moving.url)
    browser.sign_in(ada.email, PASSWORD, ada.code()).goes_to("/settings")
    pages = ("/settings", "/settings/delete", "/authenticate", f"/settings/factors/{ada.factor_id}/remove")
    forms = {
        form.action: form for path in pages for form in browser.get(path).expect(200).forms if form.method == "post"
    }
    assert {"/settings/delete", "/settings/export", "/settings/profile", "/settings/two-factor"} <= forms.keys()
    browser.submit("/settings", "/sign-out")
    browser.sign_in(eve.email, PASSWORD).goes_to("/settings")
    before = eve.api.events(limit="100")["items"]
    for action in forms.keys() - {"/sign-out"}:
        refused = browser.post(action, {**forms[action].fields, "password": PASSWORD, "name": "Ada"}).expect(409)
        assert "Another account was signed in" in refused.words
        assert "Ada" not in refused.html
    new = [each for each in eve.api.events(limit="100")["items"] if each not in before]
    assert {each["outcome"] for each in new} == {"refused"}
    browser.submit("/settings/delete", "/settings/delete").expect(200)
    eve.api.session().refused(401, "not_signed_in")
    ada.sign_in()


def test_start_again_for_one_account_keeps_the_sign_in_of_another(moving: Service) -> None:
    """The sign-in of the other account is not cancelled."""
    _, second, browser, page = open_two_tabs(moving)
    browser.send(page, "/sign-in/cancel").goes_to("/sign-in")
    browser.submit("/sign-in/code", "/sign-in/code", code=second.code()).goes_to("/settings")


# ------------------------------------------------------------------ the warning that the code is not saved


def test_locked_session_cannot_dismiss_the_recovery_code_warning(moving: Service) -> None:
    """An intruder in a locked session cannot hide the warning from the owner."""
    person = protected(moving)
    browser = person.pages()
    browser.post("/settings/lock").goes_to("/settings")
    for mark in ({}, {"shown": ""}, {"shown": "0" * 64}):
        browser.post("/settings/recovery-code/saved", {"saved": "yes", **mark}).goes_to("/authenticate")
    assert "You have not confirmed that you saved your recovery code." in browser.get("/settings").words


def test_page_that_showed_a_recovery_code_can_confirm_it_after_ten_minutes(moving: Service) -> None:
    """And no page of an older code does."""
    person = protected(moving)
    browser = person.pages()
    old = browser.submit("/settings", "/settings/recovery-code").expect(200)
    new = browser.submit("/settings", "/settings/recovery-code").expect(200)
    browser.post("/settings/lock").goes_to("/settings")
    browser.send(old, "/settings/recovery-code/saved", saved="yes").goes_to("/authenticate")
    assert "You have not confirmed" in browser.get("/settings").words
    browser.send(new, "/settings/recovery-code/saved", saved="yes").goes_to("/settings")
    assert "You have not confirmed" not in browser.get("/settings").words


@pytest.mark.parametrize("path", ["/settings", "/settings?done=x", "/a#b", "/a?b=c#d"])
def test_cookie_check_mark_is_added_and_removed(path: str) -> None:
    """The query and fragment are kept."""
    assert not is_marked(path)
    assert is_marked(marked(path))
    assert unmarked(marked(path)) == path
