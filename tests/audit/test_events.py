"""The history: every deed and every refusal of a proof is one entry with who, when, from where and how it ended."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.mailbox import token_in, wait_for_mail
from tests.phones import caller
from tests.residents import HOUR, Resident, pass_time, protected, resident
from tests.service import Service
from twofold.audit.events import Event
from twofold.base.database import open_database

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def all_events(service: Service) -> list[dict[str, Any]]:
    """Everything that the service has recorded, oldest first, from its database."""

    async def read() -> list[dict[str, Any]]:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            return [dict(row) for row in await db.read(lambda tx: tx.all("SELECT * FROM event ORDER BY id"))]
        finally:
            await db.close()

    return asyncio.run(read())


def names(person: Resident) -> list[str]:
    """What a person's own history says, newest first, as `name outcome`."""
    return [f"{each['name']} {each['outcome']}" for each in history(person)]


def history(person: Resident) -> Iterator[dict[str, Any]]:
    """A person's own history, newest first, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = person.api.events(limit="100", **cursor).must(200)
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = {"before": page["next"]}


def live_a_whole_life(service: Service) -> None:
    """Does everything that can be done to an account, well and badly."""
    path = urlsplit(service.command("account", "invite", "guest@example.com").stdout.split()[-1]).path
    FormBrowser(service.url).submit(path, path, password=PASSWORD).goes_to("/settings")
    person = protected(service)
    pages = person.pages()
    pages.post("/settings/recovery-code/saved", {"saved": "yes"}).must(303)
    person.api.renew_recovery_code().must(201)
    person.api.set_policy("once_per_computer").must(200)
    first = person.factor_id or ""
    person.enable_totp(name="Second phone")
    person.api.set_policy("once_per_computer", default_factor_id=person.factor_id or "").must(200)
    person.api.call("PATCH", f"/factors/{first}", {"name": "Old"}).must(200)
    person.enable_totp(replaces=first)
    person.api.remove_factor(person.factor_id or "").must(204)
    person.api.set_policy("disabled").must(200)
    person = protected(service, "once_per_computer")
    for _ in range(2):
        person.sign_in(trust_this_computer=True)
        person.api.computer_token = None
    computer = person.api.trusted_computers()["items"][0]["id"]
    person.api.call("PATCH", f"/trusted-computers/{computer}", {"name": "Desk"}).must(200)
    person.api.call("DELETE", f"/trusted-computers/{computer}").must(204)
    person.api.call("DELETE", "/trusted-computers").must(204)
    other = person.another_browser()
    person.sign_in(other)
    session = next(each["id"] for each in person.api.sessions()["items"] if not each["current"])
    person.api.call("DELETE", f"/sessions/{session}").must(204)
    person.api.end_other_sessions().must(204)
    person.pages().post("/settings/lock").goes_to("/settings")
    caller(service)
    person.api.unlock("wrong").must(401)
    person.unlock()
    person.api.change_password(NEW_PASSWORD, "wrong").must(401)
    person.half_open().give_code(person.wrong_code()).must(401)
    person.half_open().give_recovery_code("A" * 25).must(401)
    used = person.half_open().give_recovery_code(person.recovery_code or "").must(200)
    assert used["recovery_code"]
    browser = FormBrowser(service.url)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    browser.post("/sign-in/cancel").goes_to("/sign-in")
    person.sign_in()
    person.api.change_password(NEW_PASSWORD).must(204)
    person.api.sign_out().must(204)
    link = service.command("account", "reset-password", person.email).stdout.split()[-1]
    body = {"token": link.rpartition("/")[2], "new_password": PASSWORD}
    person.api.call("POST", "/password-reset/complete", body).must(204)
    for command in ("unlock", "sign-out", "reset-2fa", "disable", "enable"):
        assert service.command("account", command, person.email).returncode == 0
    leave(service, person)
    person.another_browser().sign_in("nobody@example.com").must(401)


def leave(service: Service, person: Resident) -> None:
    """Forgets the password, signs in on a new computer, changes the address, and closes the account."""
    person.another_browser().call("POST", "/password-reset", {"email": person.email}).must(202)
    FormBrowser(service.url).sign_in(person.email, PASSWORD).goes_to("/settings")
    person.sign_in()
    person.api.call("PUT", "/account/email", {"email": f"new-{person.email}"}).must(202)
    token = token_in(wait_for_mail(service, f"new-{person.email}", "Confirm your new email"), "/change-email/")
    person.api.call("POST", "/account/email/complete", {"token": token}).must(204)
    person.pages().post("/settings/lock").goes_to("/settings")
    person.api.call("DELETE", "/account").must(403)
    person.api.unlock(PASSWORD).must(200)
    person.api.call("DELETE", "/account").must(204)


def test_every_kind_of_event_is_caused_by_something(moving: Service) -> None:
    """The list of events holds no name that nothing records; every entry is whole."""
    began = int(moving.clock())
    live_a_whole_life(moving)
    recorded = all_events(moving)
    of_the_service = {event for event in Event if event.startswith("sending:")}  # tests/factors/test_spending.py
    assert set(Event) - of_the_service - {each["name"] for each in recorded} == set()
    for each in recorded:
        assert each["outcome"] in ("done", "refused")
        assert began - 1 <= each["at"] <= moving.clock() + 1
        assert each["agent"] in ("Command line", "Firefox on Linux", "Python", "Unknown program")
        assert each["source"] == ("" if each["agent"] == "Command line" else "127.0.0.1")
        assert (json.loads(each["data"]).get("reason") is not None) == (each["outcome"] == "refused"), each
    nobody = {each["name"] for each in recorded if each["account_id"] is None}
    assert nobody == {"account:invited", "sign_in:password"}


REFUSED: dict[str, Callable[[Resident], object]] = {
    "sign_in:password": lambda person: person.another_browser().sign_in(person.email, "wrong").must(401),
    "sign_in:code": lambda person: person.half_open().give_code(person.wrong_code()).must(401),
    "sign_in:recovery_code": lambda person: person.half_open().give_recovery_code("A" * 25).must(401),
    "settings:unlocked": lambda person: person.api.unlock("wrong").must(401),
    "password:changed": lambda person: person.api.change_password(NEW_PASSWORD, "wrong").must(401),
    "factor:added": lambda person: person.api.verify(person.api.begin_totp()["id"], "000000").must(401),
}
REFUSED_OTHERWISE: dict[str, Callable[[Resident], object]] = {
    "account:created conflict": lambda person: person.another_browser().sign_up(person.email).must(409),
    "settings:change conflict": lambda person: person.api.call("PUT", "/account/email", {"email": person.email}).must(
        409
    ),
    "settings:change locked_settings": lambda person: (
        person.pages().post("/settings/lock").goes_to("/settings"),
        person.api.set_policy("disabled").must(403),
    ),
    "email:changed not_found": lambda person: person.api.call(
        "POST", "/account/email/complete", {"token": "x" * 43}
    ).must(404),
    "password:reset_asked disabled": lambda person: (
        person.service.command("account", "disable", person.email),
        person.another_browser().call("POST", "/password-reset", {"email": person.email}).must(202),
        person.service.command("account", "enable", person.email),
        person.sign_in(),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_proof_is_one_entry(moving: Service, name: str) -> None:
    """The owner sees that somebody tried, once a try, with the reason."""
    person = protected(moving)
    REFUSED[name](person)
    found = [each for each in history(person) if each["outcome"] == "refused"]
    assert [each["name"] for each in found] == [name]
    assert found[0]["data"]["reason"] in ("wrong_credentials", "wrong_code")


@pytest.mark.parametrize("name", REFUSED_OTHERWISE)
def test_every_refusal_that_concerns_an_account_is_one_entry(moving: Service, name: str) -> None:
    """A locked page, a conflict, a dead link, an address that is taken: the owner reads of each."""
    person = protected(moving)
    REFUSED_OTHERWISE[name](person)
    found = [each for each in history(person) if each["outcome"] == "refused"]
    assert [f"{each['name']} {each['data']['reason']}" for each in found] == [name]


@pytest.mark.parametrize("path", ["code", "recovery-code"])
def test_going_on_with_an_expired_sign_in_is_recorded_once(moving: Service, path: str) -> None:
    """Somebody had the password and came back too late; what they offer again names nobody any more."""
    person = protected(moving)
    client = person.half_open()
    pass_time(moving, 301)
    offered = {"code": "123456"} if path == "code" else {"recovery_code": "A" * 25}
    body = {"sign_in": client.sign_in_token, **offered}
    for _ in range(3):
        client.call("POST", f"/sign-in/{path}", body).refused(410, "sign_in_expired")
    found = [each for each in history(person) if each["outcome"] == "refused"]
    assert [each["data"]["reason"] for each in found] == ["sign_in_expired"]


def test_refusals_that_nothing_else_limits_fill_no_table(moving: Service) -> None:
    """Twenty an hour of a kind are recorded, from however many tries; the next hour's are again."""
    person = protected(moving)
    person.pages().post("/settings/lock").goes_to("/settings")
    for _ in range(30):
        person.api.set_policy("disabled").must(403)
    assert names(person).count("settings:change refused") == 20
    pass_time(moving, HOUR + 1)
    person.sign_in()
    person.pages().post("/settings/lock").goes_to("/settings")
    person.api.set_policy("disabled").must(403)
    assert names(person).count("settings:change refused") == 21


def test_what_is_refused_unseen_is_recorded_too(moving: Service) -> None:
    """Behind a limit a try is not compared, but it is noted."""
    person = protected(moving)
    client, wrong = person.half_open(), person.wrong_code()
    for _ in range(5):
        client.give_code(wrong).must(401)
    person.half_open().give_code(wrong).must(429)
    reasons = [each["data"].get("reason") for each in history(person) if each["name"] == "sign_in:code"]
    assert reasons == ["too_many_attempts", *["wrong_code"] * 5]


def test_nobody_fills_the_record_of_another(moving: Service) -> None:
    """Behind a limit tries cost nothing, so no more than twenty an hour are noted."""
    person = protected(moving)
    stranger = person.another_browser()
    for _ in range(5):
        stranger.sign_in(person.email, "not the password").must(401)
    for _ in range(30):
        stranger.sign_in(person.email, "not the password").must(429)
    reasons = [each["data"].get("reason") for each in history(person) if each["outcome"] == "refused"]
    assert reasons.count("too_many_attempts") == 20


def test_codes_that_are_sent_or_refused_are_recorded(moving: Service) -> None:
    """One entry a code, with the name of the phone and without its number; one for each that a limit refused."""
    person = caller(moving)
    api = person.half_open()
    api.send_code(person.phone_id).must(202)
    api.send_code(person.phone_id).refused(429, "too_many_attempts")
    sent = [each for each in history(person) if each["name"] == "code:sent"]
    assert [each["outcome"] for each in sent] == ["refused", "done", "done"]
    assert sent[0]["data"]["reason"] == "too_many_attempts"
    assert (sent[1]["data"]["kind"], sent[1]["data"]["name"]) == ("sms", "Phone")
    assert person.phone.number[-4:] not in json.dumps(sent)


def test_a_sign_in_tells_how_it_was_proven(moving: Service) -> None:
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


def test_people_read_only_their_own(moving: Service) -> None:
    """Neither the list, nor a cursor of somebody else's, shows what is not one's own."""
    person, other = protected(moving), protected(moving)
    theirs = {each["id"] for each in history(other)}
    assert not {each["id"] for each in history(person)} & theirs
    borrowed = person.api.events(before=max(theirs), limit="100").must(200)
    assert not {each["id"] for each in borrowed["items"]} & theirs


def test_the_history_is_read_page_by_page(moving: Service) -> None:
    """Newest first, `limit` at a time, each entry once, and `next` is null at the end."""
    person = protected(moving)
    whole = [each["id"] for each in history(person)]
    assert whole == sorted(whole, reverse=True)
    for size in (1, 2, 3, len(whole), 100):
        found: list[str] = []
        page = person.api.events(limit=str(size)).must(200)
        found += [each["id"] for each in page["items"]]
        while page["next"]:
            assert len(page["items"]) == size
            page = person.api.events(limit=str(size), before=page["next"]).must(200)
            found += [each["id"] for each in page["items"]]
        assert found == whole


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1e1", "", "٣", "9" * 30])
def test_a_limit_is_a_whole_number_to_a_hundred(moving: Service, limit: str) -> None:
    """422 on the field."""
    refused = resident(moving).api.events(limit=limit).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["limit"]


def test_nothing_changes_the_history(moving: Service) -> None:
    """There is no call and no form for it."""
    person = resident(moving)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert person.api.call(method, "/events").status == 405


def test_no_secret_is_recorded(moving: Service) -> None:
    """Neither password, nor code, nor recovery code, nor token is in any entry."""
    person = protected(moving)
    code = person.code()
    client = person.half_open()
    tokens = [client.sign_in_token or ""]
    client.give_code(code).must(200)
    tokens.append(client.token or "")
    text = json.dumps([{**each, "id": ""} for each in all_events(moving)], default=str)
    for secret in (PASSWORD, person.recovery_code or "", *tokens):
        assert secret not in text


def test_the_page_of_activity_shows_what_the_api_shows(moving: Service) -> None:
    """In words, newest first, with a way to older entries."""
    person = protected(moving)
    person.half_open().give_code(person.wrong_code()).must(401)
    shown = person.pages().get("/settings/activity").must(200)
    for text in ("Verification code entered", "Two-factor authentication turned on", "Account created"):
        assert text in shown.words
