"""Races: fifty requests for something that works once, held at their last byte and released together.

A race yields, round after round without end, how many requests won. It must be exactly one; a mutant
(`tests/mutants/races.toml`) lets more win, which shows that the race can fail.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

from tests.support.authenticator import oathtool
from tests.support.clients import PASSWORD, Api
from tests.support.mailbox import token_in, wait_for_mail
from tests.support.phones import FROM_ONE_ADDRESS, Phone, phone_user
from tests.support.rows import run_sql
from tests.support.service import Service
from tests.support.sync import RawAnswer, json_request, raw_request, release_together
from tests.support.users import User, new_user, pass_time, protected
from twofold.base.database import open_database

AT_ONCE = 50
REPEATS = 3  # for a step with a recovery code
HASHES_AT_ONCE = 16  # the capacity of the queue
PASSWORDS_AT_ONCE = 4  # one less than the limit, because a failure of the previous round may still count
FORM = "application/x-www-form-urlencoded"
# Raised, so that the limits do not decide the race.
OPEN_LIMITS = {
    **FROM_ONE_ADDRESS,
    "limit_codes": "1000000/5m",
    "limit_codes_in_a_row": "1000000",
    "limit_sends": "1000000/1h",
    "limit_sends_account": "1000000/1d",
}


def race_for_a_code(service: Service) -> Iterator[int]:
    """Send one code for fifty half-open sign-ins."""
    while True:
        person = protected(service)
        sign_ins = half_open_sign_ins(person, AT_ONCE + 3)
        for _ in range(4):  # the fifth wrong code would end a sign-in
            answers = offer_code(person, sign_ins[:AT_ONCE], person.code())
            assert set(tally(answers)) == {"200", "401 code_already_used"}
            won = [sign_in for sign_in, each in zip(sign_ins, answers, strict=False) if each.status == 200]
            sign_ins.remove(won[0])
            yield len(won)


def race_for_a_code_at_sign_in_and_unlock(service: Service) -> Iterator[int]:
    """Send the same code to sign-in and to Authenticate at once."""
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
        yield tally(release_together(person.url, requests))["200"]


def race_for_a_sign_in(service: Service) -> Iterator[int]:
    """Send one right code fifty times for one half-open sign-in; each that wins is a session."""
    while True:
        person = protected(service)
        before = len(person.api.sessions()["items"])
        answers = offer_code(person, half_open_sign_ins(person, 1) * AT_ONCE, person.code())
        sessions = len(person.api.sessions()["items"]) - before
        assert tally(answers)["200"] == sessions
        yield sessions


def race_for_a_recovery_code(service: Service) -> Iterator[int]:
    """Send one recovery code fifty times for ten sign-ins: one sign-in wins, and its last new code works."""
    while True:
        person = protected(service)
        sign_ins = half_open_sign_ins(person, AT_ONCE // 5) * 5  # each costs a hash
        bodies = [{"sign_in": each, "recovery_code": person.recovery_code} for each in sign_ins]
        requests = [json_request(person.url, "/sign-in/recovery-code", body) for body in bodies]
        answers = release_together(person.url, requests)
        won = [(each, answer) for each, answer in zip(sign_ins, answers, strict=True) if answer.status == 200]
        winners = {sign_in for sign_in, _ in won}
        if len(winners) == 1:
            assert len(won) <= 1 + REPEATS
            codes = [answer.json()["recovery_code"] for _, answer in won]
            statuses = [person.half_open().give_recovery_code(code).status for code in codes]
            assert statuses.count(200) == 1
        yield len(winners)


def race_for_a_repeated_recovery_code(service: Service) -> Iterator[int]:
    """Repeat one step fifty times: at most four succeed, of which one session and one recovery code are valid."""
    while True:
        person = protected(service)
        body = {"sign_in": half_open_sign_ins(person, 1)[0], "recovery_code": person.recovery_code}
        request = json_request(person.url, "/sign-in/recovery-code", body)
        answers = [each for each in release_together(person.url, [request] * AT_ONCE) if each.status == 200]
        alive = [is_alive(person, each.json()["session"]["token"]) for each in answers].count(True)
        codes = [person.half_open().give_recovery_code(each.json()["recovery_code"]).status for each in answers]
        assert alive == codes.count(200)
        yield alive if len(answers) <= 1 + REPEATS else len(answers)


def race_for_an_enrolment(service: Service) -> Iterator[int]:
    """Verify one new authenticator fifty times; each that wins gets a recovery code."""
    while True:
        person = new_user(service)
        begun = person.api.begin_totp().expect(201)
        code = oathtool(begun["secret"], service.clock())
        request = json_request(person.url, f"/factors/{begun['id']}/verify", {"code": code}, bearer=person.api.token)
        answers = release_together(person.url, [request] * AT_ONCE)
        assert len(person.shown()["factors"]) == 1
        yield tally(answers)["200"]


def race_of_an_enrolment_against_a_step_up(service: Service) -> Iterator[int]:
    """Replace a factor while its session unlocks with it; one comes first, and the other is refused.

    The enrolment begins a little later each time, so that either may be first. Of both together, two would win.
    """
    for later in itertools.cycle(range(10)):
        person = protected(service)
        begun = person.api.begin_totp(replaces=person.factor_id or "").expect(201)
        verify, bearer = {"code": oathtool(begun["secret"], service.clock())}, person.api.token
        step_up = {"password": PASSWORD, "code": person.code()}
        enrol = json_request(person.url, f"/factors/{begun['id']}/verify", verify, bearer=bearer)
        unlock = json_request(person.url, "/session/unlock", step_up, bearer=bearer)
        with ThreadPoolExecutor(1) as beside:
            stepping_up = beside.submit(release_together, person.url, [unlock] * PASSWORDS_AT_ONCE)
            time.sleep(later * 0.02)
            enrolled = release_together(person.url, [enrol] * (AT_ONCE - PASSWORDS_AT_ONCE))
        stepped_up = [each for each in stepping_up.result() if each.status == 200]
        person.api.token = stepped_up[0].json()["session"]["token"] if stepped_up else bearer
        rests_on_nothing = person.api.session()["level"] == "2fa" and begun["id"] in str(person.shown()["factors"])
        yield len({200} & {each.status for each in enrolled}) + len(stepped_up) + rests_on_nothing


def race_for_a_trusted_computer(service: Service) -> Iterator[int]:
    """Forget a computer while it signs in fifty times; whichever comes first, it needs a code afterwards."""
    while True:
        person = protected(service, "once_per_computer")
        computer = person.another_browser()
        person.sign_in(computer, trust_this_computer=True)
        person.api.unlock(PASSWORD, code=person.code()).expect(200)
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
        assert computer.sign_in(person.email).expect(200)["status"] == "code_required"
        yield [each.status for each in answers[4:]].count(204)


def race_for_a_reset_link(service: Service) -> Iterator[int]:
    """Set many passwords by one link: the one that succeeds can sign in."""
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
            assert person.another_browser().sign_in(person.email, won[0]).expect(200)["status"] == "code_required"
        yield len(won)


def race_for_the_first_administrator(service: Service) -> int:
    """Use the first link many times at once; the winner is an administrator, and no one else gets an account."""
    path = urlsplit(service.first_administrator_link()).path
    headers = {"Content-Type": FORM, "Origin": service.url}
    forms = [{"email": f"boss-{number}@example.com", "password": PASSWORD} for number in range(AT_ONCE)]
    requests = [raw_request(service.url, path, urlencode(form).encode(), headers=headers) for form in forms]
    statuses = Counter(each.status for each in release_together(service.url, requests))
    assert set(statuses) <= {303, 404, 503}  # 503: the queue for hashes is full
    listed = json.loads(service.command("account", "list", "--json").stdout)
    assert [each["administrator"] for each in listed] == [True] * statuses[303]
    return statuses[303]


def race_for_a_confirmation_link(service: Service) -> Iterator[int]:
    """Confirm an address fifty times by one mailed link."""
    while True:
        person = new_user(service)
        person.api.call("POST", "/account/email/confirmation").expect(202)
        token = token_in(wait_for_mail(service, person.email, "Confirm your email address"), "/confirm-email/")
        path, body = "/account/email/confirmation/complete", {"token": token}
        request = json_request(person.url, path, body, bearer=person.api.token)
        answers = tally(release_together(person.url, [request] * AT_ONCE))
        assert recorded(service, person.email, "email:confirmed")["done"] == 1
        yield answers["204"]


def race_for_a_deletion(service: Service) -> Iterator[int]:
    """Delete one account fifty times: one succeeds, and one is recorded."""
    while True:
        person = new_user(service)
        headers = {"Authorization": f"Bearer {person.api.token}"}
        known = person.api.session().expect(200)["account"]["id"]
        request = json_request(person.url, "/account", None, method="DELETE", headers=headers)
        answers = tally(release_together(person.url, [request] * AT_ONCE))
        assert answers["204"] + answers["401 not_signed_in"] == AT_ONCE
        sql = "SELECT id FROM event WHERE account_id = :id AND name = 'account:deleted'"
        assert len(run_sql(service, sql, id=known)) == answers["204"]
        yield answers["204"]


def race_for_a_sent_code(service: Service) -> Iterator[int]:
    """Send one code from a phone fifty times."""
    person = phone_user(service)
    while True:
        api = person.half_open()
        pass_time(service, 1)
        api.send_code(person.phone_id).expect(202)
        answers = offer_code(person, [api.sign_in_token or ""] * AT_ONCE, person.phone.code())
        assert set(tally(answers)) <= {"200", "401 code_already_used", "410 sign_in_completed"}
        yield tally(answers)["200"]


def race_to_unlock_by_a_sent_code(service: Service) -> Iterator[int]:
    """Unlock one session many times with the same code."""
    person = phone_user(service)
    while True:
        person.api.send_unlock_code(person.phone_id).expect(202)
        body = {"password": PASSWORD, "code": person.phone.code()}
        request = json_request(person.url, "/session/unlock", body, bearer=person.api.token)
        answers = release_together(person.url, [request] * PASSWORDS_AT_ONCE)
        assert {each.status for each in answers} <= {200, 401, 410, 429, 503}
        won = [each.json()["session"]["token"] for each in answers if each.status == 200]
        yield len(won)
        person.api.token = won[0]


def race_for_a_phone(service: Service) -> Iterator[int]:
    """Verify one phone number fifty times; each that wins gets a recovery code."""
    while True:
        person, phone = new_user(service), Phone(service.url)
        begun = person.api.begin_phone("sms", phone.number).expect(201)["id"]
        request = json_request(person.url, f"/factors/{begun}/verify", {"code": phone.code()}, bearer=person.api.token)
        answers = release_together(person.url, [request] * AT_ONCE)
        assert set(tally(answers)) <= {"200", "409 conflict", "401 code_already_used"}
        yield tally(answers)["200"]


RACES: dict[str, Callable[[Service], Iterator[int]]] = {
    "a code": race_for_a_code,
    "a code at sign-in and unlock": race_for_a_code_at_sign_in_and_unlock,
    "a sign-in": race_for_a_sign_in,
    "a recovery code": race_for_a_recovery_code,
    "a repeated recovery code": race_for_a_repeated_recovery_code,
    "an enrolment": race_for_an_enrolment,
    "a level": race_of_an_enrolment_against_a_step_up,
    "a trusted computer": race_for_a_trusted_computer,
    "a reset link": race_for_a_reset_link,
    "a confirmation link": race_for_a_confirmation_link,
    "a deletion": race_for_a_deletion,
    "a sent code": race_for_a_sent_code,
    "a sent code that unlocks": race_to_unlock_by_a_sent_code,
    "a phone": race_for_a_phone,
}


# ------------------------------------------------------------------ limits, as shipped


def race_against_the_limit(service: Service, *, right: bool) -> tuple[int, int]:
    """Send fifty right or fifty wrong codes; return how many others were compared, and how many succeeded."""
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
    assert tally(answers)["200"] == won
    assert tally(answers)["429 too_many_attempts"] == AT_ONCE - won - compared
    return compared, won


def recorded(service: Service, email: str, name: str) -> Counter[str]:
    """Return the outcomes and reasons of one event of an account, read from the database."""

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


def half_open_sign_ins(person: User, count: int) -> list[str]:
    """Return half-open sign-ins of one person."""

    def sign_in(_: int) -> str:
        with Api(person.url) as client:
            token: str = client.sign_in(person.email, person.password).expect(200)["sign_in"]
            return token

    with ThreadPoolExecutor(4) as side_by_side:
        return list(side_by_side.map(sign_in, range(count)))


def is_alive(person: User, token: str) -> bool:
    """Return whether a session token is valid."""
    with Api(person.url) as client:
        client.token = token
        return client.session().status == 200


def offer_code(person: User, sign_ins: list[str], code: str) -> list[RawAnswer]:
    """Send one code for all of these sign-ins at once."""
    bodies = [{"sign_in": sign_in, "code": code} for sign_in in sign_ins]
    return release_together(person.url, [json_request(person.url, "/sign-in/code", body) for body in bodies])


def tally(answers: list[RawAnswer]) -> Counter[str]:
    """Count responses by status and problem code."""
    return Counter(f"{each.status} {each.json().get('code', '') if each.body else ''}".strip() for each in answers)


def rounds(full: bool) -> int:  # noqa: FBT001 - the fixture's value
    """Return 200 rounds for `--full`, and otherwise 10."""
    return 200 if full else 10
