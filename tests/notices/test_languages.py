"""Whoever has an account is written and spoken to in one language: its own, whoever asks and in whichever."""

from collections.abc import Iterator
from typing import TypeVar

import pytest

from tests.catalogue import bilingual_source
from tests.clients import PASSWORD
from tests.conftest import DATABASES, new_database
from tests.forms import FormBrowser
from tests.openapi import CheckedApi
from tests.phones import Phone
from tests.recorder import Recorder
from tests.residents import DAY, Resident, pass_time
from tests.service import Service
from tests.shifted import ShiftedService

NEW_COMPUTER = "Your account was used on a new computer"
NEUER_COMPUTER = "Ihr Konto wurde auf einem neuen Computer benutzt"


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """The gateway and mail server of these tests."""
    with Recorder() as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def bilingual(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, recorder: Recorder
) -> Iterator[Service]:
    """The real server with a German catalogue."""
    folder = tmp_path_factory.mktemp("bilingual")
    settings = dict.fromkeys(("mail_url", "sms_url", "voice_url"), recorder.url) | {"phone_countries": "*"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(bilingual_source(folder)))
        with ShiftedService(
            folder, database_url=new_database(request.param, request, folder), settings=settings
        ) as running:
            yield running


Client = TypeVar("Client", CheckedApi, FormBrowser)


def speaking(client: Client, language: str | None) -> Client:
    """The same client, which asks for a language from now on."""
    client.http.headers.pop("Accept-Language", None)
    if language is not None:
        client.http.headers["Accept-Language"] = language
    return client


def newcomer(service: Service, recorder: Recorder, language: str) -> Resident:
    """Somebody who signed up in a language and is signed in; whatever client asks next names none."""
    person = Resident(service)
    speaking(person.api, language).sign_up(person.email).must(202)
    token = recorder.path_to(person.email).rpartition("/")[2]
    person.api.call("POST", "/accounts/complete", {"token": token, "password": PASSWORD}).must(201)
    speaking(person.api, None).sign_in(person.email).must(200)
    return person


def sign_in_with(person: Resident, program: str, language: str) -> None:
    """A sign-in with a program, which asks for a language."""
    client = speaking(person.another_browser(), language)
    client.http.headers["User-Agent"] = program
    client.sign_in(person.email).must(200)


def newest(recorder: Recorder, to: str, count: int) -> dict[str, str]:
    """The newest message to somebody, once there are so many."""
    return recorder.wait_for(to, count)[-1]


def test_codes_come_in_the_language_of_the_account(bilingual: Service, recorder: Recorder) -> None:
    """By text and by voice, though another language is asked for; the gateway is told which it is."""
    person, phone = newcomer(bilingual, recorder, "de-CH, en;q=0.5"), Phone(bilingual.url)
    assert newest(recorder, person.email, 1)["subject"].startswith("Bestätigen Sie")
    speaking(person.api, "en")
    begun = person.api.begin_phone("sms", phone.number).must(201)
    text = newest(recorder, phone.number, 1)
    assert (text["locale"], text["text"][6:21]) == ("de", " ist Ihr Code.\n")
    pass_time(bilingual, 60)
    pages = speaking(person.pages(), "en")
    pages.post(f"/settings/factors/{begun['id']}/send", {"kind": "voice"}).must(303)
    call = newest(recorder, phone.number, 2)
    assert (call["channel"], call["locale"], call["text"][:7]) == ("voice", "de", "Hallo. ")


def test_notices_and_links_come_in_the_language_of_the_account(bilingual: Service, recorder: Recorder) -> None:
    """A stranger who asks for a reset, or signs up with the address, does not choose the language of its owner."""
    for language, reset, taken in (
        ("de", "Wählen Sie ein neues Passwort", "Sie haben schon ein Konto"),
        ("en-GB", "Choose a new password", "You have an account"),
    ):
        person = newcomer(bilingual, recorder, language)
        stranger = speaking(CheckedApi(bilingual.url), "en" if language == "de" else "de")
        stranger.call("POST", "/password-reset", {"email": person.email}).must(202)
        mail = newest(recorder, person.email, 2)
        assert mail["subject"].startswith(reset)
        assert mail["locale"] == language[:2]
        stranger.sign_up(person.email).must(202)
        assert newest(recorder, person.email, 3)["subject"].startswith(taken)


def test_a_new_computer_does_not_choose_the_language_and_its_owner_does(bilingual: Service, recorder: Recorder) -> None:
    """An intruder cannot make notices unreadable by signing in; who unlocks the settings is followed."""
    person = newcomer(bilingual, recorder, "en")
    for count, program in ((2, "curl/8"), (3, "Chrome/140.0")):
        sign_in_with(person, program, "de")
        assert newest(recorder, person.email, count)["subject"].startswith(NEW_COMPUTER)
    pass_time(bilingual, DAY)
    sign_in_with(person, "curl/8", "de")  # which is known by now
    sign_in_with(person, "Edg/140.0", "de")
    assert newest(recorder, person.email, 4)["subject"].startswith(NEW_COMPUTER)
    person.api.sign_in(person.email).must(200)
    speaking(person.api, "de").unlock(PASSWORD).must(200)
    sign_in_with(person, "Firefox/140.0", "en")
    notice = newest(recorder, person.email, 5)
    assert notice["subject"].startswith(NEUER_COMPUTER)
    assert notice["locale"] == "de"


def test_an_account_made_by_the_operator_learns_its_language_at_first_sight(
    bilingual: Service, recorder: Recorder
) -> None:
    """The first sign-in tells it; a program that names no language leaves it as it is."""
    person = Resident(bilingual)
    added = bilingual.command("account", "add", person.email, "--password-file", "-", stdin=PASSWORD)
    assert added.returncode == 0, added.stderr
    speaking(person.api, "fr, de").sign_in(person.email).must(200)
    phone = Phone(bilingual.url)
    speaking(person.api, None).begin_phone("sms", phone.number).must(201)
    assert newest(recorder, phone.number, 1)["locale"] == "de"


@pytest.mark.parametrize("accepted, shown", [("de", "de"), ("en, de", "en"), ("fr", "en"), ("", "en")])
def test_pages_are_in_the_language_of_their_request(bilingual: Service, accepted: str, shown: str) -> None:
    """And say so to those who read them aloud."""
    page = speaking(FormBrowser(bilingual.url), accepted).get("/sign-in").must(200)
    assert f'<html lang="{shown}"' in page.html
    assert ("Anmelden" in page.words) is (shown == "de")
