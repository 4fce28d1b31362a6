"""Forgotten passwords: a mailed link is valid for an hour, works once, creates no session and keeps 2FA on."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.support.clients import PASSWORD, Answer
from tests.support.forms import FormBrowser
from tests.support.mailbox import link_in, mails_to, token_in, wait_for_mail, wait_for_mails
from tests.support.service import Service
from tests.support.sync import json_request, release_together
from tests.support.users import DAY, HOUR, User, new_user, pass_time, protected
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


def ask(person: User, **headers: str) -> Answer:
    """Send POST /password-reset without a session."""
    body = {"email": person.email}
    return person.another_browser().call("POST", "/password-reset", body, headers=headers).expect(202)


def mailed(person: User) -> str:
    """Request a link and return the token that was mailed."""
    before = len(mails_to(person.service, person.email, SUBJECT))
    ask(person)
    return token_in(wait_for_mails(person.service, person.email, before + 1, SUBJECT)[-1], "/reset-password/")


def complete(person: User, token: str, new: str = NEW_PASSWORD) -> Answer:
    """POST /password-reset/complete."""
    body = {"token": token, "new_password": new}
    return person.another_browser().call("POST", "/password-reset/complete", body)


def test_forgotten_password_pages_lead_to_a_new_password(moving: Service) -> None:
    """From the sign-in page to the mail, the new password, and a sign-in that still needs the code."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    assert '/forgot-password"' in browser.get("/sign-in").expect(200).html
    assert "Check your email" in browser.submit("/forgot-password", "/forgot-password", email=person.email).words
    path = link_in(wait_for_mail(moving, person.email, SUBJECT), "/reset-password/")
    shown = browser.submit(path, path, new_password=NEW_PASSWORD).expect(200)
    assert "Your password was changed" in shown.words
    assert "twofold_session" not in browser.cookies
    browser.get("/settings").goes_to("/sign-in")
    browser.sign_in(person.email, NEW_PASSWORD).goes_to("/sign-in/code")
    person.api.session().refused(401, "not_signed_in")


def test_reset_link_is_consumed_by_use_and_not_by_viewing(moving: Service) -> None:
    """Mail scanners follow links by GET and HEAD; of twenty uses at once one succeeds (CVE-2024-41890)."""
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


def test_reset_link_expires_after_an_hour(moving: Service) -> None:
    """Not a second later than it says."""
    person = protected(moving)
    token = mailed(person)
    pass_time(moving, HOUR + 1)
    complete(person, token).refused(404, "not_found")
    FormBrowser(moving.url).get(f"/reset-password/{token}").expect(404)


def handed_out(person: User) -> str:
    """Return the token of a link that an administrator makes."""
    printed = person.service.command("account", "reset-password", person.email).stdout
    return printed.split()[-1].rpartition("/")[2]


def test_newer_mailed_link_replaces_the_older_one(moving: Service) -> None:
    """Only the newest works."""
    person = protected(moving)
    first, second = mailed(person), mailed(person)
    complete(person, first).refused(404, "not_found")
    complete(person, second).expect(204)


def test_reset_request_by_a_stranger_keeps_the_administrators_link(moving: Service) -> None:
    """Its owner cannot read the mailbox; it works for an hour despite any number of other requests."""
    person = protected(moving)
    link = handed_out(person)
    token = mailed(person)
    FormBrowser(moving.url).get(f"/reset-password/{link}").expect(200)
    complete(person, link).expect(204)
    complete(person, token).refused(404, "not_found")


def test_administrators_link_keeps_the_mailed_one(moving: Service) -> None:
    """The newer of two that an administrator made replaces the older; a password set by either ends all."""
    person = protected(moving)
    token, first, second = mailed(person), handed_out(person), handed_out(person)
    complete(person, first).refused(404, "not_found")
    complete(person, token).expect(204)
    complete(person, second).refused(404, "not_found")


def test_change_of_credentials_ends_both_links(moving: Service) -> None:
    """Both the mailed link and the administrator's link end."""
    person = protected(moving)
    tokens = [mailed(person), handed_out(person)]
    person.api.change_password(NEW_PASSWORD).expect(204)
    for token in tokens:
        complete(person, token).refused(404, "not_found")


def test_reset_link_ends_when_credentials_change(moving: Service) -> None:
    """After a change of password, of address, or of a factor, and while the account is disabled."""
    person = protected(moving)
    token = mailed(person)
    person.api.change_password(NEW_PASSWORD).expect(204)
    complete(person, token).refused(404, "not_found")
    person = protected(moving)
    token, address = mailed(person), f"new-{person.email}"
    person.api.call("PUT", "/account/email", {"email": address}).expect(202)
    change = token_in(wait_for_mail(moving, address, "Confirm your new email"), "/change-email/")
    person.api.call("POST", "/account/email/complete", {"token": change}).expect(204)
    complete(person, token).refused(404, "not_found")
    person = protected(moving)
    token = mailed(person)
    assert moving.command("account", "disable", person.email).returncode == 0
    complete(person, token).refused(404, "not_found")


def test_password_reset_keeps_the_second_factor(moving: Service) -> None:
    """Access to the mailbox alone still needs a code; the recovery code is unchanged."""
    person = protected(moving)
    complete(person, mailed(person)).expect(204)
    person.password = NEW_PASSWORD
    person.half_open().give_code(person.wrong_code()).refused(401, "wrong_code")
    person.half_open().give_recovery_code(person.recovery_code or "").expect(200)


def test_weak_password_does_not_consume_the_reset_link(moving: Service) -> None:
    """The error explains what to change, and the link still works."""
    person = protected(moving)
    token = mailed(person)
    complete(person, token, "short").refused(422, "invalid_request")
    complete(person, token).expect(204)


@pytest.mark.parametrize("name", FOREIGN)
def test_reset_link_ignores_the_host_header(moving: Service, name: str) -> None:
    """The link always uses the configured base URL (ZITADEL CVE-2023-49097)."""
    person = new_user(moving)
    answer = httpx2.post(
        f"{moving.url}/api/v1/password-reset", json={"email": person.email}, headers=FOREIGN[name], trust_env=False
    )
    assert answer.status_code == 202
    text = wait_for_mail(moving, person.email, SUBJECT)["text"]
    assert f"{moving.url}/reset-password/" in text
    assert "evil" not in text
    assert text.count("://") == 1


def test_reset_link_ignores_an_absolute_request_target(moving: Service) -> None:
    """The request line has the form that a proxy gets; the link uses the base URL."""
    person = new_user(moving)
    request = json_request(moving.url, "/password-reset", {"email": person.email})
    request = request.replace(b"POST /api", b"POST http://evil.example/api", 1)
    (answer,) = release_together(moving.url, [request])
    if answer.status == 202:
        assert "evil" not in wait_for_mail(moving, person.email, SUBJECT)["text"]
    else:
        assert answer.status in (400, 404, 421)


def test_reset_mails_are_limited_by_email_with_the_same_response(moving: Service) -> None:
    """Three an hour, ten a day; beyond that nothing is sent and the last link stays valid."""
    person = new_user(moving)
    for _ in range(3):
        token = mailed(person)
    for _ in range(3):
        assert ask(person).text == ""
    pass_time(moving, 1)
    other = new_user(moving)
    mailed(other)  # posted later, and it is there: nothing of the first is on its way
    assert len(mails_to(moving, person.email)) == 3
    complete(person, token).expect(204)
    pass_time(moving, HOUR + 1)
    mailed(person)


def test_reset_mails_are_limited_to_ten_a_day(moving: Service) -> None:
    """Even one request an hour reaches the limit."""
    person = new_user(moving)
    sent = 0
    for _ in range(5):
        for _ in range(3):
            ask(person)
        sent = min(sent + 3, 10)
        wait_for_mails(moving, person.email, sent)
        pass_time(moving, HOUR + 1)
    mailed(new_user(moving))
    assert len(mails_to(moving, person.email)) == 10
    pass_time(moving, DAY)
    mailed(person)


def test_concurrent_reset_requests_stay_within_the_limit(moving: Service) -> None:
    """The mails are counted in the transaction that posts them."""
    person = new_user(moving)
    request = json_request(moving.url, "/password-reset", {"email": person.email})
    answers = release_together(moving.url, [request] * 50)
    assert {each.status for each in answers} == {202}
    mailed(new_user(moving))
    assert len(mails_to(moving, person.email)) == 3


def test_unknown_or_disabled_account_gets_no_reset_mail(moving: Service) -> None:
    """The answer is the same, and no stranger hears from us."""
    person = new_user(moving)
    assert moving.command("account", "disable", person.email).returncode == 0
    stranger = User(moving)
    for each in (person, stranger):
        ask(each)
    mailed(new_user(moving))
    assert mails_to(moving, stranger.email) == []
    assert [mail for mail in mails_to(moving, person.email) if mail["subject"].startswith(SUBJECT)] == []


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "a@example.com\r\nBcc: b@example.com"])
def test_malformed_email_in_a_reset_request_is_refused(moving: Service, email: str) -> None:
    """This reveals nothing, because no account can have it."""
    api = new_user(moving).another_browser()
    refused = api.call("POST", "/password-reset", {"email": email}).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["email"]
    shown = FormBrowser(moving.url).submit("/forgot-password", "/forgot-password", email=email).expect(422)
    assert "There is a problem" in shown.words


def refusals(service: Service) -> list[dict[str, Any]]:
    """Return all refused events of a service, oldest first."""

    async def listed(tx: Transaction) -> list[dict[str, Any]]:
        return [dict(row) for row in await tx.all("SELECT * FROM event WHERE outcome = 'refused' ORDER BY id")]

    async def read() -> list[dict[str, Any]]:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            return await db.read(listed)
        finally:
            await db.close()

    return asyncio.run(read())


def test_expired_reset_link_of_an_account_is_recorded_once(moving: Service) -> None:
    """The event belongs to the account of the link; invented links have none."""
    person = protected(moving)
    token = mailed(person)
    person.api.change_password(NEW_PASSWORD).expect(204)
    before = len(refusals(moving))
    for _ in range(3):
        complete(person, token).refused(404, "not_found")
        complete(person, "x" * 43).refused(404, "not_found")
    found = refusals(moving)[before:]
    assert [each["name"] for each in found] == ["password:reset"]
    assert PASSWORD not in str(found)
