"""Step-up by a code that is sent to a phone, and the set-up of a phone on the way to a page that demands one."""

from collections.abc import Iterator

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD
from tests.support.phones import Phone, PhoneUser, phone_user
from tests.support.service import Service
from tests.support.step_up import ODD, led_to_authenticate, opens, strongroom_service, verify_at
from tests.support.users import pass_time


@pytest.fixture(scope="module", params=DATABASES)
def strongroom(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service with a feature that demands more than a sign-in."""
    folder = tmp_path_factory.mktemp("strongroom")
    with strongroom_service(folder, new_database(request.param, request, folder)) as running:
        yield running


def test_user_without_a_second_factor_sets_up_a_phone_and_comes_back(strongroom: Service) -> None:
    """The number, the code and another code pass the address on."""
    person = PhoneUser(strongroom)
    person.api.sign_up(person.email, person.password).expect(201)
    person.sign_in()
    browser = person.pages()
    led = browser.get(browser.get(ODD).goes_to("/authenticate").location).goes_to("/settings/set-up")
    methods = browser.get(led.location).expect(200)
    text = next(form for form in methods.forms if form.fields.get("kind") == "sms")
    number = browser.get(browser.post(text.action, text.fields).goes_to("/settings/factors/new").location).expect(200)
    phone = Phone(strongroom.url)
    code_page = browser.get(browser.send(number, "/settings/factors/new", phone=phone.number).location).expect(200)
    saved = browser.send(code_page, verify_at(code_page), code=phone.code()).expect(200)
    done = browser.send(saved, "/settings/recovery-code/saved", saved="yes")
    assert (done.status, done.location) == (303, ODD)


@pytest.mark.parametrize("kind", ["sms", "voice"])
def test_code_to_a_phone_steps_up(strongroom: Service, kind: str) -> None:
    """Sending it keeps what is demanded and the address."""
    person = phone_user(strongroom, kind)
    browser = person.pages()
    pass_time(strongroom, 601)
    page = led_to_authenticate(browser, ODD)
    sent = browser.get(browser.send(page, "/authenticate/send").goes_to("/authenticate").location).expect(200)
    assert "Authenticate to continue" in sent.words
    done = browser.send(sent, "/authenticate", password=PASSWORD, code=person.phone.code())
    assert (done.status, done.location) == (303, ODD)
    opens(browser, ODD)
