"""Signing in over HTTP: what each proof gives, how long the half-open state lives, and what it is worth."""

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.residents import Resident, pass_time, protected, resident
from tests.service import Service


def test_without_2fa_the_password_signs_in_and_unlocks(moving: Service) -> None:
    """Every proof that there is was given now."""
    person = resident(moving)
    answer = person.api.sign_in(person.email).must(200)
    assert answer.body.keys() == {"status", "session"}
    session = person.api.session()
    assert (session["methods"], session["trusted_computer"]) == (["password"], False)
    assert session["unlocked_until"] is not None


def test_with_2fa_the_password_gives_a_half_open_sign_in(moving: Service) -> None:
    """The answer names the methods and nothing of the account."""
    person = protected(moving)
    answer = person.another_browser().sign_in(person.email).must(200)
    assert answer.body.keys() == {"status", "sign_in", "expires_at", "factors", "default_factor_id", "may_trust"}
    assert answer["status"] == "code_required"
    assert answer["factors"] == [{"id": person.factor_id, "kind": "totp", "name": "Authenticator app", "hint": ""}]
    assert answer["default_factor_id"] == person.factor_id
    assert answer["may_trust"] is False


@pytest.mark.parametrize("policy, offered", [("once_per_computer", True), ("every_log_in", False)])
def test_trust_is_offered_where_the_policy_knows_it(moving: Service, policy: str, offered: bool) -> None:  # noqa: FBT001
    """Under Every log-in there is no checkbox, and asking for trust all the same gives none."""
    person = protected(moving, policy)
    client = person.another_browser()
    assert client.sign_in(person.email)["may_trust"] is offered
    signed_in = client.give_code(person.code(), trust_this_computer=True).must(200)
    assert ("trusted_computer" in signed_in.body) is offered
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD)
    form = browser.get("/sign-in/code").form("/sign-in/code")
    assert ("trust_this_computer" in form.fields) is offered
    assert form.fields.get("trust_this_computer", "") == ""


def test_a_code_signs_in_and_unlocks(moving: Service) -> None:
    """A full sign-in opens the settings for ten minutes."""
    person = protected(moving)
    answer = person.half_open(person.api).give_code(person.code()).must(200)
    assert answer["status"] == "signed_in"
    session = person.api.session()
    assert session["methods"] == ["password", "totp"]
    assert session["unlocked_until"] is not None
    person.api.renew_recovery_code().must(201)
    pass_time(moving, 601)
    assert person.api.session()["unlocked_until"] is None
    person.api.renew_recovery_code().refused(403, "locked_settings")


def test_the_recovery_code_signs_in_unlocks_and_is_replaced(moving: Service) -> None:
    """Once, however it is typed; the answer has the next one; the app stays, for who keeps it."""
    person = protected(moving)
    typed = (person.recovery_code or "").lower().replace("-", " ")
    answer = person.half_open(person.api).give_recovery_code(typed).must(200)
    session = person.api.session()
    assert session["methods"] == ["password", "recovery_code"]
    assert session["unlocked_until"] is not None
    assert answer["recovery_code"] != person.recovery_code
    person.half_open().give_recovery_code(person.recovery_code or "").refused(401, "wrong_code")
    person.half_open().give_code(person.code()).must(200)


def test_half_a_recovery_code_costs_no_try(moving: Service) -> None:
    """What cannot be one is told by its field, however often, at every door; then the right one is taken."""
    person = protected(moving)
    code, api = person.recovery_code or "", person.half_open()
    for text in ["", "-", code[:-1], *[code + "A"] * 9]:
        for answer in (api.give_recovery_code(text), person.api.unlock(recovery_code=text)):
            refused = answer.refused(422, "invalid_request")
            assert [error["field"] for error in refused["errors"]] == ["recovery_code"]
    page = "/authenticate?with=recovery_code"
    empty = person.pages().submit(page, "/authenticate", password=PASSWORD, recovery_code="").must(422)
    assert "Enter your recovery code." in empty.words
    api.give_recovery_code(code).must(200)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, person.password).goes_to("/sign-in/code")
    empty = browser.submit("/sign-in/recovery-code", "/sign-in/recovery-code", recovery_code="").must(422)
    assert "Enter your recovery code." in empty.words


def test_a_reload_after_the_recovery_code_says_that_the_new_one_was_shown(moving: Service) -> None:
    """Whoever has a session is not told that there is no sign-in; nobody else learns anything."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, person.password).goes_to("/sign-in/code")
    path, given = "/sign-in/recovery-code", {"recovery_code": person.recovery_code or ""}
    code = browser.submit(path, path, **given).must(200).recovery_code
    cookies = browser.cookies
    again = browser.post(path, given).must(410)
    assert "Your recovery code was shown already" in again.words
    assert code not in again.html
    assert browser.cookies == cookies
    assert "set-cookie" not in again.headers
    FormBrowser(moving.url).post(path, given).must(410)
    browser.post("/sign-out")
    browser.post(path, given).must(410)


def test_older_recovery_codes_stay_dead(moving: Service) -> None:
    """Of all codes ever shown the newest alone opens (CVE-2022-36071)."""
    person = protected(moving)
    codes = [person.recovery_code or "", person.api.renew_recovery_code()["recovery_code"]]
    person.api.set_policy("disabled").must(200)
    codes.append(person.api.set_policy("every_log_in")["recovery_code"])
    client = person.half_open()
    for code in codes[:-1]:
        client.give_recovery_code(code).refused(401, "wrong_code")
    client.give_recovery_code(codes[-1]).must(200)


def test_a_half_open_sign_in_lives_five_minutes(moving: Service) -> None:
    """Afterwards the right code finds nothing, and is not spent by it."""
    person = protected(moving)
    client = person.half_open()
    pass_time(moving, 301)
    code = person.code()
    client.give_code(code).refused(410, "sign_in_expired")
    client.give_recovery_code(person.recovery_code or "").refused(410, "sign_in_expired")
    person.half_open().give_code(code).must(200)


def test_a_half_open_sign_in_is_good_once(moving: Service) -> None:
    """Its token is dead when it has led to a session."""
    person = protected(moving)
    client = person.half_open()
    token = client.sign_in_token
    client.give_code(person.code()).must(200)
    client.sign_in_token = token
    client.give_code(person.code()).refused(410, "sign_in_expired")


def test_sign_ins_do_not_help_each_other(moving: Service) -> None:
    """Two tabs are two sign-ins: a new one ends no other, and one that is used up says nothing to the other."""
    person = protected(moving)
    first, second = person.half_open(), person.half_open()
    first.give_code(person.code()).must(200)
    second.give_code(person.code()).must(200)


def test_a_change_of_credentials_ends_half_open_sign_ins(moving: Service) -> None:
    """Whoever knows the old password gets no further once it is changed."""
    person = protected(moving)
    client = person.half_open()
    person.api.change_password("lantern-meadow-cobalt-17").must(204)
    client.give_code(person.code()).refused(410, "sign_in_expired")


def test_cancelling_ends_a_sign_in(moving: Service) -> None:
    """The cookie goes, and the token is dead wherever it was copied to."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    token = browser.cookies["twofold_sign_in"]
    browser.submit("/sign-in/code", "/sign-in/cancel").goes_to("/sign-in")
    assert "twofold_sign_in" not in browser.cookies
    client = person.another_browser()
    client.sign_in_token = token
    client.give_code(person.code()).refused(410, "sign_in_expired")


def test_every_step_has_a_token_of_its_own(moving: Service) -> None:
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
def test_a_sign_in_returns_to_where_one_wanted_to_go(moving: Service, target: str, place: str) -> None:
    """Through password and code, and never to another host."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    page = f"/sign-in?return_to={target}"
    asked = browser.submit(page, "/sign-in", email=person.email, password=PASSWORD).goes_to("/sign-in/code")
    browser.submit(asked.location, "/sign-in/code", code=person.code()).goes_to(place)


@pytest.mark.parametrize("email", ["  {} ", "upper"])
def test_an_address_is_read_as_people_type_it(moving: Service, email: str) -> None:
    """Blanks around it and capitals do not matter."""
    person = resident(moving)
    typed = person.email.upper() if email == "upper" else email.format(person.email)
    person.another_browser().sign_in(typed).must(200)


def test_a_wrong_password_and_an_unknown_address_are_told_alike(moving: Service) -> None:
    """The same bytes in the API, the same page in the browser."""
    known, unknown = resident(moving).email, Resident(moving).email
    answers = [
        Resident(moving).api.sign_in(email, "wrong").refused(401, "wrong_credentials") for email in (known, unknown)
    ]
    assert answers[0].text == answers[1].text
    pages = [FormBrowser(moving.url).sign_in(email, "wrong").must(401) for email in (known, unknown)]
    assert pages[0].html.replace(known, "") == pages[1].html.replace(unknown, "")
    assert not pages[0].headers.get("set-cookie")


def test_a_password_is_taken_in_any_of_its_spellings(moving: Service) -> None:
    """Composed or not, full-width or not: the same keys on another keyboard sign in (NFKC)."""
    person = Resident(moving)
    person.api.sign_up(person.email, "Ångström-lantern-ﬁve-17").must(201)
    person.another_browser().sign_in(person.email, "A\u030angstro\u0308m-lantern-five-17").must(200)


def test_who_is_signed_in_need_not_sign_in(moving: Service) -> None:
    """The door leads on to the settings, and the front page leads to the right one of both."""
    person, nobody = resident(moving), FormBrowser(moving.url)
    person.pages().get("/sign-in").goes_to("/settings")
    person.pages().get("/").goes_to("/settings")
    nobody.get("/").goes_to("/sign-in")
