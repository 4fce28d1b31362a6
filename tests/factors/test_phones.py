"""Codes by text message and voice call: numbers are proven, codes good once, and nothing tells more than it must."""

import re
from urllib.parse import urlencode

import pytest

from tests.authenticator import Authenticator
from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.phones import Phone, caller
from tests.residents import HOUR, pass_time, protected, resident
from tests.service import Service

KINDS = ["sms", "voice"]
FIVE_MINUTES = 300


# ------------------------------------------------------------------ enrolment


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_counts_when_its_code_is_given(calling: Service, kind: str) -> None:
    """Begun, a code is on its way and nothing is on; verified, 2FA is active and a recovery code is shown (G04)."""
    person, phone = resident(calling), Phone(calling.url)
    begun = person.api.begin_phone(kind, phone.number).must(201)
    assert (begun["kind"], begun["status"], begun["hint"]) == (kind, "unverified", phone.number[-2:])
    assert "secret" not in begun.body
    assert [message["channel"] for message in phone.messages()] == [kind]
    assert not person.shown()["active"]
    assert person.another_browser().sign_in(person.email).must(200)["status"] == "signed_in"
    verified = person.api.verify(begun["id"], phone.code()).must(200)
    assert re.fullmatch(r"([A-Z2-9]{5}-?){5}", verified["recovery_code"])
    shown = person.shown()
    assert (shown["active"], shown["policy"], shown["default_factor_id"]) == (True, "every_log_in", begun["id"])


def test_every_bound_number_makes_a_new_recovery_code(calling: Service) -> None:
    """A second phone, and a phone beside an app: the old recovery code is dead (contract, section 3)."""
    person = caller(calling)
    first = person.recovery_code or ""
    second = person.enable_phone("voice")
    assert second != first
    person.half_open().give_recovery_code(first).refused(401, "wrong_code")
    person.half_open().give_recovery_code(second).must(200)


def test_wrong_codes_are_counted_per_enrolment_through_resends_and_changes(calling: Service) -> None:
    """Five tries for a number, whatever is sent again and by whichever way; the account has lost none."""
    person, phone = protected(calling), Phone(calling.url)
    begun = person.api.begin_phone("sms", phone.number).must(201)["id"]
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


def test_a_number_that_takes_no_texts_can_be_called(calling: Service) -> None:
    """While it is being proven one changes from text to call: the number stays, the factor is a call then."""
    person, phone = resident(calling), Phone(calling.url)
    begun = person.api.begin_phone("sms", phone.number).must(201)["id"]
    by_text = phone.code()
    pass_time(calling, 31)
    browser = person.pages()
    page = browser.get(f"/settings/factors/{begun}").must(200)
    assert "Receive a call instead" in page.words
    browser.send(page, f"/settings/factors/{begun}/send", kind="voice").goes_to(f"/settings/factors/{begun}")
    assert phone.messages()[-1]["channel"] == "voice"
    person.api.verify(begun, by_text).refused(401, "wrong_code")
    assert person.api.verify(begun, phone.code()).must(200)["factor"]["kind"] == "voice"


def test_a_number_is_changed_by_proving_another(calling: Service) -> None:
    """The old one works until then, is told that it is no longer used, and gets no more codes (G04)."""
    person = caller(calling)
    old, old_id = person.phone, person.phone_id
    new = Phone(calling.url)
    begun = person.api.begin_phone("sms", new.number, replaces=old_id).must(201)["id"]
    half_open = person.half_open()
    half_open.send_code(old_id).must(202)
    half_open.give_code(old.code()).must(200)
    recovery_code = person.recovery_code
    verified = person.api.verify(begun, new.code()).must(200)
    assert verified["recovery_code"] != recovery_code
    assert [each["id"] for each in person.shown()["factors"]] == [begun]
    notice = old.waits_for("no longer used")
    assert (notice["channel"], new.number in notice["text"]) == ("sms", False)
    person.half_open().send_code(old_id).refused(422, "invalid_request")


def test_changing_a_number_needs_fresh_proof(calling: Service) -> None:
    """With settings locked no number is begun, proven or sent to, by calls or by pages (G04)."""
    person, phone = caller(calling), Phone(calling.url)
    begun = person.api.begin_phone("sms", phone.number, replaces=person.phone_id).must(201)["id"]
    pass_time(calling, 601)
    person.api.begin_phone("voice", Phone(calling.url).number).refused(403, "locked_settings")
    person.api.verify(begun, phone.code()).refused(403, "locked_settings")
    person.api.send_again(begun).refused(403, "locked_settings")
    person.pages().get("/settings/factors/new?kind=sms").goes_to("/authenticate")
    person.pages().post("/settings/factors/new", {"kind": "sms", "phone": phone.number}).goes_to("/authenticate")


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_that_is_taken_off_is_told(calling: Service, kind: str) -> None:
    """Whoever removes a phone cannot keep it from its owner; an enrolment that is given up tells nobody."""
    person = caller(calling, kind)
    given_up = Phone(calling.url)
    person.api.remove_factor(person.api.begin_phone(kind, given_up.number).must(201)["id"]).must(204)
    person.api.remove_factor(person.phone_id).must(204)
    assert person.phone.waits_for("no longer used")["channel"] == kind
    assert len(given_up.messages()) == 1


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
def test_what_is_no_number_is_refused_on_its_field(calling: Service, body: dict[str, str], field: str) -> None:
    """422 with field and remedy, and nothing is sent."""
    refused = resident(calling).api.call("POST", "/factors", body).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == [field]


def test_a_number_may_be_written_as_it_is_dialled(calling: Service) -> None:
    """The national form of a country that is named, with what people put between digits."""
    person, phone = resident(calling), Phone(calling.url)
    national = phone.number.removeprefix("+1")
    written = f"({national[:3]}) {national[3:6]}-{national[6:]}"
    begun = person.api.begin_phone("sms", written, country="US").must(201)
    person.api.verify(begun["id"], phone.code()).must(200)


# ------------------------------------------------------------------ signing in


@pytest.mark.parametrize("kind", KINDS)
def test_a_sent_code_signs_in_once(calling: Service, kind: str) -> None:
    """It is asked for, arrives, and lets in; the same again does not, in this sign-in or another (A09)."""
    person = caller(calling, kind)
    api = person.half_open()
    sent = api.send_code(person.phone_id).must(202)
    assert sent["resend_after"] < sent["expires_at"]
    token, code = api.sign_in_token, person.phone.code()
    api.give_code(code).must(200)
    assert api.session()["methods"] == ["password", kind]
    api.sign_in_token = token
    api.give_code(code).refused(410, "sign_in_expired")
    person.half_open().give_code(code).refused(401, "wrong_code")


def test_a_code_is_good_for_five_minutes_and_its_own_sign_in(calling: Service) -> None:
    """Late, or from an earlier challenge, or from proving a phone, it is wrong, and says what to do (G01)."""
    person = caller(calling)
    first, second = person.half_open(), person.half_open()
    first.send_code(person.phone_id).must(202)
    of_first = person.phone.code()
    refused = second.give_code(of_first).refused(401, "wrong_code")
    assert "ask for a new code" in refused["detail"]
    first.give_code(of_first).must(200)
    begun = person.api.begin_phone("sms", person.phone.number, name="Again").must(201)["id"]
    second.give_code(person.phone.code()).refused(401, "wrong_code")
    person.api.verify(begun, person.phone.code()).must(200)


def test_an_old_code_has_expired(calling: Service) -> None:
    """After five minutes the code that unlocks is worth nothing, though its session lives on (G01)."""
    person = caller(calling)
    person.api.send_unlock_code(person.phone_id).must(202)
    code = person.phone.code()
    pass_time(calling, FIVE_MINUTES)
    person.api.unlock(code=code).refused(401, "wrong_code")
    person.api.send_unlock_code(person.phone_id).must(202)
    person.api.unlock(code=person.phone.code()).must(200)


def test_a_new_code_kills_the_old_and_forgives_nothing(calling: Service) -> None:
    """Resent, waits grow, only the newest code counts, and failures stay counted (G02)."""
    person = caller(calling)
    api = person.half_open()
    api.send_code(person.phone_id).must(202)
    first = person.phone.code()
    assert api.give_code(person.phone.wrong_code()).refused(401, "wrong_code")["attempts_left"] == 4
    at_once = api.send_code(person.phone_id).refused(429, "too_many_attempts")
    assert 0 < int(at_once.headers["retry-after"]) <= 30
    assert len(person.phone.messages()) == 2
    pass_time(calling, 31)
    api.send_code(person.phone_id).must(202)
    if first != person.phone.code():
        assert api.give_code(first).refused(401, "wrong_code")["attempts_left"] == 3
    longer = api.send_code(person.phone_id).refused(429, "too_many_attempts")
    assert int(longer.headers["retry-after"]) > 30
    api.give_code(person.phone.code()).must(200)


def test_all_methods_share_one_count(calling: Service) -> None:
    """Apps, texts, calls, the recovery code, resends between: after five wrong ones nothing is compared (B05)."""
    person = caller(calling)
    person.enable_phone("voice")
    phones = {each["kind"]: each["id"] for each in person.shown()["factors"]}
    person.enable_totp()
    left = []
    for turn in range(5):
        api = person.half_open()
        if turn % 2 == 0:
            pass_time(calling, 61)
            api.send_code(phones[KINDS[turn // 2 % 2]]).must(202)
        answer = api.give_recovery_code("A" * 25) if turn == 3 else api.give_code(person.phone.wrong_code())
        left.append(answer.refused(401, "wrong_code")["attempts_left"])
    assert left == [4, 3, 2, 1, 0]
    api = person.half_open()
    api.send_code(phones["sms"]).refused(429, "too_many_attempts")
    api.give_code(person.phone.code()).refused(429, "too_many_attempts")
    api.give_code(person.code()).refused(429, "too_many_attempts")


def test_one_switches_freely_between_proven_methods(calling: Service) -> None:
    """Whichever was asked for last, a code of the app does as well; a named method must be the code's own."""
    person = caller(calling)
    person.enable_totp()
    app_id = person.factor_id or ""
    api = person.half_open()
    api.send_code(person.phone_id).must(202)
    api.give_code(person.phone.code(), factor_id=app_id).refused(401, "wrong_code")
    api.give_code(person.phone.code(), factor_id=person.phone_id).must(200)
    api = person.half_open()
    pass_time(calling, 61)
    api.send_code(person.phone_id).must(202)
    api.give_code(person.code()).must(200)


def test_only_ones_own_proven_phones_are_sent_to(calling: Service) -> None:
    """An app, a number still to be proven, somebody else's: a refusal on the field, and nothing is sent (G06)."""
    person, other = caller(calling), caller(calling)
    person.enable_totp()
    pending = Phone(calling.url)
    begun = person.api.begin_phone("voice", pending.number).must(201)["id"]
    for factor_id in (person.factor_id or "", begun, other.phone_id, "nobody"):
        for send in (person.half_open().send_code, person.api.send_unlock_code):
            refused = send(factor_id).refused(422, "invalid_request")
            assert [error["field"] for error in refused["errors"]] == ["factor_id"]
    assert (len(pending.messages()), len(other.phone.messages())) == (1, 1)
    other.api.send_again(begun).refused(404, "not_found")


def test_a_sent_code_unlocks_its_own_session(calling: Service) -> None:
    """Settings open for the session that asked for the code, and not for another one of the same person."""
    person = caller(calling)
    other = person.half_open()
    other.send_code(person.phone_id).must(202)
    other.give_code(person.phone.code()).must(200)
    person.api.send_unlock_code(person.phone_id).must(202)
    code = person.phone.code()
    other.unlock(PASSWORD, code=code).refused(401, "wrong_code")
    person.api.unlock(PASSWORD, code=code).must(200)
    person.api.unlock(PASSWORD, code=code).refused(401, "code_already_used")


def test_the_method_is_remembered_when_2fa_is_off(calling: Service) -> None:
    """Switched off and on again, the phone is the default as before, without being proven anew."""
    person = caller(calling)
    person.enable_totp()
    person.api.set_policy("disabled").must(200)
    person.api.set_policy("every_log_in").must(200)
    person.half_open().send_code(person.phone_id).must(202)
    assert person.shown()["default_factor_id"] == person.phone_id


# ------------------------------------------------------------------ what is told


def test_no_answer_tells_number_or_code(calling: Service) -> None:
    """At most the last two digits stand in any page or answer, and the code in none (G02)."""
    person = caller(calling)
    number = person.phone.number
    seen = [person.shown().text, person.api.events().text, person.api.session().text]
    begun = person.api.begin_phone("sms", number).must(201)
    seen += [begun.text, person.api.send_again(begun["id"]).text, person.api.verify(begun["id"], "000000").text]
    api = person.half_open()
    sent = api.send_code(person.phone_id)
    seen += [sent.text, api.send_code(person.phone_id).text]
    code = person.phone.code()
    pages, door = person.pages(), FormBrowser(calling.url)
    door.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    for path in ("/settings", "/settings/activity", "/authenticate", f"/settings/factors/{begun['id']}"):
        seen.append(pages.get(path).must(200).html)
    seen.append(pages.get(f"/settings/factors/new?kind=sms&replaces={person.phone_id}").must(200).html)
    seen.append(door.get("/sign-in/code").must(200).html)
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
def test_the_door_sends_at_once_and_once(calling: Service, kind: str) -> None:
    """After the password one code is on its way; looking again at the page sends no other."""
    person = caller(calling, kind)
    browser = FormBrowser(calling.url)
    browser.submit("/sign-in", "/sign-in", email=person.email, password=PASSWORD).goes_to("/sign-in/code")
    for _ in range(3):
        shown = browser.get("/sign-in/code").must(200)
        assert f"the number ending in {person.phone.number[-2:]}" in shown.words
        assert "Another one can be sent from" in shown.words
    assert len(person.phone.messages()) == 2
    browser.submit("/sign-in/code", "/sign-in/code", code=person.phone.code()).goes_to("/settings")


def test_the_door_says_when_a_code_was_not_sent(calling: Service) -> None:
    """Signing in again at once sends nothing: the page says so, and the other ways are there."""
    person = caller(calling)
    person.enable_totp()
    for sent in (1, 0):
        browser = FormBrowser(calling.url)
        location = browser.submit("/sign-in", "/sign-in", email=person.email, password=PASSWORD).location
        shown = browser.get(location).must(200)
        assert ("We could not send a code just now" in shown.words) is (sent == 0)
        assert ("We sent a text message" in shown.words) is (sent == 1)
    assert "Authenticator app" in shown.words
    early = browser.send(shown, "/sign-in/code/send", factor_id=person.phone_id).must(429)
    assert "You can ask for another" in early.words
    browser.submit("/sign-in/code?with=app", "/sign-in/code", code=person.code()).goes_to("/settings")


def test_a_wrong_code_leaves_one_at_the_way_one_chose(calling: Service) -> None:
    """Whoever went over to the app reads of the app, whatever is refused."""
    person = caller(calling)
    person.enable_totp()
    browser = FormBrowser(calling.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    page = browser.get("/sign-in/code?with=app").must(200)
    refused = browser.send(page, "/sign-in/code", code=person.wrong_code()).must(401)
    for shown in (page, refused):
        assert "Enter the 6-digit code from your authenticator app." in shown.words


def test_authenticate_sends_when_it_is_asked(calling: Service) -> None:
    """The grey page opens with password and a code that a button sends; opening the page sends none."""
    person = caller(calling)
    browser = person.pages()
    shown = browser.get("/authenticate").must(200)
    assert len(person.phone.messages()) == 1
    browser.send(shown, "/authenticate/send").goes_to("/authenticate")
    code = person.phone.code()
    browser.submit("/authenticate", "/authenticate", password=PASSWORD, code=code).goes_to("/settings")


def test_the_settings_lead_to_the_number(calling: Service) -> None:
    """Text message, Update 2FA Method: the number is asked for, then its code, then the recovery code is shown."""
    person, phone = resident(calling), Phone(calling.url)
    browser = person.pages()
    number_page = (
        browser.submit("/settings", "/settings/method", method="sms").goes_to("/settings/factors/new").location
    )
    wrong = browser.submit(number_page, "/settings/factors/new", phone="12").must(422)
    assert "Get codes by text message" in wrong.words
    code_page = browser.send(wrong, "/settings/factors/new", phone=phone.number).location
    shown = browser.submit(code_page, f"{code_page}/verify", code=phone.code()).must(200)
    assert shown.recovery_code
    assert "earlier recovery code" not in shown.words
    assert f"number ending in {phone.number[-2:]}" in browser.get("/settings").words


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_that_is_chosen_is_the_default_once_it_is_set_up(calling: Service, kind: str) -> None:
    """From the app to a phone, past a wrong number, a wrong code and a second message; all that this ends is ended."""
    person, phone = protected(calling), Phone(calling.url)
    app, other = person.shown()["default_factor_id"], person.another_browser()
    person.sign_in(other)
    browser = person.pages()
    number_page = browser.submit("/settings", "/settings/method", method=kind).location
    wrong = browser.submit(number_page, "/settings/factors/new", phone="12").must(422)
    code_page = browser.send(wrong, "/settings/factors/new", phone=phone.number).location
    at = code_page.partition("?")[0]
    pass_time(calling, 60)
    sent_again = browser.submit(code_page, f"{at}/send").goes_to(at).location
    wrong = browser.submit(sent_again, f"{at}/verify", code=phone.wrong_code()).must(401)
    assert person.shown()["default_factor_id"] == app
    shown = browser.send(wrong, f"{at}/verify", code=phone.code()).must(200)
    assert shown.recovery_code != person.recovery_code
    assert "Your earlier recovery code no longer works." in shown.words
    assert person.shown()["default_factor_id"] == at.rpartition("/")[2]
    other.session().refused(401, "not_signed_in")


def test_the_app_that_is_chosen_is_the_default_once_it_is_set_up(calling: Service) -> None:
    """From a phone to the app, without script: step by step, past a wrong code, and back."""
    person = caller(calling)
    browser = person.pages()
    key_page = browser.submit("/settings", "/settings/method", method="totp").location
    at = key_page.partition("?")[0]
    shown = browser.get(key_page).must(200)
    (next_step,) = [form for form in shown.forms if form.method == "get" and form.action == f"{at}/verify"]
    secret = re.search(r"secret=([A-Z2-7]{32})", shown.html)
    assert secret
    app = Authenticator(secret[1], calling.clock)
    page = browser.get(f"{at}/verify?{urlencode(next_step.fields)}")
    wrong = browser.send(page, f"{at}/verify", code=app.wrong_code()).must(401)
    browser.send(wrong, f"{at}/verify", code=app.code()).goes_to("/settings")
    assert person.shown()["default_factor_id"] == at.rpartition("/")[2]


def test_people_read_how_an_old_code_was_refused(calling: Service) -> None:
    """The page says what to do with a wrong code of a phone: ask for a new one."""
    person = caller(calling)
    browser = FormBrowser(calling.url)
    shown = browser.sign_in(person.email, PASSWORD, person.phone.wrong_code()).must(401)
    assert "ask for a new code" in shown.words


def test_after_a_recovery_a_number_can_be_replaced(calling: Service) -> None:
    """The page of the new recovery code leads a person whose phone is gone to another number."""
    person = caller(calling)
    browser = FormBrowser(calling.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    shown = browser.submit("/sign-in/recovery-code", "/sign-in/recovery-code", recovery_code=person.recovery_code or "")
    number_page = browser.send(shown.must(200), "/settings/factors", replaces=person.phone_id, saved="yes")
    number_page.goes_to("/settings/factors/new")
    assert "This replaces" in browser.get(number_page.location).must(200).words


def test_phones_are_told_apart_by_their_last_digits(calling: Service) -> None:
    """Where one of two phones is to be given up, both show how their numbers end."""
    person = caller(calling)
    first, first_id = person.phone.number[-2:], person.phone_id
    person.enable_phone("voice")
    removing = person.pages().get(f"/settings/factors/{first_id}/remove").must(200)
    assert f"number ending in {first}" in removing.words
    browser = FormBrowser(calling.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    page = browser.get("/sign-in/recovery-code").must(200)
    assert "the newest one you saved" in page.words
    shown = browser.send(page, "/sign-in/recovery-code", recovery_code=person.recovery_code or "")
    for ending in (first, person.phone.number[-2:]):
        assert f"number ending in {ending}" in shown.must(200).words


def test_the_form_for_a_number_keeps_the_name_that_was_given(moving: Service) -> None:
    """It comes with the address, and without a method there the settings ask for one."""
    browser = resident(moving).pages()
    assert "My phone" in browser.get("/settings/factors/new?kind=sms&name=My%20phone").must(200).html
    there = browser.get("/settings/factors/new")
    assert (there.status, there.location) == (303, "/settings#methods")
