"""Many at the same moment: what is good once is taken once, and no more is compared than the limit allows."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest

from tests.authenticator import oathtool
from tests.clients import PASSWORD, Api
from tests.conftest import DATABASES, new_database
from tests.phones import FROM_ONE_ADDRESS, Phone, caller
from tests.residents import Resident, pass_time, protected, resident
from tests.service import Service
from tests.shifted import ShiftedService
from tests.sync import RawAnswer, json_request, raw_request, release_together
from twofold.base.database import open_database

AT_ONCE = 50
FORM = "application/x-www-form-urlencoded"
# Raised, so that not the limit but the code itself decides the race.
OPEN_LIMITS = {
    **FROM_ONE_ADDRESS,
    "limit_codes": "1000000/5m",
    "limit_codes_in_a_row": "1000000",
    "limit_sends": "1000000/1h",
}


@pytest.fixture(scope="module", params=DATABASES)
def unlimited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server, its limits too wide to decide anything, its clock movable."""
    folder = tmp_path_factory.mktemp("unlimited")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings=OPEN_LIMITS) as running:
        yield running


def half_open_sign_ins(person: Resident, count: int) -> list[str]:
    """So many sign-ins of one person between password and code."""
    client = Api(person.url)
    return [client.sign_in(person.email, person.password).must(200)["sign_in"] for _ in range(count)]


def offer_code(person: Resident, sign_ins: list[str], code: str) -> list[RawAnswer]:
    """The same code for all of these sign-ins, at the same moment."""
    bodies = [{"sign_in": sign_in, "code": code} for sign_in in sign_ins]
    return release_together(person.url, [json_request(person.url, "/sign-in/code", body) for body in bodies])


def told(answers: list[RawAnswer]) -> Counter[str]:
    """How often each answer came: a status, with a problem's code."""
    return Counter(f"{each.status} {each.json().get('code', '')}".strip() for each in answers)


def rounds(full: bool) -> int:  # noqa: FBT001 - the fixture's value
    """How many codes are raced: all two hundred, or a tenth and less."""
    return 200 if full else 4


def test_one_code_at_once_is_taken_once(unlimited: Service, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Fifty half-open sign-ins offer the same code at the same moment: one is let in, each time."""
    accepted: list[int] = []
    while len(accepted) < rounds(full):
        person = protected(unlimited)
        sign_ins = half_open_sign_ins(person, AT_ONCE + 3)
        for _ in range(4):  # the fifth wrong code would end a sign-in
            answers = offer_code(person, sign_ins[:AT_ONCE], person.code())
            assert set(told(answers)) == {"200", "401 code_already_used"}
            won = [index for index, each in enumerate(answers) if each.status == 200]
            accepted.append(len(won))
            sign_ins.pop(won[0])
    assert set(accepted) == {1}


def test_one_sent_code_at_once_is_taken_once(unlimited: Service, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Fifty requests give a fresh code of a phone at the same moment: one is let in, each time (A09)."""
    person = caller(unlimited)
    for _ in range(rounds(full)):
        api = person.half_open()
        pass_time(unlimited, 1)
        api.send_code(person.phone_id).must(202)
        answers = offer_code(person, [api.sign_in_token or ""] * AT_ONCE, person.phone.code())
        assert told(answers)["200"] == 1
        assert set(told(answers)) <= {"200", "401 code_already_used", "410 sign_in_expired"}


def test_one_sent_code_at_once_unlocks_once(unlimited: Service, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Fifty requests of one session unlock with the same code: of those that prove themselves one succeeds."""
    person = caller(unlimited)
    for _ in range(rounds(full)):
        person.api.send_unlock_code(person.phone_id).must(202)
        body = {"password": PASSWORD, "code": person.phone.code()}
        request = json_request(person.url, "/session/unlock", body, bearer=person.api.token)
        answers = release_together(person.url, [request] * 5)
        (won,) = [each.json() for each in answers if each.status == 200]
        assert {each.status for each in answers} <= {200, 401, 503}
        person.api.token = won["session"]["token"]


def test_one_first_code_of_a_phone_counts_once(unlimited: Service) -> None:
    """Fifty verifications of one number show one recovery code."""
    person, phone = resident(unlimited), Phone(unlimited.url)
    begun = person.api.begin_phone("sms", phone.number).must(201)["id"]
    request = json_request(person.url, f"/factors/{begun}/verify", {"code": phone.code()}, bearer=person.api.token)
    answers = release_together(person.url, [request] * AT_ONCE)
    assert told(answers) == {"200": 1, "409 conflict": AT_ONCE - 1}


def test_of_many_requests_for_a_code_one_is_sent(unlimited: Service) -> None:
    """Twenty sign-ins of one person ask at the same moment: one message goes out, the others wait their time (G03)."""
    person = caller(unlimited)
    bodies = [{"sign_in": each, "factor_id": person.phone_id} for each in half_open_sign_ins(person, 20)]
    requests = [json_request(person.url, "/sign-in/code/send", body) for body in bodies]
    assert told(release_together(person.url, requests)) == {"202": 1, "429 too_many_attempts": 19}
    assert len(person.phone.messages()) == 2


def test_one_sign_in_at_once_ends_once(unlimited: Service) -> None:
    """Fifty answers to one half-open sign-in with one right code make one session."""
    person = protected(unlimited)
    (sign_in,) = half_open_sign_ins(person, 1)
    before = len(person.api.sessions()["items"])
    answers = offer_code(person, [sign_in] * AT_ONCE, person.code())
    assert told(answers)["200"] == 1
    assert len(person.api.sessions()["items"]) == before + 1


def test_one_code_at_the_door_and_to_unlock_is_taken_once(unlimited: Service) -> None:
    """All doors share what is spent: a code races at the sign-in and at Authenticate, and one of them opens."""
    person = protected(unlimited)
    sign_ins = half_open_sign_ins(person, 10)
    tokens = [person.sign_in(person.another_browser())["session"]["token"] for _ in range(4)]
    code = person.code()
    requests = [json_request(person.url, "/sign-in/code", {"sign_in": each, "code": code}) for each in sign_ins]
    requests += [
        json_request(person.url, "/session/unlock", {"password": PASSWORD, "code": code}, bearer=token)
        for token in tokens
    ]
    assert told(release_together(person.url, requests))["200"] == 1


def test_one_recovery_code_at_once_is_taken_once(unlimited: Service) -> None:
    """Fifty sign-ins with the same recovery code: one gets in and has the new one, which works."""
    for _ in range(2):
        person = protected(unlimited)
        bodies = [
            {"sign_in": each, "recovery_code": person.recovery_code} for each in half_open_sign_ins(person, AT_ONCE)
        ]
        paths = [json_request(person.url, "/sign-in/recovery-code", body) for body in bodies]
        answers = release_together(person.url, paths)
        assert told(answers)["200"] == 1
        (won,) = [each.json() for each in answers if each.status == 200]
        client = person.half_open()
        client.give_recovery_code(won["recovery_code"]).must(200)


def test_one_first_code_of_an_enrolment_counts_once(unlimited: Service) -> None:
    """Fifty verifications of one new authenticator show one recovery code."""
    person = Resident(unlimited)
    person.api.sign_up(person.email).must(201)
    person.sign_in()
    begun = person.api.begin_totp().must(201)
    person.authenticator = None
    code = code_for(person, begun["secret"])
    request = json_request(person.url, f"/factors/{begun['id']}/verify", {"code": code}, bearer=person.api.token)
    answers = release_together(person.url, [request] * AT_ONCE)
    assert told(answers)["200"] == 1
    assert len(person.shown()["factors"]) == 1


def code_for(person: Resident, secret: str) -> str:
    """The present code of a secret, by the service's clock."""
    return oathtool(secret, person.service.clock())


def test_one_first_administrator_link_makes_one_administrator(unlimited: Service) -> None:
    """Fifty people with the same link: one account, one administrator."""
    path = urlsplit(unlimited.first_administrator_link()).path
    headers = {"Content-Type": FORM, "Origin": unlimited.url}
    requests = [
        raw_request(
            unlimited.url,
            path,
            urlencode({"email": f"boss-{number}@example.com", "password": PASSWORD}).encode(),
            headers=headers,
        )
        for number in range(AT_ONCE)
    ]
    statuses = Counter(each.status for each in release_together(unlimited.url, requests))
    assert statuses[303] == 1
    assert set(statuses) <= {303, 404, 503}  # 503: the queue of hashes is full, nobody gets in
    listed = json.loads(unlimited.command("account", "list", "--json").stdout)
    assert [each["administrator"] for each in listed].count(True) == 1
    assert [each["email"] for each in listed if each["email"].startswith("boss-")] == [
        each["email"] for each in listed if each["administrator"]
    ]


def test_one_reset_link_sets_one_password(unlimited: Service) -> None:
    """Many new passwords by the same link at once: one is set, and it is the one that signs in."""
    person = protected(unlimited)
    token = unlimited.command("account", "reset-password", person.email).stdout.split()[-1].rpartition("/")[2]
    passwords = [f"lantern-meadow-cobalt-{number}" for number in range(20)]
    bodies = [{"token": token, "new_password": each} for each in passwords]
    answers = release_together(
        person.url, [json_request(person.url, "/password-reset/complete", body) for body in bodies]
    )
    won = [password for password, each in zip(passwords, answers, strict=True) if each.status == 204]
    assert len(won) == 1
    assert {each.status for each in answers} <= {204, 404, 503}
    assert person.another_browser().sign_in(person.email, won[0]).must(200)["status"] == "code_required"


def test_one_address_at_once_makes_one_account(unlimited: Service) -> None:
    """Many sign-ups with one address at the same moment: one account, the rest are told of a conflict."""
    body = {"email": "twins@example.com", "password": PASSWORD}
    answers = release_together(unlimited.url, [json_request(unlimited.url, "/accounts", body)] * 16)
    assert told(answers)["201"] == 1
    assert set(told(answers)) <= {"201", "409 conflict", "503 unavailable"}


# ------------------------------------------------------------------ as shipped


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


@pytest.mark.parametrize("what", ["the same right code", "different wrong codes"])
def test_no_more_are_compared_at_once_than_the_limit_allows(moving: Service, what: str) -> None:
    """As shipped, of fifty codes at the same moment five are compared; the rest are refused unseen."""
    person = protected(moving)
    sign_ins = half_open_sign_ins(person, AT_ONCE)
    right = person.code()
    codes = [right if what == "the same right code" else f"{int(right) ^ (n + 1):06d}"[-6:] for n in range(AT_ONCE)]
    bodies = [{"sign_in": each, "code": code} for each, code in zip(sign_ins, codes, strict=True)]
    answers = release_together(person.url, [json_request(person.url, "/sign-in/code", body) for body in bodies])
    outcomes = recorded(moving, person.email, "sign_in:code")
    compared = outcomes.total() - outcomes["too_many_attempts"]
    assert outcomes.total() == AT_ONCE
    assert compared <= 5 + outcomes["done"]
    assert told(answers)["200"] == outcomes["done"] == (1 if what == "the same right code" else 0)
    assert told(answers)["429 too_many_attempts"] == outcomes["too_many_attempts"] >= AT_ONCE - 6
