"""Forgotten passwords: a mailed link that lives an hour, works once, signs nobody in and lifts no second factor."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.clients import PASSWORD, Answer
from tests.forms import FormBrowser
from tests.mailbox import link_in, mails_to, token_in, wait_for_mail, wait_for_mails
from tests.residents import DAY, HOUR, Resident, pass_time, protected, resident
from tests.service import Service
from tests.sync import json_request, release_together
from twofold.base.database import Transaction, open_database

NEW_PASSWORD = "lantern-meadow-cobalt-17"
SUBJECT = "Choose a new password"
FOREIGN = {
    "Host": {"Host": "evil.example"},
    "Host with port": {"Host": "127.0.0.1:1"},
    "X-Forwarded-Host": {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "1"},
    "X-Forwarded-Proto": {"X-Forwarded-Proto": "https"},
    "Forwarded": {"Forwarded": "host=evil.example;proto=https"},
    "X-Original-URL": {"X-Original-URL": "https://evil.example/", "X-Forwarded-Prefix": "/evil"},
}


def ask(person: Resident, **headers: str) -> Answer:
    """POST /password-reset, as somebody who is not signed in."""
    body = {"email": person.email}
    return person.another_browser().call("POST", "/password-reset", body, headers=headers).must(202)


def mailed(person: Resident) -> str:
    """Asks for a link; gives the token that was mailed."""
    before = len(mails_to(person.service, person.email, SUBJECT))
    ask(person)
    return token_in(wait_for_mails(person.service, person.email, before + 1, SUBJECT)[-1], "/reset-password/")


def complete(person: Resident, token: str, new: str = NEW_PASSWORD) -> Answer:
    """POST /password-reset/complete."""
    body = {"token": token, "new_password": new}
    return person.another_browser().call("POST", "/password-reset/complete", body)


def test_the_pages_lead_to_a_new_password(moving: Service) -> None:
    """From the sign-in page to the mail, to the new password, and to the sign-in, where the code is still asked for."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    assert '/forgot-password"' in browser.get("/sign-in").must(200).html
    assert "Check your mail" in browser.submit("/forgot-password", "/forgot-password", email=person.email).words
    path = link_in(wait_for_mail(moving, person.email, SUBJECT), "/reset-password/")
    shown = browser.submit(path, path, new_password=NEW_PASSWORD).must(200)
    assert "Your password is changed" in shown.words
    assert "twofold_session" not in browser.cookies
    browser.get("/settings").goes_to("/sign-in")
    browser.sign_in(person.email, NEW_PASSWORD).goes_to("/sign-in/code")
    person.api.session().refused(401, "not_signed_in")


def test_looking_does_not_use_it_up_and_using_does(moving: Service) -> None:
    """Mail scanners follow links, by GET and HEAD; of twenty who use it at once one succeeds (CVE-2024-41890)."""
    person = protected(moving)
    token = mailed(person)
    for _ in range(3):
        for method in ("GET", "HEAD"):
            seen = httpx2.request(method, f"{moving.url}/reset-password/{token}", trust_env=False)
            assert seen.status_code == 200
    body = {"token": token, "new_password": NEW_PASSWORD}
    answers = release_together(moving.url, [json_request(moving.url, "/password-reset/complete", body)] * 15)
    assert sorted({each.status for each in answers}) == [204, 404]
    assert [each.status for each in answers].count(204) == 1
    complete(person, token).refused(404, "not_found")


def test_a_link_dies_after_an_hour(moving: Service) -> None:
    """Not a second later than it says."""
    person = protected(moving)
    token = mailed(person)
    pass_time(moving, HOUR + 1)
    complete(person, token).refused(404, "not_found")
    FormBrowser(moving.url).get(f"/reset-password/{token}").must(404)


def test_a_newer_link_kills_the_older(moving: Service) -> None:
    """Also one that an administrator made."""
    person = protected(moving)
    first, second = mailed(person), mailed(person)
    complete(person, first).refused(404, "not_found")
    made = moving.command("account", "reset-password", person.email).stdout.split()[-1].rpartition("/")[2]
    complete(person, second).refused(404, "not_found")
    complete(person, made).must(204)


def test_a_link_dies_with_the_credentials_it_was_made_under(moving: Service) -> None:
    """After a change of password, of address, or of a factor, and while the account is disabled."""
    person = protected(moving)
    token = mailed(person)
    person.api.change_password(NEW_PASSWORD).must(204)
    complete(person, token).refused(404, "not_found")
    person = protected(moving)
    token, address = mailed(person), f"new-{person.email}"
    person.api.call("PUT", "/account/email", {"email": address}).must(202)
    change = token_in(wait_for_mail(moving, address, "Confirm your new email"), "/change-email/")
    person.api.call("POST", "/account/email/complete", {"token": change}).must(204)
    complete(person, token).refused(404, "not_found")
    person = protected(moving)
    token = mailed(person)
    assert moving.command("account", "disable", person.email).returncode == 0
    complete(person, token).refused(404, "not_found")


def test_the_second_factor_stays(moving: Service) -> None:
    """Whoever has the mailbox alone is still asked for a code; the recovery code is the old one."""
    person = protected(moving)
    complete(person, mailed(person)).must(204)
    person.password = NEW_PASSWORD
    person.half_open().give_code(person.wrong_code()).refused(401, "wrong_code")
    person.half_open().give_recovery_code(person.recovery_code or "").must(200)


def test_a_weak_password_does_not_use_the_link_up(moving: Service) -> None:
    """The remedy is told, and the link still works."""
    person = protected(moving)
    token = mailed(person)
    complete(person, token, "short").refused(422, "invalid_request")
    complete(person, token).must(204)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_link_is_built_from_the_settings_alone(moving: Service, name: str) -> None:
    """Whatever host a request names, the mail names ours (ZITADEL CVE-2023-49097)."""
    person = resident(moving)
    answer = httpx2.post(
        f"{moving.url}/api/v1/password-reset", json={"email": person.email}, headers=FOREIGN[name], trust_env=False
    )
    assert answer.status_code == 202
    text = wait_for_mail(moving, person.email, SUBJECT)["text"]
    assert f"{moving.url}/reset-password/" in text
    assert "evil" not in text
    assert text.count("://") == 1


def test_an_absolute_address_in_the_request_line_is_not_believed(moving: Service) -> None:
    """As a proxy would be asked; the link is ours."""
    person = resident(moving)
    request = json_request(moving.url, "/password-reset", {"email": person.email})
    request = request.replace(b"POST /api", b"POST http://evil.example/api", 1)
    (answer,) = release_together(moving.url, [request])
    if answer.status == 202:
        assert "evil" not in wait_for_mail(moving, person.email, SUBJECT)["text"]
    else:
        assert answer.status in (400, 404, 421)


def test_mails_are_limited_by_address_and_the_answer_stays_the_same(moving: Service) -> None:
    """Three an hour, ten a day; beyond, nothing is sent and the last link is good."""
    person = resident(moving)
    for _ in range(3):
        token = mailed(person)
    for _ in range(3):
        assert ask(person).text == ""
    pass_time(moving, 1)
    other = resident(moving)
    mailed(other)  # posted later, and it is there: nothing of the first is on its way
    assert len(mails_to(moving, person.email)) == 3
    complete(person, token).must(204)
    pass_time(moving, HOUR + 1)
    mailed(person)


def test_ten_a_day_and_no_more(moving: Service) -> None:
    """Whoever asks each hour, too."""
    person = resident(moving)
    sent = 0
    for _ in range(5):
        for _ in range(3):
            ask(person)
        sent = min(sent + 3, 10)
        wait_for_mails(moving, person.email, sent)
        pass_time(moving, HOUR + 1)
    mailed(resident(moving))
    assert len(mails_to(moving, person.email)) == 10
    pass_time(moving, DAY)
    mailed(person)


def test_fifty_at_once_send_no_more_than_the_limit(moving: Service) -> None:
    """The mails are counted in the transaction that posts them."""
    person = resident(moving)
    request = json_request(moving.url, "/password-reset", {"email": person.email})
    answers = release_together(moving.url, [request] * 50)
    assert {each.status for each in answers} == {202}
    mailed(resident(moving))
    assert len(mails_to(moving, person.email)) == 3


def test_nobody_unknown_or_disabled_gets_a_mail(moving: Service) -> None:
    """The answer is the same, and no stranger hears from us."""
    person = resident(moving)
    assert moving.command("account", "disable", person.email).returncode == 0
    stranger = Resident(moving)
    for each in (person, stranger):
        ask(each)
    mailed(resident(moving))
    assert mails_to(moving, stranger.email) == []
    assert [mail for mail in mails_to(moving, person.email) if mail["subject"].startswith(SUBJECT)] == []


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "a@example.com\r\nBcc: b@example.com"])
def test_what_is_no_address_is_told(moving: Service, email: str) -> None:
    """That much may be told: it is nobody's."""
    api = resident(moving).another_browser()
    refused = api.call("POST", "/password-reset", {"email": email}).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["email"]
    shown = FormBrowser(moving.url).submit("/forgot-password", "/forgot-password", email=email).must(422)
    assert "There is a problem" in shown.words


def refusals(service: Service) -> list[dict[str, Any]]:
    """All refused events of a service, oldest first."""

    async def listed(tx: Transaction) -> list[dict[str, Any]]:
        return [dict(row) for row in await tx.all("SELECT * FROM event WHERE outcome = 'refused' ORDER BY id")]

    async def read() -> list[dict[str, Any]]:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            return await db.read(listed)
        finally:
            await db.close()

    return asyncio.run(read())


def test_a_dead_link_that_names_an_account_is_recorded_once(moving: Service) -> None:
    """Whose password somebody tried to set by a link that was over; made-up links name nobody."""
    person = protected(moving)
    token = mailed(person)
    person.api.change_password(NEW_PASSWORD).must(204)
    before = len(refusals(moving))
    for _ in range(3):
        complete(person, token).refused(404, "not_found")
        complete(person, "x" * 43).refused(404, "not_found")
    found = refusals(moving)[before:]
    assert [each["name"] for each in found] == ["password:reset"]
    assert PASSWORD not in str(found)
