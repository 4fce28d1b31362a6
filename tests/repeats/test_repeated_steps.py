"""Steps that are sent again because the answer was lost or a button was pressed twice."""

from collections.abc import Callable

import pytest

from tests.audit.test_events import names
from tests.support.clients import PASSWORD, Answer, Api
from tests.support.forms import FormBrowser, PageAnswer
from tests.support.openapi import CheckedApi
from tests.support.service import Service
from tests.support.users import User, new_user, pass_time, protected

SIGN_IN, UNLOCK = "sign-in", "unlock"


class Step:
    """A step with a recovery code that a program sends repeatedly."""

    def __init__(self, kind: str, person: User) -> None:
        self.person, self.code = person, person.recovery_code or ""
        self.kind, self.token = kind, person.api.token
        self.sign_in = person.half_open().sign_in_token if kind == SIGN_IN else None

    def send(self, code: str | None = None, password: str = PASSWORD) -> Answer:
        """Send the step once more."""
        api = CheckedApi(self.person.url)
        if self.kind == SIGN_IN:
            api.sign_in_token = self.sign_in
            return api.give_recovery_code(code or self.code)
        api.token = self.token
        return api.unlock(password, recovery_code=code or self.code)


@pytest.fixture(params=[SIGN_IN, UNLOCK])
def step(request: pytest.FixtureRequest, moving: Service) -> Step:
    """Return a step of a user with a recovery code."""
    return Step(request.param, protected(moving))


def is_valid(step: Step, answer: Answer) -> bool:
    """Return whether the session of an answer is valid. This counts as a use of it."""
    client = Api(step.person.url)
    client.token = answer["session"]["token"]
    return client.session().status == 200


def opens(step: Step, code: str) -> bool:
    """Return whether a recovery code signs in."""
    return step.person.half_open().give_recovery_code(code).status == 200


def test_lost_answer_is_repeated_with_a_new_session_and_code(step: Step) -> None:
    """A step can be repeated three times; only the last answer's session and code are valid."""
    answers = [step.send().expect(200) for _ in range(4)]
    assert len({each["recovery_code"] for each in answers} | {step.code}) == 5
    assert len({each["session"]["token"] for each in answers}) == 4
    step.send().refused(410, "sign_in_completed")
    assert [is_valid(step, each) for each in answers] == [False, False, False, True]
    assert [opens(step, each["recovery_code"]) for each in answers] == [False, False, False, True]


def test_repeat_has_the_proofs_and_end_of_the_first_answer(step: Step) -> None:
    """The new session has the proofs and the end time of the first."""
    step.send().expect(200)
    pass_time(step.person.service, 60)
    again = step.send().expect(200)
    client = Api(step.person.url)
    client.token = again["session"]["token"]
    client.renew_recovery_code().expect(201)
    pass_time(step.person.service, 541)
    client.renew_recovery_code().refused(403, "locked_settings")


def test_repeat_is_recorded_without_another_notice(step: Step) -> None:
    """The owner gets one notice, and sees each repeat in the history."""
    for _ in range(3):
        last = step.send().expect(200)
    step.person.api.token = last["session"]["token"]
    found = names(step.person)
    assert found.count("recovery_code_repeated done") == 2
    assert found.count("recovery_code:used done") == 1
    assert found.count("computer:new done") == 0


def renew_code(session: Api, _person: User) -> None:
    """Create a new code with the session of the first answer."""
    session.renew_recovery_code().expect(201)


def end(session: Api, _person: User) -> None:
    """Sign out of the session of the first answer."""
    session.sign_out().expect(204)


def check_session(session: Api, _person: User) -> None:
    """Use the session of the first answer to see who is signed in."""
    session.session().expect(200)


def open_a_page(session: Api, person: User) -> None:
    """Open the settings with the session of the first answer."""
    FormBrowser(person.url, session=session.token).get("/settings").expect(200)


def open_the_front_page(session: Api, person: User) -> None:
    """Open the front page with the session of the first answer."""
    FormBrowser(person.url, session=session.token).get("/").goes_to("/settings")


def be_signed_out(_session: Api, person: User) -> None:
    """Let an administrator sign the user out."""
    assert person.service.command("account", "sign-out", person.email).returncode == 0


def be_reset(_session: Api, person: User) -> None:
    """Let an administrator remove the second factor."""
    assert person.service.command("account", "reset-2fa", person.email).returncode == 0


USES: list[Callable[[Api, User], None]] = [
    renew_code,
    end,
    check_session,
    open_a_page,
    open_the_front_page,
    be_signed_out,
    be_reset,
]


@pytest.mark.parametrize("use", USES)
def test_answer_that_was_used_is_not_repeated(step: Step, use: Callable[[Api, User], None]) -> None:
    """The repeat is refused once its session was used, ended or changed, and changes nothing."""
    first = step.send().expect(200)
    session = Api(step.person.url)
    session.token = first["session"]["token"]
    use(session, step.person)
    step.send().refused(410, "sign_in_completed")


def test_repeat_is_refused_after_two_minutes(step: Step) -> None:
    """The only answer's code is valid then, and the old token of an unlock is forgotten."""
    first = step.send().expect(200)
    pass_time(step.person.service, 121)
    if step.kind == SIGN_IN:
        step.send().refused(410, "sign_in_completed")
    else:
        step.send().refused(401, "not_signed_in")
    assert is_valid(step, first)
    assert opens(step, first["recovery_code"])


def test_repeat_with_another_code_is_refused(step: Step) -> None:
    """Neither a random code nor the code of the answer repeats a step, and the answer stays valid."""
    first = step.send().expect(200)
    for code in ("A" * 25, first["recovery_code"]):
        step.send(code).refused(410, "sign_in_completed")
    assert is_valid(step, first)


def test_used_code_is_refused_in_another_sign_in(step: Step) -> None:
    """Another sign-in of the same account cannot use the code."""
    step.send().expect(200)
    step.person.half_open().give_recovery_code(step.code).refused(401, "wrong_code")


def test_repeated_unlock_needs_the_right_password(moving: Service) -> None:
    """The old token and the code are not enough without the password, and each wrong password is counted."""
    step = Step(UNLOCK, protected(moving))
    step.send().expect(200)
    step.send(password="not the password").refused(401, "wrong_credentials")
    step.send().expect(200)


def test_old_token_of_an_unlock_opens_nothing_else(moving: Service) -> None:
    """It opens no page, call or sign-in."""
    step = Step(UNLOCK, protected(moving))
    step.send().expect(200)
    client = Api(moving.url)
    client.token = step.token
    client.session().refused(401, "not_signed_in")
    client.renew_recovery_code().refused(401, "not_signed_in")
    client.call("POST", "/session/unlock/send", {"factor_id": step.person.factor_id}).refused(401, "not_signed_in")
    client.sign_in_token = step.token
    client.give_recovery_code(step.code).refused(410, "sign_in_expired")
    FormBrowser(moving.url, session=step.token).get("/settings").goes_to("/sign-in")
    step.send().expect(200)


def test_other_completed_step_sent_again_gets_sign_in_completed(moving: Service) -> None:
    """At every sign-in call and the unlock, a code of the app sent again gets this answer, never "expired"."""
    person = protected(moving)
    client = person.half_open()
    token = client.sign_in_token
    client.give_code(person.code()).expect(200)
    pass_time(moving, 3600)
    again = person.another_browser()
    again.sign_in_token = token
    again.give_code(person.code()).refused(410, "sign_in_completed")
    again.give_recovery_code(person.recovery_code or "").refused(410, "sign_in_completed")
    again.send_code(person.factor_id or "").refused(410, "sign_in_completed")
    person.sign_in()
    old, code = person.api.token, person.code()
    person.api.unlock(PASSWORD, code=code).expect(200)
    new, person.api.token = person.api.token, old
    person.api.unlock(PASSWORD, code=code).refused(410, "sign_in_completed")
    pass_time(moving, 121)
    person.api.unlock(PASSWORD, code=code).refused(401, "not_signed_in")
    person.api.token = new
    person.api.session().expect(200)


def test_password_unlock_sent_again_gets_sign_in_completed(moving: Service) -> None:
    """Without 2FA, there is nothing to repeat."""
    person = new_user(moving)
    old = person.api.token
    person.api.unlock(PASSWORD).expect(200)
    person.api.token = old
    person.api.unlock(PASSWORD).refused(410, "sign_in_completed")


# ------------------------------------------------------------------ pages


def press_twice(browser: FormBrowser, shown: PageAnswer, action: str, **fields: str) -> PageAnswer:
    """Press the button of a form, lose the answer with all its cookies, and press it again."""
    kept = dict(browser.cookies)
    first = browser.send(shown, action, **fields)
    assert first.status in (200, 303), str(first)
    browser.http.cookies.clear()
    for name, value in kept.items():
        browser.keep(name, value)
    return browser.send(shown, action, **fields)


def test_sign_in_button_pressed_twice_shows_a_valid_code(moving: Service) -> None:
    """The page shown has the only valid code and session."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    path = "/sign-in/recovery-code"
    shown = press_twice(browser, browser.get(path), path, recovery_code=person.recovery_code or "").expect(200)
    assert "You are signed in" in shown.words
    browser.send(shown, "/settings/recovery-code/saved", saved="yes").goes_to("/settings")
    assert len(person.half_open().give_recovery_code(shown.recovery_code).expect(200)["recovery_code"]) == 29


def test_authenticate_button_pressed_twice_shows_a_valid_code(moving: Service) -> None:
    """The browser still sends the session's old cookie."""
    person = protected(moving)
    page = person.pages().get("/authenticate?with=recovery_code")
    browser, path = person.pages(), "/authenticate"
    given = {"password": PASSWORD, "recovery_code": person.recovery_code or ""}
    shown = press_twice(browser, page, path, **given).expect(200)
    assert "Save your recovery code" in shown.words
    browser.send(shown, "/settings/recovery-code/saved", saved="yes").goes_to("/settings")
    person.half_open().give_recovery_code(shown.recovery_code).expect(200)


@pytest.mark.parametrize("path", ["/sign-in/code", "/authenticate"])
def test_code_submitted_twice_says_that_it_was_sent_twice(moving: Service, path: str) -> None:
    """The page does not say "expired", and links to the settings."""
    person = protected(moving)
    browser = person.pages()
    if path == "/sign-in/code":
        browser = FormBrowser(moving.url)
        browser.sign_in(person.email, PASSWORD).goes_to(path)
    fields = {"code": person.code()} | ({"password": PASSWORD} if path == "/authenticate" else {})
    again = press_twice(browser, browser.get(path), path, **fields).expect(410)
    assert "You are already signed in, or this was sent twice" in again.words
    assert "expired" not in again.words
    assert 'href="/settings"' in again.html


def test_signed_in_user_is_redirected_from_sign_in_pages(moving: Service) -> None:
    """This covers the Back button, and a form sent again after its answer arrived."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    page, code = browser.get("/sign-in/code"), person.code()
    browser.send(page, "/sign-in/code", code=code).goes_to("/settings")
    browser.get("/sign-in/code").goes_to("/settings")
    browser.get("/sign-in/recovery-code").goes_to("/settings")
    again = browser.send(page, "/sign-in/code", code=code).expect(410)
    assert "You are already signed in, or this was sent twice" in again.words
