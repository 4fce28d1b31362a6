"""The history: every deed and every refusal of a proof is one entry with who, when, from where and how it ended."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.mailbox import token_in, wait_for_mail
from tests.support.phones import phone_user
from tests.support.service import Service
from tests.support.users import HOUR, User, new_user, pass_time, protected
from twofold.audit.events import Event
from twofold.base.database import open_database

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def all_events(service: Service) -> list[dict[str, Any]]:
    """Return everything that the service has recorded, oldest first, from its database."""

    async def read() -> list[dict[str, Any]]:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            return [dict(row) for row in await db.read(lambda tx: tx.all("SELECT * FROM event ORDER BY id"))]
        finally:
            await db.close()

    return asyncio.run(read())


def names(person: User) -> list[str]:
    """Return what a person's own history says, newest first, as `name outcome`."""
    return [f"{each['name']} {each['outcome']}" for each in history(person)]


def history(person: User) -> Iterator[dict[str, Any]]:
    """Yield a person's own history, newest first, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = person.api.events(limit="100", **cursor).expect(200)
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = {"before": page["next"]}


def live_a_whole_life(service: Service) -> User:  # noqa: PLR0915 - a life is long
    """Do everything that can be done to an account, with and without errors."""
    path = urlsplit(service.command("account", "invite", "guest@example.com").stdout.split()[-1]).path
    FormBrowser(service.url).submit(path, path, password=PASSWORD).goes_to("/settings")
    person = protected(service)
    pages = person.pages()
    pages.post("/settings/recovery-code/saved", {"saved": "yes"}).expect(303)
    person.api.renew_recovery_code().expect(201)
    person.api.set_policy("once_per_computer").expect(200)
    first = person.factor_id or ""
    person.enable_totp(name="Second phone")
    person.api.set_policy("once_per_computer", default_factor_id=person.factor_id or "").expect(200)
    person.api.call("PATCH", f"/factors/{first}", {"name": "Old"}).expect(200)
    person.enable_totp(replaces=first)
    person.api.remove_factor(person.factor_id or "").expect(204)
    person.api.set_policy("disabled").expect(200)
    person = protected(service, "once_per_computer")
    for _ in range(2):
        person.sign_in(trust_this_computer=True)
        person.api.computer_token = None
    computer = person.api.trusted_computers()["items"][0]["id"]
    person.api.call("PATCH", f"/trusted-computers/{computer}", {"name": "Desk"}).expect(200)
    person.api.call("DELETE", f"/trusted-computers/{computer}").expect(204)
    person.api.call("DELETE", "/trusted-computers").expect(204)
    other = person.another_browser()
    person.sign_in(other)
    session = next(each["id"] for each in person.api.sessions()["items"] if not each["current"])
    person.api.call("DELETE", f"/sessions/{session}").expect(204)
    person.api.end_other_sessions().expect(204)
    person.pages().post("/settings/lock").goes_to("/settings")
    phone_user(service)
    person.api.unlock("wrong").expect(401)
    person.unlock()
    person.api.change_password(NEW_PASSWORD, "wrong").expect(401)
    person.half_open().give_code(person.wrong_code()).expect(401)
    person.half_open().give_recovery_code("A" * 25).expect(401)
    client = person.half_open()
    sign_in = client.sign_in_token
    client.give_recovery_code(person.recovery_code or "").expect(200)
    client.sign_in_token = sign_in
    assert client.give_recovery_code(person.recovery_code or "").expect(200)["recovery_code"]
    browser = FormBrowser(service.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    browser.post("/sign-in/cancel").goes_to("/sign-in")
    person.sign_in()
    person.api.change_password(NEW_PASSWORD).expect(204)
    person.api.sign_out().expect(204)
    link = service.command("account", "reset-password", person.email).stdout.split()[-1]
    body = {"token": link.rpartition("/")[2], "new_password": PASSWORD}
    person.api.call("POST", "/password-reset/complete", body).expect(204)
    change_rights(service, person)
    for command in ("unlock", "sign-out", "reset-2fa", "disable", "enable"):
        assert service.command("account", command, person.email).returncode == 0
    prepare_to_leave(service, person)
    person.another_browser().sign_in("nobody@example.com").expect(401)
    return person


def change_rights(service: Service, person: User) -> None:
    """Change name, username, role and groups on the command line."""
    group = f"group-{token_hex(4)}"
    for arguments in (
        ("account", "set", person.email, "--name", "Anna", "--username", f"anna-{token_hex(4)}", "--role", "auditor"),
        ("group", "add", group),
        ("group", "join", group, person.email),
        ("group", "leave", group, person.email),
        ("group", "remove", group),
    ):
        done = service.command(*arguments)
        assert done.returncode == 0, done.stderr


def prepare_to_leave(service: Service, person: User) -> None:
    """Reset the password, sign in on a new computer, change the email, and download the data."""
    person.another_browser().call("POST", "/password-reset", {"email": person.email}).expect(202)
    FormBrowser(service.url).sign_in(person.email, PASSWORD).goes_to("/settings")
    person.sign_in()
    person.api.call("POST", "/account/email/confirmation").expect(202)
    assert service.command("account", "confirm-email", person.email).returncode == 0
    person.api.call("PUT", "/account/email", {"email": f"new-{person.email}"}).expect(202)
    token = token_in(wait_for_mail(service, f"new-{person.email}", "Confirm your new email"), "/change-email/")
    person.api.call("POST", "/account/email/complete", {"token": token}).expect(204)
    person.pages().post("/settings/lock").goes_to("/settings")
    person.api.call("DELETE", "/account").expect(403)
    person.api.unlock(PASSWORD).expect(200)
    person.api.call("GET", "/account/export").expect(200)


def test_every_event_kind_is_recorded_by_some_action(moving: Service) -> None:
    """The list of events holds no name that nothing records; every entry is whole."""
    began = int(moving.clock())
    person = live_a_whole_life(moving)
    recorded = all_events(moving)
    person.api.call("DELETE", "/account").expect(204)
    deleted = [each for each in all_events(moving) if each["name"] == Event.ACCOUNT_DELETED]
    of_the_service = {event for event in Event if event.startswith("sending:")}  # tests/factors/test_spending.py
    retired = {Event.ACCOUNT_CLOSED}
    assert set(Event) - of_the_service - retired - {each["name"] for each in recorded + deleted} == set()
    for each in recorded:
        assert each["outcome"] in ("done", "refused")
        assert began - 1 <= each["at"] <= moving.clock() + 1
        assert each["agent"] in ("Command line", "Firefox on Linux", "Python", "Unknown program")
        is_command = each["agent"] == "Command line"
        assert each["source"] == ("" if is_command else "127.0.0.1")
        assert each["actor"] == ("command_line" if is_command else "account")
        assert each["actor_id"] == (None if is_command else each["account_id"])
        assert (json.loads(each["data"]).get("reason") is not None) == (each["outcome"] == "refused"), each
    nobody = {each["name"] for each in recorded if each["account_id"] is None}
    assert nobody == {"account:invited", "sign_in:password", "group:added", "group:removed"}


REFUSED: dict[str, Callable[[User], object]] = {
    "sign_in:password": lambda person: person.another_browser().sign_in(person.email, "wrong").expect(401),
    "sign_in:code": lambda person: person.half_open().give_code(person.wrong_code()).expect(401),
    "sign_in:recovery_code": lambda person: person.half_open().give_recovery_code("A" * 25).expect(401),
    "settings:unlocked": lambda person: person.api.unlock("wrong").expect(401),
    "password:changed": lambda person: person.api.change_password(NEW_PASSWORD, "wrong").expect(401),
    "factor:added": lambda person: person.api.verify(person.api.begin_totp()["id"], "000000").expect(401),
}
REFUSED_OTHERWISE: dict[str, Callable[[User], object]] = {
    "account:created conflict": lambda person: person.another_browser().sign_up(person.email).expect(409),
    "settings:change conflict": lambda person: person.api.call("PUT", "/account/email", {"email": person.email}).expect(
        409
    ),
    "settings:change locked_settings": lambda person: (
        person.pages().post("/settings/lock").goes_to("/settings"),
        person.api.set_policy("disabled").expect(403),
    ),
    "email:changed not_found": lambda person: person.api.call(
        "POST", "/account/email/complete", {"token": "x" * 43}
    ).expect(404),
    "password:reset_asked disabled": lambda person: (
        person.service.command("account", "disable", person.email),
        person.another_browser().call("POST", "/password-reset", {"email": person.email}).expect(202),
        person.service.command("account", "enable", person.email),
        person.sign_in(),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_each_rejected_attempt_is_recorded_once(moving: Service, name: str) -> None:
    """The owner sees every attempt with its reason."""
    person = protected(moving)
    REFUSED[name](person)
    found = [each for each in history(person) if each["outcome"] == "refused"]
    assert [each["name"] for each in found] == [name]
    assert found[0]["data"]["reason"] in ("wrong_credentials", "wrong_code")


@pytest.mark.parametrize("name", REFUSED_OTHERWISE)
def test_every_refusal_about_an_account_is_recorded_once(moving: Service, name: str) -> None:
    """A locked page, a conflict, an expired link and a taken email all appear in the history."""
    person = protected(moving)
    REFUSED_OTHERWISE[name](person)
    found = [each for each in history(person) if each["outcome"] == "refused"]
    assert [f"{each['name']} {each['data']['reason']}" for each in found] == [name]


@pytest.mark.parametrize("path", ["code", "recovery-code"])
def test_continuing_an_expired_sign_in_is_recorded_once(moving: Service, path: str) -> None:
    """The password was right, but the sign-in had expired; sending the token again is not recorded."""
    person = protected(moving)
    client = person.half_open()
    pass_time(moving, 301)
    offered = {"code": "123456"} if path == "code" else {"recovery_code": "A" * 25}
    body = {"sign_in": client.sign_in_token, **offered}
    for _ in range(3):
        client.call("POST", f"/sign-in/{path}", body).refused(410, "sign_in_expired")
    found = [each for each in history(person) if each["outcome"] == "refused"]
    assert [each["data"]["reason"] for each in found] == ["sign_in_expired"]


def test_otherwise_unlimited_refusals_are_recorded_twenty_times_an_hour(moving: Service) -> None:
    """Twenty an hour of a kind are recorded, from however many tries; the next hour's are again."""
    person = protected(moving)
    person.pages().post("/settings/lock").goes_to("/settings")
    for _ in range(30):
        person.api.set_policy("disabled").expect(403)
    assert names(person).count("settings:change refused") == 20
    pass_time(moving, HOUR + 1)
    person.sign_in()
    person.pages().post("/settings/lock").goes_to("/settings")
    person.api.set_policy("disabled").expect(403)
    assert names(person).count("settings:change refused") == 21


def test_attempt_refused_by_a_limit_is_recorded(moving: Service) -> None:
    """Behind a limit a try is not compared, but it is noted."""
    person = protected(moving)
    client, wrong = person.half_open(), person.wrong_code()
    for _ in range(5):
        client.give_code(wrong).expect(401)
    person.half_open().give_code(wrong).expect(429)
    reasons = [each["data"].get("reason") for each in history(person) if each["name"] == "sign_in:code"]
    assert reasons == ["too_many_attempts", *["wrong_code"] * 5]


def test_reached_limit_is_recorded_once(moving: Service) -> None:
    """Behind a limit tries cost nothing, so they write nothing: the wrong try that reaches it is noted with that."""
    person = protected(moving)
    stranger = person.another_browser()
    for _ in range(5):
        stranger.sign_in(person.email, "not the password").expect(401)
    for _ in range(30):
        stranger.sign_in(person.email, "not the password").expect(429)
    reasons = [each["data"].get("reason") for each in history(person) if each["outcome"] == "refused"]
    assert reasons == ["too_many_attempts", *["wrong_credentials"] * 5]


def test_sent_and_refused_codes_are_recorded(moving: Service) -> None:
    """One entry a code, with the name of the phone and without its number; one for each that a limit refused."""
    person = phone_user(moving)
    api = person.half_open()
    api.send_code(person.phone_id).expect(202)
    api.send_code(person.phone_id).refused(429, "too_many_attempts")
    sent = [each for each in history(person) if each["name"] == "code:sent"]
    assert [each["outcome"] for each in sent] == ["refused", "done", "done"]
    assert sent[0]["data"]["reason"] == "too_many_attempts"
    assert (sent[1]["data"]["kind"], sent[1]["data"]["name"]) == ("sms", "Phone")
    assert person.phone.number[-4:] not in json.dumps(sent)


def test_sign_in_is_recorded_with_its_methods(moving: Service) -> None:
    """One entry for the password, one for the session with its methods and the name of the app."""
    person = protected(moving)
    before = len(names(person))
    person.sign_in()
    new = list(history(person))[:-before]
    assert [each["name"] for each in new] == ["sign_in:completed", "sign_in:password"]
    assert (new[0]["data"]["methods"], new[0]["data"]["name"]) == ("password totp", "Authenticator app")
    at = datetime.strptime(new[0]["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(at.timestamp() - moving.clock()) < 60
    assert new[0]["address"] == "127.0.0.1"


def test_history_contains_only_events_of_the_account(moving: Service) -> None:
    """Neither the list nor a cursor of another account shows foreign events."""
    person, other = protected(moving), protected(moving)
    theirs = {each["id"] for each in history(other)}
    assert not {each["id"] for each in history(person)} & theirs
    borrowed = person.api.events(before=max(theirs), limit="100").expect(200)
    assert not {each["id"] for each in borrowed["items"]} & theirs


def test_history_is_paginated(moving: Service) -> None:
    """Newest first, `limit` at a time, each entry once, and `next` is null at the end."""
    person = protected(moving)
    whole = [each["id"] for each in history(person)]
    assert whole == sorted(whole, reverse=True)
    for size in (1, 2, 3, len(whole), 100):
        found: list[str] = []
        page = person.api.events(limit=str(size)).expect(200)
        found += [each["id"] for each in page["items"]]
        while page["next"]:
            assert len(page["items"]) == size
            page = person.api.events(limit=str(size), before=page["next"]).expect(200)
            found += [each["id"] for each in page["items"]]
        assert found == whole


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1e1", "", "٣", "9" * 30])
def test_history_limit_must_be_a_whole_number_up_to_a_hundred(moving: Service, limit: str) -> None:
    """422 on the field."""
    refused = new_user(moving).api.events(limit=limit).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["limit"]


def test_history_has_no_call_or_form_that_changes_it(moving: Service) -> None:
    """There is no call and no form for it."""
    person = new_user(moving)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert person.api.call(method, "/events").status == 405


def test_events_contain_no_secret(moving: Service) -> None:
    """Neither password, nor code, nor recovery code, nor token is in any entry."""
    person = protected(moving)
    code = person.code()
    client = person.half_open()
    tokens = [client.sign_in_token or ""]
    client.give_code(code).expect(200)
    tokens.append(client.token or "")
    text = json.dumps([{**each, "id": ""} for each in all_events(moving)], default=str)
    for secret in (PASSWORD, person.recovery_code or "", *tokens):
        assert secret not in text


def test_activity_page_shows_the_same_events_as_the_api(moving: Service) -> None:
    """In words, newest first, with a way to older entries."""
    person = protected(moving)
    person.half_open().give_code(person.wrong_code()).expect(401)
    shown = person.pages().get("/settings/activity").expect(200)
    for text in ("Verification code entered", "Two-factor authentication turned on", "Account created"):
        assert text in shown.words
