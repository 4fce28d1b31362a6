"""Messages to an account are in its own language, no matter who causes them."""

from collections.abc import Iterator
from typing import TypeVar

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.openapi import CheckedApi
from tests.support.phones import Phone
from tests.support.recorder import Recorder
from tests.support.second_language import bilingual_source
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.users import DAY, User, pass_time

NEW_COMPUTER = "Your account was used on a new computer"
NEUER_COMPUTER = "Ihr Konto wurde auf einem neuen Computer benutzt"


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """Yield the gateway and mail server of these tests."""
    with Recorder() as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def bilingual(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, recorder: Recorder
) -> Iterator[Service]:
    """Yield the real server with a German catalogue."""
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
    """Return the same client, which requests a language from then on."""
    client.http.headers.pop("Accept-Language", None)
    if language is not None:
        client.http.headers["Accept-Language"] = language
    return client


def newcomer(service: Service, recorder: Recorder, language: str) -> User:
    """Return a signed-in person who signed up in a language; later clients name none."""
    person = User(service)
    speaking(person.api, language).sign_up(person.email).expect(202)
    token = recorder.path_to(person.email).rpartition("/")[2]
    person.api.call("POST", "/accounts/complete", {"token": token, "password": PASSWORD}).expect(201)
    speaking(person.api, None).sign_in(person.email).expect(200)
    return person


def sign_in_with(person: User, program: str, language: str) -> None:
    """Sign in with a program that requests a language."""
    client = speaking(person.another_browser(), language)
    client.http.headers["User-Agent"] = program
    client.sign_in(person.email).expect(200)


def newest(recorder: Recorder, to: str, count: int) -> dict[str, str]:
    """Return the newest message to an address once there are this many."""
    return recorder.wait_for(to, count)[-1]


def test_codes_are_sent_in_the_language_of_the_account(bilingual: Service, recorder: Recorder) -> None:
    """By text and by voice, even if the request names another; the gateway gets the language, too."""
    person, phone = newcomer(bilingual, recorder, "de-CH, en;q=0.5"), Phone(bilingual.url)
    assert newest(recorder, person.email, 1)["subject"].startswith("Bestätigen Sie")
    speaking(person.api, "en")
    begun = person.api.begin_phone("sms", phone.number).expect(201)
    text = newest(recorder, phone.number, 1)
    assert (text["locale"], text["text"][6:21]) == ("de", " ist Ihr Code.\n")
    pass_time(bilingual, 60)
    pages = speaking(person.pages(), "en")
    pages.post(f"/settings/factors/{begun['id']}/send", {"kind": "voice"}).expect(303)
    call = newest(recorder, phone.number, 2)
    assert (call["channel"], call["locale"], call["text"][:7]) == ("voice", "de", "Hallo. ")


def test_notices_and_links_are_sent_in_the_language_of_the_account(bilingual: Service, recorder: Recorder) -> None:
    """A client that requests a reset or signs up with the address does not choose the language."""
    for language, reset, taken in (
        ("de", "Wählen Sie ein neues Passwort", "Sie haben schon ein Konto"),
        ("en-GB", "Choose a new password", "You already have an account"),
    ):
        person = newcomer(bilingual, recorder, language)
        stranger = speaking(CheckedApi(bilingual.url), "en" if language == "de" else "de")
        stranger.call("POST", "/password-reset", {"email": person.email}).expect(202)
        mail = newest(recorder, person.email, 2)
        assert mail["subject"].startswith(reset)
        assert mail["locale"] == language[:2]
        stranger.sign_up(person.email).expect(202)
        assert newest(recorder, person.email, 3)["subject"].startswith(taken)


def test_language_follows_unlocked_settings_but_not_a_new_computer(bilingual: Service, recorder: Recorder) -> None:
    """An intruder cannot make notices unreadable by signing in; only unlocking the settings changes the language."""
    person = newcomer(bilingual, recorder, "en")
    for count, program in ((2, "curl/8"), (3, "Chrome/140.0")):
        sign_in_with(person, program, "de")
        assert newest(recorder, person.email, count)["subject"].startswith(NEW_COMPUTER)
    pass_time(bilingual, DAY)
    sign_in_with(person, "curl/8", "de")  # known by now
    sign_in_with(person, "Edg/140.0", "de")
    assert newest(recorder, person.email, 4)["subject"].startswith(NEW_COMPUTER)
    person.api.sign_in(person.email).expect(200)
    speaking(person.api, "de").unlock(PASSWORD).expect(200)
    sign_in_with(person, "Firefox/140.0", "en")
    notice = newest(recorder, person.email, 5)
    assert notice["subject"].startswith(NEUER_COMPUTER)
    assert notice["locale"] == "de"


def test_first_sign_in_sets_the_language_of_an_added_account(bilingual: Service, recorder: Recorder) -> None:
    """A program that names no language leaves it unchanged."""
    person = User(bilingual)
    added = bilingual.command("account", "add", person.email, "--password-file", "-", stdin=PASSWORD)
    assert added.returncode == 0, added.stderr
    speaking(person.api, "fr, de").sign_in(person.email).expect(200)
    phone = Phone(bilingual.url)
    speaking(person.api, None).begin_phone("sms", phone.number).expect(201)
    assert newest(recorder, phone.number, 1)["locale"] == "de"


@pytest.mark.parametrize("accepted, shown", [("de", "de"), ("en, de", "en"), ("fr", "en"), ("", "en")])
def test_pages_use_and_declare_the_language_of_the_request(bilingual: Service, accepted: str, shown: str) -> None:
    """The page declares its language for screen readers."""
    page = speaking(FormBrowser(bilingual.url), accepted).get("/sign-in").expect(200)
    assert f'<html lang="{shown}"' in page.html
    assert ("Anmelden" in page.words) is (shown == "de")
