"""Step-up: a page that demands a level and fresh proofs leads to `/authenticate` and back, and a call says so."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.authenticator import oathtool
from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.session_level import level_of
from tests.support.step_up import ODD, key_of, led_to_authenticate, opens, strongroom_service, verify_at
from tests.support.users import User, new_user, pass_time, protected

SETTINGS_LATER = 601  # seconds, after which settings are locked and no proof is fresh


@pytest.fixture(scope="module", params=DATABASES)
def strongroom(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service with a feature that demands more than a sign-in."""
    folder = tmp_path_factory.mktemp("strongroom")
    with strongroom_service(folder, new_database(request.param, request, folder)) as running:
        yield running


# ------------------------------------------------------------------ pages


def test_fresh_second_factor_opens_the_page_at_once(strongroom: Service) -> None:
    """Who has just signed in is asked for nothing."""
    person = protected(strongroom)
    browser = FormBrowser(strongroom.url)
    browser.sign_in(person.email, PASSWORD, person.code())
    opens(browser, ODD)


def test_step_up_returns_to_the_exact_address(strongroom: Service) -> None:
    """Password and code are asked for, and the page opens with the query that it was asked for."""
    person = protected(strongroom)
    person.unlock()
    pass_time(strongroom, SETTINGS_LATER)
    browser = person.pages()
    page = led_to_authenticate(browser, ODD)
    assert "Authenticate to continue" in page.words
    wrong = browser.send(page, "/authenticate", password=PASSWORD, code=person.wrong_code()).expect(401)
    done = browser.send(wrong, "/authenticate", password=PASSWORD, code=person.code())
    assert (done.status, done.location) == (303, ODD)
    opens(browser, ODD)
    opens(browser, "/strongroom/hall", "hall")


def test_session_on_a_trusted_computer_steps_up_once(strongroom: Service) -> None:
    """The password there is no second factor; a demand without freshness is met from then on."""
    person = protected(strongroom, "once_per_computer")
    browser = FormBrowser(strongroom.url)
    browser.sign_in(person.email, PASSWORD, person.code(), trust=True)
    browser.submit("/settings", "/sign-out")
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")
    page = led_to_authenticate(browser, "/strongroom/hall")
    browser.send(page, "/authenticate", password=PASSWORD, code=person.code()).goes_to("/strongroom/hall")
    pass_time(strongroom, SETTINGS_LATER)
    opens(browser, "/strongroom/hall", "hall")


def test_password_alone_is_asked_for_where_it_is_enough(strongroom: Service) -> None:
    """Without 2FA, a page that demands a fresh sign-in has no use for a code."""
    person = new_user(strongroom)
    opens(person.pages(), "/strongroom/desk", "desk")
    pass_time(strongroom, 120)
    browser = person.pages()
    page = led_to_authenticate(browser, "/strongroom/desk")
    assert "code" not in page.form("/authenticate").fields
    browser.send(page, "/authenticate", password=PASSWORD).goes_to("/strongroom/desk")
    opens(browser, "/strongroom/desk", "desk")


def test_user_without_a_second_factor_sets_one_up_and_comes_back(strongroom: Service) -> None:
    """From locked settings, over password, app and recovery code, to the exact address; the next code opens it."""
    person = new_user(strongroom)
    pass_time(strongroom, SETTINGS_LATER)
    browser = person.pages()
    led = browser.get(browser.get(ODD).goes_to("/authenticate").location).goes_to("/settings/set-up")
    locked = browser.get(browser.get(led.location).goes_to("/authenticate").location).expect(200)
    browser.send(locked, "/authenticate", password=PASSWORD).goes_to("/settings/set-up")
    methods = browser.get(led.location).expect(200)
    assert "Set up two-factor authentication" in methods.words
    app = next(form for form in methods.forms if form.fields.get("kind") == "totp")
    step_1 = browser.get(browser.post(app.action, app.fields).location).expect(200)
    secret = key_of(step_1)
    verify = step_1.form(verify_at(step_1))
    code = oathtool(secret, strongroom.clock())
    saved = browser.post(verify.action, {**verify.fields, "code": code}).expect(200)
    done = browser.send(saved, "/settings/recovery-code/saved", saved="yes")
    assert (done.status, done.location) == (303, ODD)
    page = led_to_authenticate(browser, ODD)
    pass_time(strongroom, 30)
    browser.send(page, "/authenticate", password=PASSWORD, code=oathtool(secret, strongroom.clock()))
    opens(browser, ODD)


def test_recovery_code_steps_up(strongroom: Service) -> None:
    """The page with the new one leads back to the exact address."""
    person = protected(strongroom)
    browser = person.pages()
    pass_time(strongroom, SETTINGS_LATER)
    page = led_to_authenticate(browser, ODD)
    link = page.html.split('href="')
    (other,) = [each.split('"')[0] for each in link if "with=recovery_code" in each.split('"')[0]]
    form = browser.get(other.replace("&amp;", "&")).expect(200)
    fields = {"password": PASSWORD, "recovery_code": person.recovery_code or ""}
    saved = browser.send(form, "/authenticate", **fields).expect(200)
    done = browser.send(saved, "/settings/recovery-code/saved", saved="yes")
    assert (done.status, done.location) == (303, ODD)
    opens(browser, ODD)


def test_factor_of_an_account_with_2fa_off_is_asked_for(strongroom: Service) -> None:
    """The sign-in asks for no code, a page that demands one does."""
    person = protected(strongroom)
    person.api.set_policy("disabled").expect(200)
    browser = person.pages()
    page = led_to_authenticate(browser, "/strongroom")
    missing = browser.send(page, "/authenticate", password=PASSWORD).expect(422)
    browser.send(missing, "/authenticate", password=PASSWORD, code=person.code()).goes_to("/strongroom")
    opens(browser, "/strongroom")


def test_form_that_was_open_when_the_factor_was_removed_leads_to_the_set_up(strongroom: Service) -> None:
    """It could only ask for a code that is no longer to be had."""
    person = protected(strongroom)
    browser = person.pages()
    page = led_to_authenticate(browser, ODD)
    person.api.remove_factor(person.factor_id or "").expect(204)
    led = browser.send(page, "/authenticate", password=PASSWORD, code="123456").goes_to("/settings/set-up")
    assert quote(ODD, safe="") in led.location
    assert "Set up two-factor authentication" in browser.get(led.location).expect(200).words


def test_form_for_a_level_that_no_method_reaches_is_explained(strongroom: Service) -> None:
    """As the page itself is, instead of asking for a code."""
    person = new_user(strongroom)
    refused = person.pages().post("/authenticate", {"password": PASSWORD, "level": "phr"}).expect(403)
    assert "passkey or security key" in refused.words


def test_set_up_for_a_level_that_no_method_reaches_is_explained(strongroom: Service) -> None:
    """There is nothing to choose; a level that does not exist is none."""
    browser = new_user(strongroom).pages()
    refused = browser.get(browser.get("/settings/set-up?level=phr").goes_to("/authenticate").location).expect(403)
    assert "passkey or security key" in refused.words
    assert "Add authenticator" in browser.get("/settings/set-up?level=9fa").expect(200).words


def test_level_that_no_method_reaches_is_explained(strongroom: Service) -> None:
    """The page says what is missing and whom to ask; there is nothing to authenticate with."""
    person = protected(strongroom)
    browser = person.pages()
    refused = browser.get("/strongroom/vault").expect(403)
    assert "passkey or security key" in refused.words
    assert "administrator" in refused.words
    again = browser.get("/authenticate?level=phr&return_to=%2Fstrongroom%2Fvault").expect(403)
    assert "passkey or security key" in again.words


@pytest.mark.parametrize("query", ["level=2fa", "since=1", "level=2fa&since=1"])
def test_demand_that_is_met_leads_straight_on(strongroom: Service, query: str) -> None:
    """A bookmark or the Back button asks for nothing twice."""
    person = protected(strongroom)
    person.unlock()
    target = person.pages().get(f"/authenticate?{query}&return_to={quote(ODD, safe='')}")
    assert (target.status, target.location) == (303, ODD)


@pytest.mark.parametrize("query", ["level=9fa", "since=soon", "", "level=1fa"])
def test_page_without_a_valid_demand_unlocks_settings(strongroom: Service, query: str) -> None:
    """As ever."""
    person = protected(strongroom)
    assert "Authenticate to make changes" in person.pages().get(f"/authenticate?{query}").expect(200).words


def test_endpoint_that_authenticates_itself_leads_to_the_step_up_and_back(strongroom: Service) -> None:
    """It asks what the session lacks, and builds the address."""
    person = protected(strongroom)
    browser = person.pages()
    page = led_to_authenticate(browser, "/strongroom/door")
    done = browser.send(page, "/authenticate", password=PASSWORD, code=person.code())
    assert done.location == "/strongroom/door?through=yes"
    assert browser.get(done.location).expect(200).html == "the door is open"


# ------------------------------------------------------------------ calls


def test_call_says_what_is_missing_and_an_unlock_suffices(strongroom: Service) -> None:
    """The level, what to send to the unlock, and later that the proofs are too old."""
    person = protected(strongroom)
    refused = person.api.call("GET", "/strongroom").refused(403, "second_factor_required")
    assert (refused["level"], refused["missing"], refused["asks_for"]) == ("2fa", "step_up", ["password", "code"])
    person.unlock()
    assert person.api.call("GET", "/strongroom").expect(200)["gold"] == 100
    pass_time(strongroom, 61)
    refused = person.api.call("GET", "/strongroom").refused(403, "authentication_too_old")
    assert refused["asks_for"] == ["password", "code"]
    person.unlock()
    person.api.call("GET", "/strongroom").expect(200)


def test_call_of_a_user_without_a_second_factor_asks_for_enrolment(strongroom: Service) -> None:
    """Once it is there, a step-up is missing; no code of the enrolment counts."""
    person = new_user(strongroom)
    refused = person.api.call("GET", "/strongroom").refused(403, "second_factor_required")
    assert (refused["missing"], refused["asks_for"]) == ("enrolment", [])
    person.enable_totp()
    refused = person.api.call("GET", "/strongroom").refused(403, "second_factor_required")
    assert refused["missing"] == "step_up"
    person.unlock()
    person.api.call("GET", "/strongroom").expect(200)


def test_code_that_is_not_asked_for_counts_if_it_is_right(strongroom: Service) -> None:
    """With 2FA off, a program may send the code of a factor; a wrong one is refused and counted."""
    person: User = protected(strongroom)
    person.api.set_policy("disabled").expect(200)
    person.api.unlock().expect(200)
    assert level_of(person.api)[0] == "1fa"
    person.api.unlock(code=person.wrong_code()).refused(401, "wrong_code")
    person.api.unlock(code=person.code()).expect(200)
    assert level_of(person.api) == ("2fa", "password totp", "pwd otp mfa")
