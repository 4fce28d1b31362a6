"""Signing in over HTTP: what each proof grants, and how long a half-open sign-in is valid."""

from pathlib import Path

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.in_process import in_process
from tests.support.service import Service
from tests.support.users import User, new_user, pass_time, protected
from twofold.base.passwords import PasswordPool


def test_password_without_2fa_signs_in_and_unlocks(moving: Service) -> None:
    """Every proof that there is was given now."""
    person = new_user(moving)
    answer = person.api.sign_in(person.email).expect(200)
    assert answer.body.keys() == {"status", "session"}
    session = person.api.session()
    assert (session["methods"], session["trusted_computer"]) == (["password"], False)
    assert session["unlocked_until"] is not None


def test_password_with_2fa_starts_a_half_open_sign_in(moving: Service) -> None:
    """The answer names the methods and nothing of the account."""
    person = protected(moving)
    answer = person.another_browser().sign_in(person.email).expect(200)
    assert answer.body.keys() == {"status", "sign_in", "expires_at", "factors", "default_factor_id", "may_trust"}
    assert answer["status"] == "code_required"
    assert answer["factors"] == [{"id": person.factor_id, "kind": "totp", "name": "Authenticator app", "hint": ""}]
    assert answer["default_factor_id"] == person.factor_id
    assert answer["may_trust"] is False


@pytest.mark.parametrize("policy, offered", [("once_per_computer", True), ("every_log_in", False)])
def test_trust_is_offered_only_where_the_policy_allows_it(moving: Service, policy: str, offered: bool) -> None:  # noqa: FBT001
    """Under Every log-in there is no checkbox, and sending the field grants no trust."""
    person = protected(moving, policy)
    client = person.another_browser()
    assert client.sign_in(person.email)["may_trust"] is offered
    signed_in = client.give_code(person.code(), trust_this_computer=True).expect(200)
    assert ("trusted_computer" in signed_in.body) is offered
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD)
    form = browser.get("/sign-in/code").form("/sign-in/code")
    assert ("trust_this_computer" in form.fields) is offered
    assert form.fields.get("trust_this_computer", "") == ""


def test_code_signs_in_and_unlocks(moving: Service) -> None:
    """A full sign-in opens the settings for ten minutes."""
    person = protected(moving)
    answer = person.half_open(person.api).give_code(person.code()).expect(200)
    assert answer["status"] == "signed_in"
    session = person.api.session()
    assert session["methods"] == ["password", "totp"]
    assert session["unlocked_until"] is not None
    person.api.renew_recovery_code().expect(201)
    pass_time(moving, 601)
    assert person.api.session()["unlocked_until"] is None
    person.api.renew_recovery_code().refused(403, "locked_settings")


def test_recovery_code_signs_in_unlocks_and_is_replaced(moving: Service) -> None:
    """It works once, however it is typed; the response contains the next one, and the app stays."""
    person = protected(moving)
    typed = (person.recovery_code or "").lower().replace("-", " ")
    answer = person.half_open(person.api).give_recovery_code(typed).expect(200)
    session = person.api.session()
    assert session["methods"] == ["password", "recovery_code"]
    assert session["unlocked_until"] is not None
    assert answer["recovery_code"] != person.recovery_code
    person.half_open().give_recovery_code(person.recovery_code or "").refused(401, "wrong_code")
    person.half_open().give_code(person.code()).expect(200)


def test_malformed_recovery_code_costs_no_attempt(moving: Service) -> None:
    """It is a field error, however often and wherever it is sent; then the right code is accepted."""
    person = protected(moving)
    code, api = person.recovery_code or "", person.half_open()
    for text in ["", "-", code[:-1], *[code + "A"] * 9]:
        for answer in (api.give_recovery_code(text), person.api.unlock(recovery_code=text)):
            refused = answer.refused(422, "invalid_request")
            assert [error["field"] for error in refused["errors"]] == ["recovery_code"]
    page = "/authenticate?with=recovery_code"
    empty = person.pages().submit(page, "/authenticate", password=PASSWORD, recovery_code="").expect(422)
    assert "Enter your recovery code." in empty.words
    api.give_recovery_code(code).expect(200)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, person.password).goes_to("/sign-in/code")
    empty = browser.submit("/sign-in/recovery-code", "/sign-in/recovery-code", recovery_code="").expect(422)
    assert "Enter your recovery code." in empty.words


def test_reload_after_the_recovery_code_says_that_the_new_one_was_shown(moving: Service) -> None:
    """Only a signed-in browser sees this; others learn nothing."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, person.password).goes_to("/sign-in/code")
    path, given = "/sign-in/recovery-code", {"recovery_code": person.recovery_code or ""}
    code = browser.submit(path, path, **given).expect(200).recovery_code
    cookies = browser.cookies
    again = browser.post(path, given).expect(410)
    assert "Your recovery code was already shown" in again.words
    assert code not in again.html
    assert browser.cookies == cookies
    assert "set-cookie" not in again.headers
    FormBrowser(moving.url).post(path, given).expect(410)
    browser.post("/sign-out")
    browser.post(path, given).expect(410)


def test_older_recovery_codes_are_rejected(moving: Service) -> None:
    """Of all codes ever shown the newest alone opens (CVE-2022-36071)."""
    person = protected(moving)
    codes = [person.recovery_code or "", person.api.renew_recovery_code()["recovery_code"]]
    person.api.set_policy("disabled").expect(200)
    codes.append(person.api.set_policy("every_log_in")["recovery_code"])
    client = person.half_open()
    for code in codes[:-1]:
        client.give_recovery_code(code).refused(401, "wrong_code")
    client.give_recovery_code(codes[-1]).expect(200)


def test_half_open_sign_in_expires_after_five_minutes(moving: Service) -> None:
    """Afterwards the right code finds nothing, and is not spent by it."""
    person = protected(moving)
    client = person.half_open()
    pass_time(moving, 301)
    code = person.code()
    client.give_code(code).refused(410, "sign_in_expired")
    client.give_recovery_code(person.recovery_code or "").refused(410, "sign_in_expired")
    person.half_open().give_code(code).expect(200)


def test_half_open_sign_in_token_is_rejected_after_it_was_used(moving: Service) -> None:
    """The token becomes invalid once it has led to a session."""
    person = protected(moving)
    client = person.half_open()
    token = client.sign_in_token
    client.give_code(person.code()).expect(200)
    client.sign_in_token = token
    client.give_code(person.code()).refused(410, "sign_in_completed")


def test_concurrent_sign_ins_are_independent(moving: Service) -> None:
    """Two tabs are two sign-ins: starting or finishing one does not affect the other."""
    person = protected(moving)
    first, second = person.half_open(), person.half_open()
    first.give_code(person.code()).expect(200)
    second.give_code(person.code()).expect(200)


def test_changing_credentials_ends_half_open_sign_ins(moving: Service) -> None:
    """A sign-in started with the old password cannot be completed."""
    person = protected(moving)
    client = person.half_open()
    person.api.change_password("lantern-meadow-cobalt-17").expect(204)
    client.give_code(person.code()).refused(410, "sign_in_expired")


def test_cancelling_a_sign_in_invalidates_its_token(moving: Service) -> None:
    """The cookie is deleted, and any copy of the token is rejected."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    token = browser.cookies["twofold_sign_in"]
    browser.submit("/sign-in/code", "/sign-in/cancel").goes_to("/sign-in")
    assert "twofold_sign_in" not in browser.cookies
    client = person.another_browser()
    client.sign_in_token = token
    client.give_code(person.code()).refused(410, "sign_in_expired")


def test_every_step_of_a_sign_in_has_a_new_token(moving: Service) -> None:
    """Nothing that was known before a proof is worth anything after it; what a client made up is never adopted."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    for name in ("twofold_session", "twofold_sign_in", "twofold_browser"):
        browser.keep(name, "chosen-by-a-stranger")
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    half_open = browser.cookies["twofold_sign_in"]
    browser.submit("/sign-in/code", "/sign-in/code", code=person.code()).goes_to("/settings")
    cookies = browser.cookies
    assert "chosen-by-a-stranger" not in cookies.values()
    assert half_open not in cookies.values()
    assert cookies.keys() == {"twofold_session", "twofold_browser"}
    before = cookies["twofold_session"]
    proofs = {"password": PASSWORD, "code": person.code()}
    browser.submit("/authenticate", "/authenticate", **proofs).goes_to("/settings")
    assert browser.cookies["twofold_session"] != before


@pytest.mark.parametrize(
    "target, place", [("/settings/activity", "/settings/activity"), ("//evil.example", "/settings")]
)
def test_sign_in_returns_to_the_requested_page_and_never_to_another_host(
    moving: Service, target: str, place: str
) -> None:
    """Through password and code, and never to another host."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    page = f"/sign-in?return_to={target}"
    asked = browser.submit(page, "/sign-in", email=person.email, password=PASSWORD).goes_to("/sign-in/code")
    browser.submit(asked.location, "/sign-in/code", code=person.code()).goes_to(place)


@pytest.mark.parametrize("email", ["  {} ", "upper"])
def test_email_with_spaces_or_capitals_signs_in(moving: Service, email: str) -> None:
    """Blanks around it and capitals do not matter."""
    person = new_user(moving)
    typed = person.email.upper() if email == "upper" else email.format(person.email)
    person.another_browser().sign_in(typed).expect(200)


def test_wrong_password_and_unknown_email_get_the_same_response(moving: Service) -> None:
    """The same bytes in the API, the same page in the browser."""
    known, unknown = new_user(moving).email, User(moving).email
    answers = [User(moving).api.sign_in(email, "wrong").refused(401, "wrong_credentials") for email in (known, unknown)]
    assert answers[0].text == answers[1].text
    pages = [FormBrowser(moving.url).sign_in(email, "wrong").expect(401) for email in (known, unknown)]
    assert pages[0].html.replace(known, "") == pages[1].html.replace(unknown, "")
    assert not pages[0].headers.get("set-cookie")


def test_password_in_any_unicode_form_signs_in(moving: Service) -> None:
    """Composed or not, full-width or not: the same keys on another keyboard sign in (NFKC)."""
    person = User(moving)
    person.api.sign_up(person.email, "Ångström-lantern-ﬁve-17").expect(201)
    person.another_browser().sign_in(person.email, "A\u030angstro\u0308m-lantern-five-17").expect(200)


def test_sign_in_page_redirects_a_signed_in_browser(moving: Service) -> None:
    """The sign-in page leads to the settings, and the front page to whichever applies."""
    person, nobody = new_user(moving), FormBrowser(moving.url)
    person.pages().get("/sign-in").goes_to("/settings")
    person.pages().get("/").goes_to("/settings")
    nobody.get("/").goes_to("/sign-in")


async def test_username_in_place_of_the_email_is_refused_before_any_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the API and on the page, whether an account has that username or not; an empty field is another matter."""
    sentence = "Use your email address, not your username"
    async with in_process(tmp_path) as browser:
        await browser.post("/sign-up", {"email": "alice@example.org", "password": PASSWORD})
        monkeypatch.setattr(PasswordPool, "turn", None)  # any attempt to hash fails
        for text in ("alice", " alice ", "unknown", "alice.example.org"):
            body = {"email": text, "password": PASSWORD}
            answer = await browser.http.post("/api/v1/sign-in", json=body, headers={"Origin": browser.url})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
            assert sentence in answer.json()["errors"][0]["message"]
            assert sentence in (await browser.post("/sign-in", body)).expect(422).words
        assert (
            "Enter an email address"
            in (await browser.post("/sign-in", {"email": " ", "password": "x"})).expect(422).words
        )
