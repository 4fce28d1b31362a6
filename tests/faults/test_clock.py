"""When the clock jumps, nothing stays valid longer than documented, and no owner is locked out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.support.authenticator import Authenticator
from tests.support.clients import Answer, Api, Person
from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.writing_routes import link

HOUR, DAY = 3600, 86_400
SLACK = 60  # seconds by which clocks may differ unnoticed
SESSION, UNLOCKED, TRUST = DAY, 600, 30 * DAY
JUMPS = {
    "+1h": HOUR,
    "-1h": -HOUR,
    "+30d": 30 * DAY + 1,
    "-30d": -30 * DAY - 1,
    "1970": None,
    "2039": None,
}
YEAR_1970, YEAR_2039 = 100, 2_180_000_000  # after January 2038, when 32-bit times overflow


@pytest.fixture(scope="module")
def movable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a server whose clock can be moved."""
    with Service(tmp_path_factory.mktemp("service"), movable_clock=True) as running:
        yield running


@dataclass
class TimedItems:
    """Things of a user that are valid for a limited time."""

    session: str
    computer: str
    sign_in: str
    link: str
    code: str


def jump(service: Service, name: str) -> None:
    """Set the clock to a named jump."""
    offset = JUMPS[name]
    if offset is None:
        offset = int((YEAR_1970 if name == "1970" else YEAR_2039) - service.clock() + service.clock_offset)
    service.move_clock(offset)


@pytest.fixture
def person(movable: Service) -> Iterator[Person]:
    """Return a person with an authenticator and a computer that was trusted while the clock was right."""
    movable.move_clock(0)
    yield Person.with_totp(movable.url, "once_per_computer")
    movable.move_clock(0)


@pytest.mark.parametrize("name", JUMPS)
def test_clock_jumps_neither_extend_nor_revive_sessions_trust_links_or_codes(
    name: str, movable: Service, person: Person
) -> None:
    """Sessions, trust, sign-ins and links end as documented, even if created under a wrong clock."""
    before = gathered(movable, person)
    jump(movable, name)
    check_no_longer_than_documented(movable, person, before)
    check_pages(movable, before)
    meanwhile = recovered(movable, person)
    movable.move_clock(0)
    check_no_longer_than_documented(movable, person, meanwhile)
    check_no_longer_than_documented(movable, person, before)


@pytest.mark.parametrize("name", JUMPS)
def test_owner_can_sign_in_after_a_clock_jump(name: str, movable: Service, person: Person) -> None:
    """This holds once the time is right again; a code step stored in the future is cleared by the operator (M10)."""
    api = person.another_browser()
    jump(movable, name)
    fail_with_passwords(person)
    movable.move_clock(0)
    api.sign_in(person.email).expect(200)
    jump(movable, name)
    api = person.another_browser()
    movable.command("account", "unlock", person.email)
    api.sign_in(person.email).expect(200)
    there = Authenticator(secret_of(person), movable.clock)
    api.give_code(there.code()).expect(200, 401)
    movable.move_clock(0)
    api.sign_in(person.email).expect(200)
    if api.give_code(person.code()).expect(200, 401).status == 401:
        assert person.recovery_code is not None
        person.recovery_code = api.give_recovery_code(person.recovery_code).expect(200)["recovery_code"]
        assert movable.command("account", "unlock", person.email).returncode == 0
        api.sign_in(person.email).expect(200)
        api.give_code(next_code_of(person)).expect(200)


@pytest.mark.parametrize("name", ["1970", "2039"])
def test_service_starts_with_any_system_time(name: str, movable: Service, person: Person) -> None:
    """With a reset clock, nothing answers 500, and the owner can sign in with the recovery code (M10)."""
    jump(movable, name)
    movable.restart()
    api = person.another_browser()
    api.sign_in(person.email).expect(200)
    assert person.recovery_code is not None
    api.give_recovery_code(person.recovery_code).expect(200)
    api.session().expect(200)
    movable.move_clock(0)
    movable.restart()


# ------------------------------------------------------------------ steps


def gathered(service: Service, person: Person) -> TimedItems:
    """Return a new unlocked session, trusted computer, half-open sign-in, link and used code."""
    api, half_open = person.another_browser(), person.another_browser()
    api.sign_in(person.email).expect(200)
    code = Authenticator.code(person.authenticator) if person.authenticator else ""
    api.give_code(code, trust_this_computer=True).expect(200)
    half_open.sign_in(person.email).expect(200)
    return timed_items(service, person, api, half_open, code)


def recovered(service: Service, person: Person) -> TimedItems:
    """Return the same at the current time of the service, with the recovery code if the app's codes are refused."""
    api, half_open = person.another_browser(), person.another_browser()
    api.sign_in(person.email).expect(200)
    code = Authenticator(secret_of(person), service.clock).code()
    if api.give_code(code, trust_this_computer=True).expect(200, 401).status == 401:
        assert person.recovery_code is not None
        person.recovery_code = api.give_recovery_code(person.recovery_code).expect(200)["recovery_code"]
    half_open.sign_in(person.email).expect(200)
    return timed_items(service, person, api, half_open, code)


def timed_items(service: Service, person: Person, api: Api, half_open: Api, code: str) -> TimedItems:
    """Return the items of these browsers, and a link from the operator."""
    token = link(service, "reset-password", person.email)
    return TimedItems(api.token or "", api.computer_token or "", half_open.sign_in_token or "", token, code)


def check_no_longer_than_documented(service: Service, person: Person, held: TimedItems) -> None:
    """Check that everything that is still valid ends within its documented time."""
    api = person.another_browser()
    api.token = held.session
    session = api.session().expect(200, 401)
    if session.status == 200:
        assert seconds_left(service, session, "expires_at") <= SESSION + SLACK
        assert session["unlocked_until"] is None or seconds_left(service, session, "unlocked_until") <= UNLOCKED + SLACK
        for computer in api.trusted_computers()["items"]:
            assert ends_in(service, computer["expires_at"]) <= TRUST + SLACK
    else:
        session.refused(401, "not_signed_in")
    api.token, api.computer_token = None, held.computer
    answer = api.sign_in(person.email).expect(200)
    if answer["status"] == "signed_in":
        mine = api.trusted_computers().expect(200)["items"]
        assert any(ends_in(service, computer["expires_at"]) <= TRUST + SLACK for computer in mine), str(mine)
    api.sign_in_token = held.sign_in
    assert api.give_code(held.code).status in (401, 410)
    stranger = person.another_browser()
    stranger.sign_in(person.email).expect(200)
    stranger.give_code(held.code).expect(401)
    FormBrowser(service.url).get(f"/reset-password/{held.link}").expect(200, 404)


def check_pages(service: Service, held: TimedItems) -> None:
    """Check that every page still works, signed in or not."""
    for session in (None, held.session):
        browser = FormBrowser(service.url, session=session)
        for path in ("/", "/sign-in", "/sign-up", "/settings", "/settings/activity", "/authenticate", "/readyz"):
            assert browser.get(path).status < 500, path


def fail_with_passwords(person: Person) -> None:
    """Enter wrong passwords until there is a wait."""
    stranger = person.another_browser()
    answers = [stranger.sign_in(person.email, "not the password").status for _ in range(7)]
    assert answers[-1] == 429, answers


def next_code_of(person: Person) -> str:
    """Return the next code, since `account unlock` only clears steps in the future."""
    assert person.authenticator is not None
    return person.authenticator.code_of_step(1)


def secret_of(person: Person) -> str:
    """Return the secret of the person's authenticator."""
    assert person.authenticator is not None
    return person.authenticator.secret


def seconds_left(service: Service, answer: Answer, name: str) -> float:
    """Return the seconds until a time in a response, by the clock of the service."""
    return ends_in(service, answer[name])


def ends_in(service: Service, at: str) -> float:
    """Return the seconds until a time (RFC 3339), by the service's clock."""
    return datetime.fromisoformat(at).timestamp() - service.clock()
