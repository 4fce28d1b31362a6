"""Codes by text message and voice call.

Numbers are verified, codes work once, and answers reveal no more than needed.
"""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.authenticator import Authenticator
from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.phones import Phone, phone_user
from tests.support.service import Service
from tests.support.users import HOUR, new_user, pass_time, protected

KINDS = ["sms", "voice"]
FIVE_MINUTES = 300


# ------------------------------------------------------------------ enrolment


@pytest.mark.parametrize("kind", KINDS)
def test_number_is_verified_by_its_code(calling: Service, kind: str) -> None:
    """Starting sends a code but turns nothing on; verifying activates 2FA and shows a recovery code (G04)."""
    person, phone = new_user(calling), Phone(calling.url)
    begun = person.api.begin_phone(kind, phone.number).expect(201)
    assert (begun["kind"], begun["status"], begun["hint"]) == (kind, "unverified", phone.number[-2:])
    assert "secret" not in begun.body
    assert [message["channel"] for message in phone.messages()] == [kind]
    assert not person.shown()["active"]
    assert person.another_browser().sign_in(person.email).expect(200)["status"] == "signed_in"
    verified = person.api.verify(begun["id"], phone.code()).expect(200)
    assert re.fullmatch(r"([A-Z2-9]{5}-?){5}", verified["recovery_code"])
    shown = person.shown()
    assert (shown["active"], shown["policy"], shown["default_factor_id"]) == (True, "every_log_in", begun["id"])


def test_every_added_number_replaces_the_recovery_code(calling: Service) -> None:
    """The old recovery code is invalid after a second phone, or a phone beside an app."""
    person = phone_user(calling)
    first = person.recovery_code or ""
    second = person.enable_phone("voice")
    assert second != first
    person.half_open().give_recovery_code(first).refused(401, "wrong_code")
    person.half_open().give_recovery_code(second).expect(200)


def test_wrong_codes_are_counted_per_enrolment_through_resends_and_changes(calling: Service) -> None:
    """A number has five tries, across resends and changes of method, and the account loses none."""
    person, phone = protected(calling), Phone(calling.url)
    begun = person.api.begin_phone("sms", phone.number).expect(201)["id"]
    left = []
    for turn in range(5):
        if turn:
            pass_time(calling, HOUR // 6)
            person.unlock()
            kind = {"kind": KINDS[turn % 2]}
            person.pages().post(f"/settings/factors/{begun}/send", kind).goes_to(f"/settings/factors/{begun}")
        left.append(person.api.verify(begun, phone.wrong_code()).refused(401, "wrong_code")["attempts_left"])
    assert left == [4, 3, 2, 1, 0]
    person.api.verify(begun, phone.code()).refused(404, "not_found")
    assert person.half_open().give_code(person.wrong_code())["attempts_left"] == 4


def test_method_of_a_number_can_change_during_enrolment(calling: Service) -> None:
    """During verification, the user changes from text to call; the number stays, and the factor becomes a call."""
    person, phone = new_user(calling), Phone(calling.url)
    begun = person.api.begin_phone("sms", phone.number).expect(201)["id"]
    by_text = phone.code()
    pass_time(calling, 31)
    browser = person.pages()
    page = browser.get(f"/settings/factors/{begun}").expect(200)
    assert "Get a voice call instead" in page.words
    browser.send(page, f"/settings/factors/{begun}/send", kind="voice").goes_to(f"/settings/factors/{begun}")
    assert phone.messages()[-1]["channel"] == "voice"
    person.api.verify(begun, by_text).refused(401, "wrong_code")
    assert person.api.verify(begun, phone.code()).expect(200)["factor"]["kind"] == "voice"


def test_number_is_replaced_after_another_is_verified(calling: Service) -> None:
    """The old number works until then, gets a notice that it was removed, and gets no more codes (G04)."""
    person = phone_user(calling)
    old, old_id = person.phone, person.phone_id
    new = Phone(calling.url)
    begun = person.api.begin_phone("sms", new.number, replaces=old_id).expect(201)["id"]
    half_open = person.half_open()
    half_open.send_code(old_id).expect(202)
    half_open.give_code(old.code()).expect(200)
    recovery_code = person.recovery_code
    verified = person.api.verify(begun, new.code()).expect(200)
    assert verified["recovery_code"] != recovery_code
    assert [each["id"] for each in person.shown()["factors"]] == [begun]
    notice = old.waits_for("no longer gets codes")
    assert (notice["channel"], new.number in notice["text"]) == ("sms", False)
    person.half_open().send_code(old_id).refused(422, "invalid_request")


def test_changing_a_number_needs_unlocked_settings(calling: Service) -> None:
    """With locked settings, no number is added, verified or sent a code, by calls or pages (G04)."""
    person, phone = phone_user(calling), Phone(calling.url)
    begun = person.api.begin_phone("sms", phone.number, replaces=person.phone_id).expect(201)["id"]
    pass_time(calling, 601)
    person.api.begin_phone("voice", Phone(calling.url).number).refused(403, "locked_settings")
    person.api.verify(begun, phone.code()).refused(403, "locked_settings")
    person.api.send_again(begun).refused(403, "locked_settings")
    person.pages().get("/settings/factors/new?kind=sms").goes_to("/authenticate")
    person.pages().post("/settings/factors/new", {"kind": "sms", "phone": phone.number}).goes_to("/authenticate")


@pytest.mark.parametrize("kind", KINDS)
def test_removed_number_gets_a_notice(calling: Service, kind: str) -> None:
    """The removed number gets a notice; an abandoned enrolment sends none."""
    person = phone_user(calling, kind)
    given_up = Phone(calling.url)
    person.api.remove_factor(person.api.begin_phone(kind, given_up.number).expect(201)["id"]).expect(204)
    person.api.remove_factor(person.phone_id).expect(204)
    assert person.phone.waits_for("no longer gets codes")["channel"] == kind
    assert len(given_up.messages()) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [2, 3, 5])
def test_removal_notices_are_sent_within_the_budget(kind: str, budget: int, tmp_path: Path) -> None:
    """Each added number takes two messages of the day's budget: its code, and the notice of its removal."""
    with Service(tmp_path, settings={"send_budget": str(budget)}) as service:
        person, bound = new_user(service), []
        for _ in range(budget):
            phone = Phone(service.url)
            begun = person.api.begin_phone(kind, phone.number)
            if begun.status != 201:
                begun.refused(503, "cannot_send")
                break
            verified = person.api.verify(begun["id"], phone.code()).expect(200)
            person.recovery_code = verified.get("recovery_code") or person.recovery_code
            bound.append((phone, begun["id"]))
        assert len(bound) == budget // 2
        half_open = person.half_open()
        outcomes = [half_open.send_code(factor).status for _, factor in bound]
        assert outcomes.count(202) == budget % 2  # what is reserved is not spent on codes
        for phone, factor in bound:
            person.api.remove_factor(factor).expect(204)
            assert phone.waits_for("no longer gets codes")["channel"] == kind
        assert sum(len(phone.messages()) for phone, _ in bound) == budget


@pytest.mark.parametrize(
    "body, field",
    [
        ({"kind": "sms"}, "phone"),
        ({"kind": "sms", "phone": "call me"}, "phone"),
        ({"kind": "voice", "phone": "0800 123"}, "phone"),
        ({"kind": "sms", "phone": "+15551234567", "country": "Narnia"}, "country"),
        ({"kind": "totp", "phone": "+15551234567"}, "phone"),
        ({"kind": "totp", "country": "US"}, "country"),
    ],
)
def test_invalid_number_is_refused_on_its_field(calling: Service, body: dict[str, str], field: str) -> None:
    """The answer is a 422 with field and what to do, and nothing is sent."""
    refused = new_user(calling).api.call("POST", "/factors", body).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == [field]


def test_number_in_national_form_is_accepted(calling: Service) -> None:
    """The national form of a given country is accepted, with the usual separators."""
    person, phone = new_user(calling), Phone(calling.url)
    national = phone.number.removeprefix("+1")
    written = f"({national[:3]}) {national[3:6]}-{national[6:]}"
    begun = person.api.begin_phone("sms", written, country="US").expect(201)
    person.api.verify(begun["id"], phone.code()).expect(200)


# ------------------------------------------------------------------ signing in


@pytest.mark.parametrize("kind", KINDS)
def test_sent_code_signs_in_once(calling: Service, kind: str) -> None:
    """A code is sent, arrives and signs in; the same code is refused in this sign-in and in another (A09)."""
    person = phone_user(calling, kind)
    api = person.half_open()
    sent = api.send_code(person.phone_id).expect(202)
    assert sent["resend_after"] < sent["expires_at"]
    token, code = api.sign_in_token, person.phone.code()
    api.give_code(code).expect(200)
    assert api.session()["methods"] == ["password", kind]
    api.sign_in_token = token
    api.give_code(code).refused(410, "sign_in_completed")
    person.half_open().give_code(code).refused(401, "wrong_code")


def test_code_is_refused_after_five_minutes_or_in_another_sign_in(calling: Service) -> None:
    """A late code, one of an earlier challenge or one of an enrolment is wrong, and the error says what to do (G01)."""
    person = phone_user(calling)
    first, second = person.half_open(), person.half_open()
    first.send_code(person.phone_id).expect(202)
    of_first = person.phone.code()
    refused = second.give_code(of_first).refused(401, "wrong_code")
    assert "ask for a new code" in refused["detail"]
    first.give_code(of_first).expect(200)
    begun = person.api.begin_phone("sms", person.phone.number, name="Again").expect(201)["id"]
    second.give_code(person.phone.code()).refused(401, "wrong_code")
    person.api.verify(begun, person.phone.code()).expect(200)


def test_unlock_code_expires_after_five_minutes(calling: Service) -> None:
    """After five minutes, the code no longer unlocks, though its session is still valid (G01)."""
    person = phone_user(calling)
    person.api.send_unlock_code(person.phone_id).expect(202)
    code = person.phone.code()
    pass_time(calling, FIVE_MINUTES)
    person.api.unlock(code=code).refused(401, "wrong_code")
    person.api.send_unlock_code(person.phone_id).expect(202)
    person.api.unlock(code=person.phone.code()).expect(200)


def test_new_code_replaces_the_old_and_keeps_failures(calling: Service) -> None:
    """Resending makes waits longer, only the newest code works, and failures stay counted (G02)."""
    person = phone_user(calling)
    api = person.half_open()
    api.send_code(person.phone_id).expect(202)
    first = person.phone.code()
    assert api.give_code(person.phone.wrong_code()).refused(401, "wrong_code")["attempts_left"] == 4
    at_once = api.send_code(person.phone_id).refused(429, "too_many_attempts")
    assert 0 < int(at_once.headers["retry-after"]) <= 30
    assert len(person.phone.messages()) == 2
    pass_time(calling, 31)
    api.send_code(person.phone_id).expect(202)
    if first != person.phone.code():
        assert api.give_code(first).refused(401, "wrong_code")["attempts_left"] == 3
    longer = api.send_code(person.phone_id).refused(429, "too_many_attempts")
    assert int(longer.headers["retry-after"]) > 30
    api.give_code(person.phone.code()).expect(200)


def test_all_methods_share_one_count(calling: Service) -> None:
    """After five wrong codes of apps, texts, calls and recovery, with resends between, nothing is compared (B05)."""
    person = phone_user(calling)
    person.enable_phone("voice")
    phones = {each["kind"]: each["id"] for each in person.shown()["factors"]}
    person.enable_totp()
    left = []
    for turn in range(5):
        api = person.half_open()
        if turn % 2 == 0:
            pass_time(calling, 61)
            api.send_code(phones[KINDS[turn // 2 % 2]]).expect(202)
        answer = api.give_recovery_code("A" * 25) if turn == 3 else api.give_code(person.phone.wrong_code())
        left.append(answer.refused(401, "wrong_code")["attempts_left"])
    assert left == [4, 3, 2, 1, 0]
    api = person.half_open()
    api.send_code(phones["sms"]).refused(429, "too_many_attempts")
    api.give_code(person.phone.code()).refused(429, "too_many_attempts")
    api.give_code(person.code()).refused(429, "too_many_attempts")


def test_any_verified_method_can_be_used(calling: Service) -> None:
    """A code of the app works whatever was sent last; with a `factor_id`, the code must belong to it."""
    person = phone_user(calling)
    person.enable_totp()
    app_id = person.factor_id or ""
    api = person.half_open()
    api.send_code(person.phone_id).expect(202)
    api.give_code(person.phone.code(), factor_id=app_id).refused(401, "wrong_code")
    api.give_code(person.phone.code(), factor_id=person.phone_id).expect(200)
    api = person.half_open()
    pass_time(calling, 61)
    api.send_code(person.phone_id).expect(202)
    api.give_code(person.code()).expect(200)


def test_codes_are_sent_only_to_own_verified_phones(calling: Service) -> None:
    """An app, an unverified number or another account's factor is refused on the field, and nothing is sent (G06)."""
    person, other = phone_user(calling), phone_user(calling)
    person.enable_totp()
    pending = Phone(calling.url)
    begun = person.api.begin_phone("voice", pending.number).expect(201)["id"]
    for factor_id in (person.factor_id or "", begun, other.phone_id, "nobody"):
        for send in (person.half_open().send_code, person.api.send_unlock_code):
            refused = send(factor_id).refused(422, "invalid_request")
            assert [error["field"] for error in refused["errors"]] == ["factor_id"]
    assert (len(pending.messages()), len(other.phone.messages())) == (1, 1)
    other.api.send_again(begun).refused(404, "not_found")


def test_sent_code_unlocks_its_own_session(calling: Service) -> None:
    """Only the session that requested the code is unlocked, not another one of the same person."""
    person = phone_user(calling)
    other = person.half_open()
    other.send_code(person.phone_id).expect(202)
    other.give_code(person.phone.code()).expect(200)
    person.api.send_unlock_code(person.phone_id).expect(202)
    code = person.phone.code()
    other.unlock(PASSWORD, code=code).refused(401, "wrong_code")
    person.api.unlock(PASSWORD, code=code).expect(200)
    person.api.unlock(PASSWORD, code=code).refused(401, "code_already_used")


def test_method_is_remembered_when_2fa_is_off(calling: Service) -> None:
    """When 2FA is turned off and on again, the phone is still the default, without another verification."""
    person = phone_user(calling)
    person.enable_totp()
    person.api.set_policy("disabled").expect(200)
    person.api.set_policy("every_log_in").expect(200)
    person.half_open().send_code(person.phone_id).expect(202)
    assert person.shown()["default_factor_id"] == person.phone_id


# ------------------------------------------------------------------ what answers reveal


def test_no_answer_contains_number_or_code(calling: Service) -> None:
    """Pages and answers contain at most the last two digits, and never the code (G02)."""
    person = phone_user(calling)
    number = person.phone.number
    seen = [person.shown().text, person.api.events().text, person.api.session().text]
    begun = person.api.begin_phone("sms", number).expect(201)
    seen += [begun.text, person.api.send_again(begun["id"]).text, person.api.verify(begun["id"], "000000").text]
    api = person.half_open()
    sent = api.send_code(person.phone_id)
    seen += [sent.text, api.send_code(person.phone_id).text]
    code = person.phone.code()
    pages, door = person.pages(), FormBrowser(calling.url)
    door.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    for path in ("/settings", "/settings/activity", "/authenticate", f"/settings/factors/{begun['id']}"):
        seen.append(pages.get(path).expect(200).html)
    seen.append(pages.get(f"/settings/factors/new?kind=sms&replaces={person.phone_id}").expect(200).html)
    seen.append(door.get("/sign-in/code").expect(200).html)
    assert f"ending in {number[-2:]}" in seen[-1]
    digits = number.removeprefix("+1")
    for text in seen:
        plain = re.sub(r"[\s()\-]", "", text)
        assert digits not in plain
        assert digits[3:] not in plain
        assert code not in text
    assert digits not in calling.whole_output()
    assert code not in calling.whole_output()


# ------------------------------------------------------------------ pages


@pytest.mark.parametrize("kind", KINDS)
def test_sign_in_sends_one_code_at_once(calling: Service, kind: str) -> None:
    """After the password, one code is sent; reloading the page sends no other."""
    person = phone_user(calling, kind)
    browser = FormBrowser(calling.url)
    browser.submit("/sign-in", "/sign-in", email=person.email, password=PASSWORD).goes_to("/sign-in/code")
    for _ in range(3):
        shown = browser.get("/sign-in/code").expect(200)
        assert f"the number ending in {person.phone.number[-2:]}" in shown.words
        assert "You can ask for another code from" in shown.words
    assert len(person.phone.messages()) == 2
    browser.submit("/sign-in/code", "/sign-in/code", code=person.phone.code()).goes_to("/settings")


def test_sign_in_page_says_when_a_code_was_not_sent(calling: Service) -> None:
    """Signing in again at once sends nothing; the page says so and offers the other methods."""
    person = phone_user(calling)
    person.enable_totp()
    for sent in (1, 0):
        browser = FormBrowser(calling.url)
        location = browser.submit("/sign-in", "/sign-in", email=person.email, password=PASSWORD).location
        shown = browser.get(location).expect(200)
        assert ("We could not send a code" in shown.words) is (sent == 0)
        assert ("We sent a text message" in shown.words) is (sent == 1)
    assert "Authenticator app" in shown.words
    early = browser.send(shown, "/sign-in/code/send", factor_id=person.phone_id).expect(429)
    assert "You can ask for another" in early.words
    browser.submit("/sign-in/code?with=app", "/sign-in/code", code=person.code()).goes_to("/settings")


def test_wrong_code_keeps_the_chosen_method(calling: Service) -> None:
    """After a refused code, the page still asks for the app that the user chose."""
    person = phone_user(calling)
    person.enable_totp()
    browser = FormBrowser(calling.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    page = browser.get("/sign-in/code?with=app").expect(200)
    refused = browser.send(page, "/sign-in/code", code=person.wrong_code()).expect(401)
    for shown in (page, refused):
        assert "Enter the 6-digit code from your authenticator app." in shown.words


def test_authenticate_sends_a_code_on_request_only(calling: Service) -> None:
    """The page unlocks with the password and a code sent by a button; opening the page sends none."""
    person = phone_user(calling)
    browser = person.pages()
    shown = browser.get("/authenticate").expect(200)
    assert len(person.phone.messages()) == 1
    browser.send(shown, "/authenticate/send").goes_to("/authenticate")
    code = person.phone.code()
    browser.submit("/authenticate", "/authenticate", password=PASSWORD, code=code).goes_to("/settings")


def test_choosing_text_messages_leads_to_the_number(calling: Service) -> None:
    """Choosing "Text message" leads to the number, then its code, then the recovery code."""
    person, phone = new_user(calling), Phone(calling.url)
    browser = person.pages()
    number_page = (
        browser.submit("/settings", "/settings/method", method="sms").goes_to("/settings/factors/new").location
    )
    wrong = browser.submit(number_page, "/settings/factors/new", phone="12").expect(422)
    assert "Get codes by text message" in wrong.words
    code_page = browser.send(wrong, "/settings/factors/new", phone=phone.number).location
    shown = browser.submit(code_page, f"{code_page}/verify", code=phone.code()).expect(200)
    assert shown.recovery_code
    assert "earlier recovery code" not in shown.words
    assert f"number ending in {phone.number[-2:]}" in browser.get("/settings").words


@pytest.mark.parametrize("kind", KINDS)
def test_chosen_phone_becomes_the_default_after_set_up(calling: Service, kind: str) -> None:
    """The user changes from the app to a phone, with a wrong number, a wrong code and a second message on the way."""
    person, phone = protected(calling), Phone(calling.url)
    app, other = person.shown()["default_factor_id"], person.another_browser()
    person.sign_in(other)
    browser = person.pages()
    number_page = browser.submit("/settings", "/settings/method", method=kind).location
    wrong = browser.submit(number_page, "/settings/factors/new", phone="12").expect(422)
    code_page = browser.send(wrong, "/settings/factors/new", phone=phone.number).location
    at = code_page.partition("?")[0]
    pass_time(calling, 60)
    sent_again = browser.submit(code_page, f"{at}/send").goes_to(at).location
    wrong = browser.submit(sent_again, f"{at}/verify", code=phone.wrong_code()).expect(401)
    assert person.shown()["default_factor_id"] == app
    shown = browser.send(wrong, f"{at}/verify", code=phone.code()).expect(200)
    assert shown.recovery_code != person.recovery_code
    assert "Your earlier recovery code no longer works." in shown.words
    assert person.shown()["default_factor_id"] == at.rpartition("/")[2]
    other.session().refused(401, "not_signed_in")


def test_chosen_app_becomes_the_default_after_set_up(calling: Service) -> None:
    """The user changes from a phone to the app without script, with a wrong code and a step back on the way."""
    person = phone_user(calling)
    browser = person.pages()
    key_page = browser.submit("/settings", "/settings/method", method="totp").location
    at = key_page.partition("?")[0]
    shown = browser.get(key_page).expect(200)
    (next_step,) = [form for form in shown.forms if form.method == "get" and form.action == f"{at}/verify"]
    secret = re.search(r"secret=([A-Z2-7]{32})", shown.html)
    assert secret
    app = Authenticator(secret[1], calling.clock)
    page = browser.get(f"{at}/verify?{urlencode(next_step.fields)}")
    wrong = browser.send(page, f"{at}/verify", code=app.wrong_code()).expect(401)
    browser.send(wrong, f"{at}/verify", code=app.code()).goes_to("/settings")
    assert person.shown()["default_factor_id"] == at.rpartition("/")[2]


def test_page_says_what_to_do_after_a_wrong_code(calling: Service) -> None:
    """The page says to ask for a new code."""
    person = phone_user(calling)
    browser = FormBrowser(calling.url)
    shown = browser.sign_in(person.email, PASSWORD, person.phone.wrong_code()).expect(401)
    assert "ask for a new code" in shown.words


def test_number_can_be_replaced_after_recovery(calling: Service) -> None:
    """The page with the new recovery code leads to setting up another number."""
    person = phone_user(calling)
    browser = FormBrowser(calling.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    shown = browser.submit("/sign-in/recovery-code", "/sign-in/recovery-code", recovery_code=person.recovery_code or "")
    number_page = browser.send(shown.expect(200), "/settings/factors", replaces=person.phone_id, saved="yes")
    number_page.goes_to("/settings/factors/new")
    assert "This replaces" in browser.get(number_page.location).expect(200).words


def test_phones_are_distinguished_by_their_last_digits(calling: Service) -> None:
    """Where a user chooses one of two phones, both show the ends of their numbers."""
    person = phone_user(calling)
    first, first_id = person.phone.number[-2:], person.phone_id
    person.enable_phone("voice")
    removing = person.pages().get(f"/settings/factors/{first_id}/remove").expect(200)
    assert f"number ending in {first}" in removing.words
    browser = FormBrowser(calling.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    page = browser.get("/sign-in/recovery-code").expect(200)
    assert "If you saved more than one, use the newest." in page.words
    shown = browser.send(page, "/sign-in/recovery-code", recovery_code=person.recovery_code or "")
    for ending in (first, person.phone.number[-2:]):
        assert f"number ending in {ending}" in shown.expect(200).words


def test_number_form_keeps_the_chosen_name(moving: Service) -> None:
    """The name comes from the address; without a method, the page redirects to the settings."""
    browser = new_user(moving).pages()
    assert "My phone" in browser.get("/settings/factors/new?kind=sms&name=My%20phone").expect(200).html
    there = browser.get("/settings/factors/new")
    assert (there.status, there.location) == (303, "/settings#methods")
