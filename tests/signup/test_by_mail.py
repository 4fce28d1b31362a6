"""Signing up where mail is configured: no account before its address is proven, and nobody learns who has one."""

from collections.abc import Iterator

import pytest

from tests.clients import PASSWORD
from tests.conftest import DATABASES, new_database
from tests.forms import FormBrowser
from tests.recorder import Recorder
from tests.residents import HOUR, Resident, pass_time
from tests.service import Service
from tests.shifted import ShiftedService
from tests.sync import json_request, release_together

OTHER_PASSWORD = "lantern-meadow-cobalt-17"
CONFIRM, TAKEN = "Confirm your email", "You have an account"


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """The mail server of these tests."""
    with Recorder() as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def mailing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, recorder: Recorder
) -> Iterator[Service]:
    """The real server with mail, and a clock that moves forward."""
    folder = tmp_path_factory.mktemp("mailing")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings={"mail_url": recorder.url}) as running:
        yield running


def signed_up(service: Service, recorder: Recorder) -> tuple[Resident, str]:
    """Somebody who has signed up, and the path of the link in the mailbox."""
    person = Resident(service)
    person.api.sign_up(person.email).must(202)
    return person, recorder.path_to(person.email)


def test_there_is_no_account_before_the_link(mailing: Service, recorder: Recorder) -> None:
    """The link's page asks for the password that was chosen; then there is an account, and its owner is signed in."""
    person, path = signed_up(mailing, recorder)
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")
    browser = FormBrowser(mailing.url)
    for _ in range(3):
        browser.get(path).must(200)
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")
    browser.submit(path, path, password=PASSWORD).goes_to("/settings")
    assert person.email in browser.get("/settings").must(200).words
    person.another_browser().sign_in(person.email).must(200)
    browser.get(path).must(404)


def test_the_page_says_to_look_into_the_mailbox(mailing: Service, recorder: Recorder) -> None:
    """Nobody is signed in by signing up, and the mail brings the way on."""
    person, browser = Resident(mailing), FormBrowser(mailing.url)
    shown = browser.submit("/sign-up", "/sign-up", email=person.email, password=PASSWORD).must(200)
    assert "Check your mail" in shown.words
    assert browser.cookies == {}
    assert recorder.wait_for(person.email)[0]["subject"].startswith(CONFIRM)


def test_the_api_leads_through_it(mailing: Service, recorder: Recorder) -> None:
    """202 without a body; the token and the password make the account, once."""
    person, path = signed_up(mailing, recorder)
    body = {"token": path.rpartition("/")[2], "password": PASSWORD}
    made = person.api.call("POST", "/accounts/complete", body).must(201)
    assert made["account"]["email"] == person.email
    person.api.call("POST", "/accounts/complete", body).refused(404, "not_found")
    person.sign_in()


def test_the_mailbox_alone_makes_no_account(mailing: Service, recorder: Recorder) -> None:
    """Whoever clicks a link that a stranger caused does not know the stranger's password; five tries end the link."""
    person, path = signed_up(mailing, recorder)
    token = path.rpartition("/")[2]
    wrong = {"token": token, "password": OTHER_PASSWORD}
    for _ in range(4):
        person.api.call("POST", "/accounts/complete", wrong).refused(401, "wrong_credentials")
    shown = FormBrowser(mailing.url).submit(path, path, password=OTHER_PASSWORD).must(401)
    assert "This link no longer works" in shown.words
    person.api.call("POST", "/accounts/complete", {"token": token, "password": PASSWORD}).refused(404, "not_found")
    person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")


def test_a_later_sign_up_replaces_an_earlier_one(mailing: Service, recorder: Recorder) -> None:
    """Nobody keeps an address occupied by signing up first; only the newest link and password count."""
    person, first = signed_up(mailing, recorder)
    person.api.sign_up(person.email, OTHER_PASSWORD).must(202)
    recorder.wait_for(person.email, 2)
    second = recorder.path_to(person.email)
    person.api.call("POST", "/accounts/complete", {"token": first.rpartition("/")[2], "password": PASSWORD}).must(404)
    browser = FormBrowser(mailing.url)
    browser.submit(second, second, password=PASSWORD).must(401)
    browser.submit(second, second, password=OTHER_PASSWORD).goes_to("/settings")


def test_a_link_lives_an_hour(mailing: Service, recorder: Recorder) -> None:
    """Then one signs up again."""
    _person, path = signed_up(mailing, recorder)
    pass_time(mailing, HOUR + 1)
    FormBrowser(mailing.url).get(path).must(404)


def test_a_known_address_gets_the_same_answer_and_its_owner_a_mail(mailing: Service, recorder: Recorder) -> None:
    """The account is unchanged; the mail tells of the try and how to get in, with no link that makes anything."""
    owner, path = signed_up(mailing, recorder)
    FormBrowser(mailing.url).submit(path, path, password=PASSWORD).goes_to("/settings")
    stranger = Resident(mailing)
    new = stranger.api.sign_up(Resident(mailing).email, OTHER_PASSWORD)
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


def test_mails_are_limited_by_address(mailing: Service, recorder: Recorder) -> None:
    """Three an hour, of fifty that come at once, too; the answers tell nothing of it."""
    person = Resident(mailing)
    request = json_request(mailing.url, "/accounts", {"email": person.email, "password": PASSWORD})
    answers = release_together(mailing.url, [request] * 12)
    assert {each.status for each in answers} <= {202, 503}
    signed_up(mailing, recorder)  # later, and its mail is there
    assert len(recorder.wait_for(person.email, 3)) == 3


def test_sign_ups_of_strangers_do_not_use_up_the_owners_resets(mailing: Service, recorder: Recorder) -> None:
    """Each purpose counts for itself."""
    owner, path = signed_up(mailing, recorder)
    FormBrowser(mailing.url).submit(path, path, password=PASSWORD).goes_to("/settings")
    for _ in range(4):
        owner.another_browser().sign_up(owner.email, OTHER_PASSWORD).must(202)
    owner.another_browser().call("POST", "/password-reset", {"email": owner.email}).must(202)
    found = [each["subject"] for each in recorder.wait_for(owner.email, 4)]
    assert sum(subject.startswith("Choose a new password") for subject in found) == 1


def test_of_many_who_confirm_at_once_one_makes_the_account(mailing: Service, recorder: Recorder) -> None:
    """One account, one answer of success."""
    _person, path = signed_up(mailing, recorder)
    body = {"token": path.rpartition("/")[2], "password": PASSWORD}
    answers = release_together(mailing.url, [json_request(mailing.url, "/accounts/complete", body)] * 5)
    assert [each.status for each in answers].count(201) == 1


def test_there_is_no_development_mailbox(mailing: Service) -> None:
    """Where mail goes out, nobody on the machine reads it."""
    assert "reset" not in FormBrowser(mailing.url).get("/dev/outbox.json").html
