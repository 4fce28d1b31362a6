"""Races: fifty requests held at their last byte and let go together, for something that is good once.

A race goes on for ever and tells of each round how many won. Exactly one may; a build broken on purpose
(`broken_build.py`) lets more through, or the race would prove nothing.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

from tests.authenticator import oathtool
from tests.clients import PASSWORD, Api
from tests.phones import FROM_ONE_ADDRESS, Phone, caller
from tests.residents import Resident, pass_time, protected, resident
from tests.service import Service
from tests.sync import RawAnswer, json_request, raw_request, release_together
from twofold.base.database import open_database

AT_ONCE = 50
HASHES_AT_ONCE = 16  # as many as find a place in the queue
PASSWORDS_AT_ONCE = 4  # one less than an account may try: a loser of the round before may still be counted
FORM = "application/x-www-form-urlencoded"
# Raised, so that not the limit but the code itself decides the race.
OPEN_LIMITS = {
    **FROM_ONE_ADDRESS,
    "limit_codes": "1000000/5m",
    "limit_codes_in_a_row": "1000000",
    "limit_sends": "1000000/1h",
    "limit_sends_account": "1000000/1d",
}


def race_for_a_code(service: Service) -> Iterator[int]:
    """Fifty half-open sign-ins offer the same code."""
    while True:
        person = protected(service)
        sign_ins = half_open_sign_ins(person, AT_ONCE + 3)
        for _ in range(4):  # the fifth wrong code would end a sign-in
            answers = offer_code(person, sign_ins[:AT_ONCE], person.code())
            assert set(told(answers)) == {"200", "401 code_already_used"}
            won = [sign_in for sign_in, each in zip(sign_ins, answers, strict=False) if each.status == 200]
            sign_ins.remove(won[0])
            yield len(won)


def race_for_a_code_at_two_doors(service: Service) -> Iterator[int]:
    """All doors share what is spent: the same code at the sign-in and at Authenticate."""
    while True:
        person = protected(service)
        tokens = [person.sign_in(person.another_browser())["session"]["token"] for _ in range(4)]
        sign_ins = half_open_sign_ins(person, 10)
        code = person.code()
        requests = [json_request(person.url, "/sign-in/code", {"sign_in": each, "code": code}) for each in sign_ins]
        requests += [
            json_request(person.url, "/session/unlock", {"password": PASSWORD, "code": code}, bearer=token)
            for token in tokens
        ]
        yield told(release_together(person.url, requests))["200"]


def race_for_a_sign_in(service: Service) -> Iterator[int]:
    """Fifty answers to one half-open sign-in with one right code; each that wins is a session."""
    while True:
        person = protected(service)
        before = len(person.api.sessions()["items"])
        answers = offer_code(person, half_open_sign_ins(person, 1) * AT_ONCE, person.code())
        sessions = len(person.api.sessions()["items"]) - before
        assert told(answers)["200"] == sessions
        yield sessions


def race_for_a_recovery_code(service: Service) -> Iterator[int]:
    """Fifty sign-ins with the same recovery code; who gets in has the new one, which works."""
    while True:
        person = protected(service)
        bodies = [
            {"sign_in": each, "recovery_code": person.recovery_code} for each in half_open_sign_ins(person, AT_ONCE)
        ]
        requests = [json_request(person.url, "/sign-in/recovery-code", body) for body in bodies]
        answers = release_together(person.url, requests)
        last = [each.json()["recovery_code"] for each in answers if each.status == 200][-1]
        if told(answers)["200"] == 1:
            person.half_open().give_recovery_code(last).must(200)
        yield told(answers)["200"]


def race_for_an_enrolment(service: Service) -> Iterator[int]:
    """Fifty verifications of one new authenticator; each that wins is told a recovery code."""
    while True:
        person = resident(service)
        begun = person.api.begin_totp().must(201)
        code = oathtool(begun["secret"], service.clock())
        request = json_request(person.url, f"/factors/{begun['id']}/verify", {"code": code}, bearer=person.api.token)
        answers = release_together(person.url, [request] * AT_ONCE)
        assert len(person.shown()["factors"]) == 1
        yield told(answers)["200"]


def race_for_a_trusted_computer(service: Service) -> Iterator[int]:
    """It is forgotten fifty times while it signs in; whatever comes first, it is asked for a code afterwards."""
    while True:
        person = protected(service, "once_per_computer")
        computer = person.another_browser()
        person.sign_in(computer, trust_this_computer=True)
        person.api.unlock(PASSWORD, code=person.code()).must(200)
        known = person.api.trusted_computers()["items"][0]["id"]
        forget = raw_request(
            person.url,
            f"/api/v1/trusted-computers/{known}",
            b"",
            method="DELETE",
            headers={"Authorization": f"Bearer {person.api.token}"},
        )
        body = {"email": person.email, "password": PASSWORD, "trusted_computer": computer.computer_token}
        sign_in = json_request(person.url, "/sign-in", body)
        answers = release_together(person.url, [*[sign_in] * 4, *[forget] * AT_ONCE])
        assert {each.status for each in answers[:4]} == {200}
        assert computer.sign_in(person.email).must(200)["status"] == "code_required"
        yield [each.status for each in answers[4:]].count(204)


def race_for_a_reset_link(service: Service) -> Iterator[int]:
    """Many new passwords by the same link: the one that is set is the one that signs in."""
    while True:
        person = protected(service)
        token = service.command("account", "reset-password", person.email).stdout.split()[-1].rpartition("/")[2]
        passwords = [f"lantern-meadow-cobalt-{number}" for number in range(HASHES_AT_ONCE)]
        bodies = [{"token": token, "new_password": each} for each in passwords]
        requests = [json_request(person.url, "/password-reset/complete", body) for body in bodies]
        answers = release_together(person.url, requests)
        assert {each.status for each in answers} <= {204, 404, 503}
        won = [password for password, each in zip(passwords, answers, strict=True) if each.status == 204]
        if len(won) == 1:
            assert person.another_browser().sign_in(person.email, won[0]).must(200)["status"] == "code_required"
        yield len(won)


def race_for_the_first_administrator(service: Service) -> int:
    """Many people with the same first link; who wins is an administrator, and nobody else has an account."""
    path = urlsplit(service.first_administrator_link()).path
    headers = {"Content-Type": FORM, "Origin": service.url}
    forms = [{"email": f"boss-{number}@example.com", "password": PASSWORD} for number in range(AT_ONCE)]
    requests = [raw_request(service.url, path, urlencode(form).encode(), headers=headers) for form in forms]
    statuses = Counter(each.status for each in release_together(service.url, requests))
    assert set(statuses) <= {303, 404, 503}  # 503: the queue of hashes is full, nobody gets in
    listed = json.loads(service.command("account", "list", "--json").stdout)
    assert [each["administrator"] for each in listed] == [True] * statuses[303]
    return statuses[303]


def race_for_a_sent_code(service: Service) -> Iterator[int]:
    """Fifty requests give a fresh code of a phone."""
    person = caller(service)
    while True:
        api = person.half_open()
        pass_time(service, 1)
        api.send_code(person.phone_id).must(202)
        answers = offer_code(person, [api.sign_in_token or ""] * AT_ONCE, person.phone.code())
        assert set(told(answers)) <= {"200", "401 code_already_used", "410 sign_in_expired"}
        yield told(answers)["200"]


def race_to_unlock_by_a_sent_code(service: Service) -> Iterator[int]:
    """Many requests of one session unlock with the same code."""
    person = caller(service)
    while True:
        person.api.send_unlock_code(person.phone_id).must(202)
        body = {"password": PASSWORD, "code": person.phone.code()}
        request = json_request(person.url, "/session/unlock", body, bearer=person.api.token)
        answers = release_together(person.url, [request] * PASSWORDS_AT_ONCE)
        assert {each.status for each in answers} <= {200, 401, 429, 503}
        won = [each.json()["session"]["token"] for each in answers if each.status == 200]
        yield len(won)
        person.api.token = won[0]


def race_for_a_phone(service: Service) -> Iterator[int]:
    """Fifty verifications of one number; each that wins is told a recovery code."""
    while True:
        person, phone = resident(service), Phone(service.url)
        begun = person.api.begin_phone("sms", phone.number).must(201)["id"]
        request = json_request(person.url, f"/factors/{begun}/verify", {"code": phone.code()}, bearer=person.api.token)
        answers = release_together(person.url, [request] * AT_ONCE)
        assert set(told(answers)) <= {"200", "409 conflict", "401 code_already_used"}
        yield told(answers)["200"]


RACES: dict[str, Callable[[Service], Iterator[int]]] = {
    "a code": race_for_a_code,
    "a code at two doors": race_for_a_code_at_two_doors,
    "a sign-in": race_for_a_sign_in,
    "a recovery code": race_for_a_recovery_code,
    "an enrolment": race_for_an_enrolment,
    "a trusted computer": race_for_a_trusted_computer,
    "a reset link": race_for_a_reset_link,
    "a sent code": race_for_a_sent_code,
    "a sent code that unlocks": race_to_unlock_by_a_sent_code,
    "a phone": race_for_a_phone,
}


# ------------------------------------------------------------------ limits, as shipped


def race_against_the_limit(service: Service, *, right: bool) -> tuple[int, int]:
    """Fifty codes at once, all right or all wrong ones: how many were compared beyond a right one, and how many won."""
    person = protected(service)
    sign_ins = half_open_sign_ins(person, AT_ONCE)
    before = recorded(service, person.email, "sign_in:completed")["done"]
    code = person.code()
    codes = [code if right else f"{int(code) ^ (n + 1):06d}"[-6:] for n in range(AT_ONCE)]
    bodies = [{"sign_in": each, "code": guess} for each, guess in zip(sign_ins, codes, strict=True)]
    answers = release_together(person.url, [json_request(person.url, "/sign-in/code", body) for body in bodies])
    won = recorded(service, person.email, "sign_in:completed")["done"] - before
    outcomes = recorded(service, person.email, "sign_in:code")
    compared = outcomes.total() - outcomes["too_many_attempts"]
    assert told(answers)["200"] == won
    assert told(answers)["429 too_many_attempts"] == AT_ONCE - won - compared
    return compared, won


def recorded(service: Service, email: str, name: str) -> Counter[str]:
    """The outcomes and reasons of one event of an account, read from the database."""

    async def read() -> Counter[str]:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            rows = await db.read(
                lambda tx: tx.all(
                    "SELECT e.data FROM event e JOIN account a ON a.id = e.account_id"
                    " WHERE a.email = :email AND e.name = :name",
                    email=email,
                    name=name,
                )
            )
        finally:
            await db.close()
        return Counter(str(json.loads(row["data"]).get("reason", "done")) for row in rows)

    return asyncio.run(read())


# ------------------------------------------------------------------ what races are made of


def half_open_sign_ins(person: Resident, count: int) -> list[str]:
    """So many sign-ins of one person between password and code."""

    def sign_in(_: int) -> str:
        with Api(person.url) as client:
            token: str = client.sign_in(person.email, person.password).must(200)["sign_in"]
            return token

    with ThreadPoolExecutor(4) as side_by_side:
        return list(side_by_side.map(sign_in, range(count)))


def offer_code(person: Resident, sign_ins: list[str], code: str) -> list[RawAnswer]:
    """The same code for all of these sign-ins, at the same moment."""
    bodies = [{"sign_in": sign_in, "code": code} for sign_in in sign_ins]
    return release_together(person.url, [json_request(person.url, "/sign-in/code", body) for body in bodies])


def told(answers: list[RawAnswer]) -> Counter[str]:
    """How often each answer came: a status, with a problem's code."""
    return Counter(f"{each.status} {each.json().get('code', '') if each.body else ''}".strip() for each in answers)


def rounds(full: bool) -> int:  # noqa: FBT001 - the fixture's value
    """All two hundred, or a tenth."""
    return 200 if full else 20
