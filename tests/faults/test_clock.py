"""The clock jumps while the service runs: nothing lives longer than documented, nobody is kept out for long."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.authenticator import Authenticator
from tests.clients import Answer, Api, Person
from tests.faults.doors import link
from tests.forms import FormBrowser
from tests.service import Service

HOUR, DAY = 3600, 86_400
SLACK = 60  # seconds that clocks may differ without anybody noticing
SESSION, UNLOCKED, TRUST = DAY, 600, 30 * DAY
JUMPS = {
    "+1h": HOUR,
    "-1h": -HOUR,
    "+30d": 30 * DAY + 1,
    "-30d": -30 * DAY - 1,
    "1970": None,
    "2039": None,
}
YEAR_1970, YEAR_2039 = 100, 2_180_000_000  # after January 2038, when 32 bits are over


@pytest.fixture(scope="module")
def movable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose clock can be moved."""
    with Service(tmp_path_factory.mktemp("service"), movable_clock=True) as running:
        yield running


@dataclass
class Belongings:
    """What a person holds that is good for a time only."""

    session: str
    computer: str
    sign_in: str
    link: str
    code: str


def jump(service: Service, name: str) -> None:
    """Moves the clock."""
    offset = JUMPS[name]
    if offset is None:
        offset = int((YEAR_1970 if name == "1970" else YEAR_2039) - service.clock() + service.clock_offset)
    service.move_clock(offset)


@pytest.fixture
def person(movable: Service) -> Iterator[Person]:
    """Somebody with an authenticator who has trusted a computer, under the right time."""
    movable.move_clock(0)
    yield Person.with_totp(movable.url, "once_per_computer")
    movable.move_clock(0)


@pytest.mark.parametrize("name", JUMPS)
def test_nothing_outlives_its_time_or_returns_by_a_jump(name: str, movable: Service, person: Person) -> None:
    """Sessions, trust, attempts and links end as documented, those of a wrong clock, too; used codes are dead."""
    before = gathered(movable, person)
    jump(movable, name)
    check_no_longer_than_documented(movable, person, before)
    check_pages(movable, before)
    meanwhile = recovered(movable, person)
    movable.move_clock(0)
    check_no_longer_than_documented(movable, person, meanwhile)
    check_no_longer_than_documented(movable, person, before)


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_keeps_nobody_out(name: str, movable: Service, person: Person) -> None:
    """With the right time back the owner gets in; a step remembered from the future is lifted by the operator (M10)."""
    api = person.another_browser()
    jump(movable, name)
    fail_with_passwords(person)
    movable.move_clock(0)
    api.sign_in(person.email).must(200)
    jump(movable, name)
    api = person.another_browser()
    movable.command("account", "unlock", person.email)
    api.sign_in(person.email).must(200)
    there = Authenticator(secret_of(person), movable.clock)
    api.give_code(there.code()).must(200, 401)
    movable.move_clock(0)
    api.sign_in(person.email).must(200)
    if api.give_code(person.code()).must(200, 401).status == 401:
        assert person.recovery_code is not None
        person.recovery_code = api.give_recovery_code(person.recovery_code).must(200)["recovery_code"]
        assert movable.command("account", "unlock", person.email).returncode == 0
        api.sign_in(person.email).must(200)
        api.give_code(next_code_of(person)).must(200)


@pytest.mark.parametrize("name", ["1970", "2039"])
def test_the_service_starts_at_any_time(name: str, movable: Service, person: Person) -> None:
    """A machine whose clock is lost still starts, says no 500, and lets the owner in by the recovery code (M10)."""
    jump(movable, name)
    movable.restart()
    api = person.another_browser()
    api.sign_in(person.email).must(200)
    assert person.recovery_code is not None
    api.give_recovery_code(person.recovery_code).must(200)
    api.session().must(200)
    movable.move_clock(0)
    movable.restart()


# ------------------------------------------------------------------ steps


def gathered(service: Service, person: Person) -> Belongings:
    """A session unlocked, a computer trusted, an attempt, a link, and a code that is spent: all of this moment."""
    api, half_open = person.another_browser(), person.another_browser()
    api.sign_in(person.email).must(200)
    code = Authenticator.code(person.authenticator) if person.authenticator else ""
    api.give_code(code, trust_this_computer=True).must(200)
    half_open.sign_in(person.email).must(200)
    return belongings(service, person, api, half_open, code)


def recovered(service: Service, person: Person) -> Belongings:
    """The same under the present time of the service; by the recovery code if the app's codes are refused."""
    api, half_open = person.another_browser(), person.another_browser()
    api.sign_in(person.email).must(200)
    code = Authenticator(secret_of(person), service.clock).code()
    if api.give_code(code, trust_this_computer=True).must(200, 401).status == 401:
        assert person.recovery_code is not None
        person.recovery_code = api.give_recovery_code(person.recovery_code).must(200)["recovery_code"]
    half_open.sign_in(person.email).must(200)
    return belongings(service, person, api, half_open, code)


def belongings(service: Service, person: Person, api: Api, half_open: Api, code: str) -> Belongings:
    """What these browsers hold, and a link from the operator."""
    token = link(service, "reset-password", person.email)
    return Belongings(api.token or "", api.computer_token or "", half_open.sign_in_token or "", token, code)


def check_no_longer_than_documented(service: Service, person: Person, held: Belongings) -> None:
    """Whatever is still good now ends within its documented time from now."""
    api = person.another_browser()
    api.token = held.session
    session = api.session().must(200, 401)
    if session.status == 200:
        assert seconds_left(service, session, "expires_at") <= SESSION + SLACK
        assert session["unlocked_until"] is None or seconds_left(service, session, "unlocked_until") <= UNLOCKED + SLACK
        for computer in api.trusted_computers()["items"]:
            assert ends_in(service, computer["expires_at"]) <= TRUST + SLACK
    else:
        session.refused(401, "not_signed_in")
    api.token, api.computer_token = None, held.computer
    answer = api.sign_in(person.email).must(200)
    if answer["status"] == "signed_in":
        mine = api.trusted_computers().must(200)["items"]
        assert any(ends_in(service, computer["expires_at"]) <= TRUST + SLACK for computer in mine), str(mine)
    api.sign_in_token = held.sign_in
    assert api.give_code(held.code).status in (401, 410)
    stranger = person.another_browser()
    stranger.sign_in(person.email).must(200)
    stranger.give_code(held.code).must(401)
    FormBrowser(service.url).get(f"/reset-password/{held.link}").must(200, 404)


def check_pages(service: Service, held: Belongings) -> None:
    """No page breaks, whoever asks."""
    for session in (None, held.session):
        browser = FormBrowser(service.url, session=session)
        for path in ("/", "/sign-in", "/sign-up", "/settings", "/settings/activity", "/authenticate", "/readyz"):
            assert browser.get(path).status < 500, path


def fail_with_passwords(person: Person) -> None:
    """Wrong passwords until there is a wait."""
    stranger = person.another_browser()
    answers = [stranger.sign_in(person.email, "not the password").status for _ in range(7)]
    assert answers[-1] == 429, answers


def next_code_of(person: Person) -> str:
    """The code after the present one: an unlocking takes back no more than the steps to come."""
    assert person.authenticator is not None
    return person.authenticator.code_of_step(1)


def secret_of(person: Person) -> str:
    """The secret of the person's authenticator."""
    assert person.authenticator is not None
    return person.authenticator.secret


def seconds_left(service: Service, answer: Answer, name: str) -> float:
    """How long until a time that an answer tells, by the service's clock."""
    return ends_in(service, answer[name])


def ends_in(service: Service, at: str) -> float:
    """How long until a time (RFC 3339), by the service's clock."""
    return datetime.fromisoformat(at).timestamp() - service.clock()
