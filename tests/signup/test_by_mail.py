"""Signing up where mail is configured: an account needs a proven email, and no one learns which accounts exist."""

from collections.abc import Iterator

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.recorder import Recorder
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.sync import json_request, release_together
from tests.support.users import HOUR, User, pass_time

OTHER_PASSWORD = "lantern-meadow-cobalt-17"
CONFIRM, TAKEN = "Confirm your email", "You already have an account"


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """Yield the mail server of these tests."""
    with Recorder() as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def mailing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, recorder: Recorder
) -> Iterator[Service]:
    """Yield the real server with mail, and a clock that moves forward."""
    folder = tmp_path_factory.mktemp("mailing")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings={"mail_url": recorder.url}) as running:
        yield running


def signed_up(service: Service, recorder: Recorder) -> tuple[User, str]:
    """Return a person who has signed up, and the path of the mailed link."""
    person = User(service)
    person.api.sign_up(person.email).expect(202)
    return person, recorder.path_to(person.email)


def test_account_is_created_only_after_the_link_is_confirmed(mailing: Service, recorder: Recorder) -> None:
    """The link's page asks for the password that was chosen; then there is an account, and its owner is signed in."""
    person, path = signed_up(mailing, recorder)
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")
    browser = FormBrowser(mailing.url)
    for _ in range(3):
        browser.get(path).expect(200)
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")
    browser.submit(path, path, password=PASSWORD).goes_to("/settings")
    assert person.email in browser.get("/settings").expect(200).words
    person.another_browser().sign_in(person.email).expect(200)
    browser.get(path).expect(404)


def test_sign_up_page_says_to_check_the_mailbox(mailing: Service, recorder: Recorder) -> None:
    """Signing up creates no session, and the mail contains the next step."""
    person, browser = User(mailing), FormBrowser(mailing.url)
    shown = browser.submit("/sign-up", "/sign-up", email=person.email, password=PASSWORD).expect(200)
    assert "Check your email" in shown.words
    assert browser.cookies == {}
    assert recorder.wait_for(person.email)[0]["subject"].startswith(CONFIRM)


def test_sign_up_by_mail_works_through_the_api(mailing: Service, recorder: Recorder) -> None:
    """202 without a body; the token and the password make the account, once."""
    person, path = signed_up(mailing, recorder)
    body = {"token": path.rpartition("/")[2], "password": PASSWORD}
    made = person.api.call("POST", "/accounts/complete", body).expect(201)
    assert made["account"]["email"] == person.email
    person.api.call("POST", "/accounts/complete", body).refused(404, "not_found")
    person.sign_in()


def test_confirmation_link_requires_the_chosen_password(mailing: Service, recorder: Recorder) -> None:
    """The owner of the mailbox does not know the stranger's password; five attempts end the link."""
    person, path = signed_up(mailing, recorder)
    token = path.rpartition("/")[2]
    wrong = {"token": token, "password": OTHER_PASSWORD}
    for _ in range(4):
        person.api.call("POST", "/accounts/complete", wrong).refused(401, "wrong_credentials")
    shown = FormBrowser(mailing.url).submit(path, path, password=OTHER_PASSWORD).expect(404)
    assert "This link no longer works" in shown.words
    person.api.call("POST", "/accounts/complete", {"token": token, "password": PASSWORD}).refused(404, "not_found")
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")


def test_later_sign_up_replaces_an_earlier_one(mailing: Service, recorder: Recorder) -> None:
    """Signing up first does not reserve an email; only the newest link and password count."""
    person, first = signed_up(mailing, recorder)
    person.api.sign_up(person.email, OTHER_PASSWORD).expect(202)
    recorder.wait_for(person.email, 2)
    second = recorder.path_to(person.email)
    person.api.call("POST", "/accounts/complete", {"token": first.rpartition("/")[2], "password": PASSWORD}).expect(404)
    browser = FormBrowser(mailing.url)
    browser.submit(second, second, password=PASSWORD).expect(401)
    browser.submit(second, second, password=OTHER_PASSWORD).goes_to("/settings")


def test_confirmation_link_expires_after_an_hour(mailing: Service, recorder: Recorder) -> None:
    """Then one signs up again."""
    _person, path = signed_up(mailing, recorder)
    pass_time(mailing, HOUR + 1)
    FormBrowser(mailing.url).get(path).expect(404)


def test_known_email_gets_the_same_response_and_its_owner_a_mail(mailing: Service, recorder: Recorder) -> None:
    """The account is unchanged; the mail explains how to sign in and contains no link that changes anything."""
    owner, path = signed_up(mailing, recorder)
    FormBrowser(mailing.url).submit(path, path, password=PASSWORD).goes_to("/settings")
    stranger = User(mailing)
    new = stranger.api.sign_up(User(mailing).email, OTHER_PASSWORD)
    known = stranger.api.sign_up(owner.email, OTHER_PASSWORD)
    assert (new.status, new.text) == (known.status, known.text) == (202, "")
    assert new.headers.keys() == known.headers.keys()
    mail = recorder.wait_for(owner.email, 2)[-1]
    assert mail["subject"].startswith(TAKEN)
    assert "/sign-up/" not in mail["text"]
    assert f"{mailing.url}/forgot-password" in mail["text"]
    owner.another_browser().sign_in(owner.email, OTHER_PASSWORD).refused(401, "wrong_credentials")
    owner.sign_in()
    refused = [each for each in owner.api.events(limit="100")["items"] if each["outcome"] == "refused"]
    assert [each["name"] for each in refused if each["data"]["reason"] == "conflict"] == ["account:created"]


def test_confirmation_mails_are_limited_by_email(mailing: Service, recorder: Recorder) -> None:
    """Three an hour are sent, even of fifty requests at once; the responses reveal nothing."""
    person = User(mailing)
    request = json_request(mailing.url, "/accounts", {"email": person.email, "password": PASSWORD})
    answers = release_together(mailing.url, [request] * 12)
    assert {each.status for each in answers} <= {202, 503}
    signed_up(mailing, recorder)  # later, and its mail is there
    assert len(recorder.wait_for(person.email, 3)) == 3


def test_sign_ups_by_strangers_do_not_count_against_password_resets(mailing: Service, recorder: Recorder) -> None:
    """Each purpose counts for itself."""
    owner, path = signed_up(mailing, recorder)
    FormBrowser(mailing.url).submit(path, path, password=PASSWORD).goes_to("/settings")
    for _ in range(4):
        owner.another_browser().sign_up(owner.email, OTHER_PASSWORD).expect(202)
    owner.another_browser().call("POST", "/password-reset", {"email": owner.email}).expect(202)
    found = [each["subject"] for each in recorder.wait_for(owner.email, 4)]
    assert sum(subject.startswith("Choose a new password") for subject in found) == 1


def test_concurrent_confirmations_create_one_account(mailing: Service, recorder: Recorder) -> None:
    """One account, one answer of success."""
    _person, path = signed_up(mailing, recorder)
    body = {"token": path.rpartition("/")[2], "password": PASSWORD}
    answers = release_together(mailing.url, [json_request(mailing.url, "/accounts/complete", body)] * 5)
    assert [each.status for each in answers].count(201) == 1


def test_development_mailbox_is_not_found_where_mail_is_configured(mailing: Service) -> None:
    """Sent mail cannot be read on the machine."""
    assert "reset" not in FormBrowser(mailing.url).get("/dev/outbox.json").html
