"""The limits as they are shipped: what a guesser can try, and what nobody can do to somebody else."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.clients import PASSWORD, Answer
from tests.conftest import DATABASES, new_database
from tests.forms import FormBrowser
from tests.openapi import CheckedApi
from tests.residents import DAY, HOUR, Resident, pass_time, protected, resident
from tests.service import Service
from tests.shifted import ShiftedService

MINUTE = 60
WRONG = "definitely-not-the-password"


@pytest.fixture(scope="module", params=DATABASES)
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server behind a trusted proxy, every limit as it is shipped, its clock movable."""
    folder = tmp_path_factory.mktemp("shipped")
    database_url = new_database(request.param, request, folder)
    settings = {"trusted_proxies": "127.0.0.1/32"}
    service = ShiftedService(folder, database_url=database_url, settings=settings)
    del service.settings["limit_source"], service.settings["limit_sign_ups"]
    with service as running:
        yield running


class Addresses:
    """Addresses that no test has used before, as the proxy tells them."""

    def __init__(self) -> None:
        self.given = 0

    def next(self) -> dict[str, str]:
        """A header with a new IPv4 address."""
        self.given += 1
        return {"X-Forwarded-For": f"10.{self.given >> 16 & 255}.{self.given >> 8 & 255}.{self.given & 255}"}


addresses = Addresses()


def at_home(service: Service, headers: dict[str, str] | None = None) -> CheckedApi:
    """A client at an address of its own."""
    return CheckedApi(service.url, headers=headers or addresses.next())


def newcomer(service: Service) -> Resident:
    """A new person at an address of their own."""
    person = Resident(service)
    person.api = at_home(service)
    person.api.sign_up(person.email).must(201)
    person.sign_in()
    return person


def with_app(service: Service) -> Resident:
    """A new person with an authenticator, at an address of their own."""
    person = newcomer(service)
    person.enable_totp()
    return person


def wait_of(answer: Answer) -> int:
    """The seconds that a refusal asks to wait, which `retry_at` says too."""
    answer.refused(429, "too_many_attempts")
    datetime.strptime(answer["retry_at"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - only its shape matters
    return int(answer.headers["retry-after"])


def half_open(person: Resident) -> CheckedApi:
    """A client between password and code, at an address of its own."""
    return person.half_open(at_home(person.service))


def guess(person: Resident, most: int) -> int:
    """Wrong codes over fresh sign-ins until the limit says no; how many were compared."""
    compared, client, wrong = 0, half_open(person), person.wrong_code()
    while compared < most:
        answer = client.give_code(wrong)
        if answer.status == 410:
            client = half_open(person)
        elif answer.status == 429:
            break
        else:
            answer.refused(401, "wrong_code")
            compared += 1
    return compared


# ------------------------------------------------------------------ codes


def test_wrong_codes_are_limited_by_minutes_hours_and_days(shipped: Service) -> None:
    """5 in 5 minutes, 20 in an hour, 50 in a day, over however many sign-ins; then a right code is refused too."""
    person = with_app(shipped)
    counted = []
    for _ in range(4):
        counted.append(guess(person, 10))
        wait = wait_of(half_open(person).give_code(person.code()))
        pass_time(shipped, 5 * MINUTE + 1)
    assert counted == [5, 5, 5, 5]
    assert 4 * MINUTE < wait <= HOUR
    assert wait_of(half_open(person).give_code(person.code())) > 30 * MINUTE
    pass_time(shipped, HOUR)
    for _ in range(6):
        counted.append(guess(person, 10))
        pass_time(shipped, 16 * MINUTE)
    assert sum(counted) == 50
    pass_time(shipped, HOUR)
    assert wait_of(half_open(person).give_code(person.code())) > 20 * HOUR
    pass_time(shipped, DAY)
    half_open(person).give_code(person.code()).must(200)


def test_the_limit_holds_again_after_its_window_has_passed(shipped: Service) -> None:
    """A second series is counted like the first: a window that has passed leaves no hole."""
    person = with_app(shipped)
    for _ in range(3):
        assert guess(person, 20) == 5
        pass_time(shipped, 5 * MINUTE + 1)
    half_open(person).give_code(person.code()).must(200)


def test_a_right_password_does_not_clear_wrong_codes(shipped: Service) -> None:
    """One wrong code after each right password: the sixth is not compared."""
    person = with_app(shipped)
    wrong = person.wrong_code()
    left = [half_open(person).give_code(wrong)["attempts_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    wait_of(half_open(person).give_code(wrong))


def test_all_doors_and_methods_share_one_count(shipped: Service) -> None:
    """Codes and recovery codes, at the sign-in and to unlock, are five together."""
    person = with_app(shipped)
    wrong, no_code = person.wrong_code(), "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"
    half_open(person).give_code(wrong).refused(401, "wrong_code")
    half_open(person).give_recovery_code(no_code).refused(401, "wrong_code")
    person.api.unlock(code=wrong).refused(401, "wrong_code")
    person.api.unlock(recovery_code=no_code).refused(401, "wrong_code")
    assert half_open(person).give_code(wrong).refused(401, "wrong_code")["attempts_left"] == 0
    recovery_code = person.recovery_code or ""
    wait_of(person.api.unlock(code=person.code()))
    wait_of(person.api.unlock(recovery_code=recovery_code))
    wait_of(half_open(person).give_recovery_code(recovery_code))
    pass_time(shipped, 5 * MINUTE + 1)
    half_open(person).give_recovery_code(recovery_code).must(200)


def test_used_and_late_codes_count_as_wrong_ones(shipped: Service) -> None:
    """Whatever is told of a refused code, it is one failure."""
    person = with_app(shipped)
    used = person.code()
    half_open(person).give_code(used).must(200)
    assert half_open(person).give_code(used).refused(401, "code_already_used")["attempts_left"] == 4
    assert person.authenticator is not None
    late = person.authenticator.code_of_step(-6)
    assert half_open(person).give_code(late).refused(401, "clock_off")["attempts_left"] == 3


def test_five_wrong_codes_end_a_sign_in(shipped: Service) -> None:
    """The sign-in says how many tries are left in it; after the fifth the password comes first again."""
    person = with_app(shipped)
    client, wrong = half_open(person), person.wrong_code()
    assert [client.give_code(wrong)["attempts_left"] for _ in range(5)] == [4, 3, 2, 1, 0]
    client.give_code(person.code()).refused(410, "sign_in_expired")


def test_codes_of_one_account_do_not_close_another(shipped: Service) -> None:
    """The count belongs to the account."""
    one, other = with_app(shipped), with_app(shipped)
    guess(one, 10)
    half_open(other).give_code(other.code()).must(200)


def test_an_operator_lifts_the_limit_at_once(shipped: Service) -> None:
    """`account unlock` lets the right code in again."""
    person = with_app(shipped)
    guess(person, 10)
    wait_of(half_open(person).give_code(person.code()))
    assert shipped.command("account", "unlock", person.email).returncode == 0
    half_open(person).give_code(person.code()).must(200)


# ------------------------------------------------------------------ in a row


@pytest.fixture(scope="module", params=DATABASES)
def strict(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server that closes second factors after three wrong codes in a row."""
    folder = tmp_path_factory.mktemp("strict")
    database_url = new_database(request.param, request, folder)
    settings = {"limit_codes_in_a_row": "3"}
    with ShiftedService(folder, database_url=database_url, settings=settings) as running:
        yield running


def closed(service: Service) -> Resident:
    """Somebody whose second factor is closed by wrong codes in a row."""
    person = protected(service)
    client, wrong = person.half_open(), person.wrong_code()
    for _ in range(3):
        client.give_code(wrong).refused(401, "wrong_code")
    return person


def test_after_too_many_in_a_row_no_code_is_taken(strict: Service) -> None:
    """No wait helps, and unlocking is closed too; the refusal names the two ways that are left."""
    person = closed(strict)
    pass_time(strict, 10 * MINUTE)
    refused = person.half_open().give_code(person.code()).refused(429, "too_many_attempts")
    assert "recovery code" in refused["detail"]
    assert "administrator" in refused["detail"]
    person.api.unlock(code=person.code()).refused(429, "too_many_attempts")
    pass_time(strict, 2 * DAY)
    person.half_open().give_code(person.code()).refused(429, "too_many_attempts")


def test_the_recovery_code_opens_what_is_closed(strict: Service) -> None:
    """It lets its owner in, and codes count from nothing again."""
    person = closed(strict)
    person.half_open().give_recovery_code(person.recovery_code or "").must(200)
    person.half_open().give_code(person.code()).must(200)


def test_an_operator_opens_what_is_closed(strict: Service) -> None:
    """`account unlock` is the other way."""
    person = closed(strict)
    assert strict.command("account", "unlock", person.email).returncode == 0
    person.half_open().give_code(person.code()).must(200)


def test_a_right_code_ends_the_row(strict: Service) -> None:
    """Two wrong, one right, two wrong, one right: the row begins anew each time."""
    person = protected(strict)
    for _ in range(2):
        client, wrong = person.half_open(), person.wrong_code()
        for _ in range(2):
            client.give_code(wrong).refused(401, "wrong_code")
        client.give_code(person.code()).must(200)


# ------------------------------------------------------------------ passwords


def wrong_password(service: Service, email: str) -> Answer:
    """One wrong password from an address never seen before."""
    return at_home(service).sign_in(email, WRONG)


def test_wrong_passwords_make_the_wait_grow(shipped: Service) -> None:
    """Five are free; then 30 seconds that double to an hour; the right password is refused meanwhile."""
    person = newcomer(shipped)
    for _ in range(5):
        wrong_password(shipped, person.email).refused(401, "wrong_credentials")
    for expected in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        wait = wait_of(at_home(shipped).sign_in(person.email, PASSWORD))
        assert expected - 5 <= wait <= expected
        pass_time(shipped, wait)
        wrong_password(shipped, person.email).refused(401, "wrong_credentials")
    pass_time(shipped, HOUR)
    at_home(shipped).sign_in(person.email, PASSWORD).must(200)
    wrong_password(shipped, person.email).refused(401, "wrong_credentials")


def test_unknown_addresses_wait_like_known_ones(shipped: Service) -> None:
    """Neither the count, nor the wait, nor a word tells whether there is an account."""
    person, nobody = newcomer(shipped), f"nobody-{addresses.given}@example.com"
    answers = [[wrong_password(shipped, email) for _ in range(6)] for email in (person.email, nobody)]
    shown = [[(each.status, each.get("code"), each.get("detail"), len(each.text)) for each in row] for row in answers]
    assert shown[0] == shown[1]
    assert [status for status, *_ in shown[0]] == [401] * 5 + [429]


def test_strangers_cannot_lock_out_a_known_browser(shipped: Service) -> None:
    """Whoever has signed in with a browser before gets in with it, whatever strangers try meanwhile."""
    person = newcomer(shipped)
    browser = FormBrowser(shipped.url)
    browser.http.headers.update(addresses.next())
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")
    for _ in range(6):
        wrong_password(shipped, person.email)
    wait_of(at_home(shipped).sign_in(person.email, PASSWORD))
    del browser.http.cookies["twofold_session"]
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")


def test_a_known_browser_has_a_limit_of_its_own(shipped: Service) -> None:
    """Its wrong passwords are counted too, and do not count against strangers."""
    person = newcomer(shipped)
    browser = FormBrowser(shipped.url)
    browser.http.headers.update(addresses.next())
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")
    del browser.http.cookies["twofold_session"]
    assert [browser.sign_in(person.email, WRONG).status for _ in range(6)] == [401] * 5 + [429]
    at_home(shipped).sign_in(person.email, PASSWORD).must(200)


def test_a_made_up_browser_is_a_stranger(shipped: Service) -> None:
    """A cookie that we did not give, or gave for another account, opens no limit of its own."""
    person, other = newcomer(shipped), newcomer(shipped)
    theirs = FormBrowser(shipped.url)
    theirs.http.headers.update(addresses.next())
    theirs.sign_in(other.email, PASSWORD).goes_to("/settings")
    for _ in range(5):
        wrong_password(shipped, person.email)
    for token in ("x" * 43, theirs.cookies["twofold_browser"]):
        browser = FormBrowser(shipped.url)
        browser.http.headers.update(addresses.next())
        browser.keep("twofold_browser", token)
        browser.sign_in(person.email, PASSWORD).must(429)


def test_sign_in_unlock_and_change_share_the_count_of_passwords(shipped: Service) -> None:
    """A stolen session is no way to try passwords without end."""
    person = newcomer(shipped)
    for _ in range(2):
        wrong_password(shipped, person.email).refused(401, "wrong_credentials")
    for _ in range(2):
        person.api.unlock(WRONG).refused(401, "wrong_credentials")
    person.api.change_password("lantern-meadow-cobalt-17", WRONG).refused(401, "wrong_credentials")
    wait_of(person.api.unlock(PASSWORD))
    wait_of(person.api.change_password("lantern-meadow-cobalt-17"))
    wait_of(at_home(shipped).sign_in(person.email, PASSWORD))


# ------------------------------------------------------------------ addresses


def spray(service: Service, headers: list[dict[str, str]]) -> list[int]:
    """One wrong password for each of as many addresses never tried before, with these headers one after another."""
    return [CheckedApi(service.url, headers=each).sign_in(Resident(service).email, WRONG).status for each in headers]


def test_one_address_has_ten_wrong_attempts(shipped: Service) -> None:
    """10 in 5 minutes whatever the accounts; other addresses go on."""
    here = addresses.next()
    assert spray(shipped, [here] * 12) == [401] * 10 + [429] * 2
    assert spray(shipped, [addresses.next()]) == [401]
    pass_time(shipped, 5 * MINUTE + 1)
    assert spray(shipped, [here]) == [401]


def test_wrong_codes_count_against_the_address_too(shipped: Service) -> None:
    """Codes and passwords are one count per address."""
    here = addresses.next()
    person = with_app(shipped)
    client, wrong = person.half_open(CheckedApi(shipped.url, headers=here)), person.wrong_code()
    for _ in range(4):
        client.give_code(wrong).refused(401, "wrong_code")
    assert spray(shipped, [here] * 7) == [401] * 6 + [429]


def test_an_ipv6_network_counts_as_one(shipped: Service) -> None:
    """A /64 is one customer; the next one is another."""
    inside = [{"X-Forwarded-For": f"2001:db8:1:{addresses.given:x}::{host:x}"} for host in range(1, 13)]
    assert spray(shipped, inside) == [401] * 10 + [429] * 2
    assert spray(shipped, [{"X-Forwarded-For": f"2001:db8:2:{addresses.given:x}::1"}]) == [401]


def test_the_nearest_untrusted_hop_is_the_client(shipped: Service) -> None:
    """What a client writes in front of its own address is ignored: only the proxy's word counts."""
    here = addresses.next()["X-Forwarded-For"]
    made_up = [{"X-Forwarded-For": f"172.16.0.{n}, {here}"} for n in range(12)]
    assert spray(shipped, made_up) == [401] * 10 + [429] * 2


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_strangers_do_not_choose_their_address(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without a trusted proxy a new forwarding header on each try changes nothing, and the log names the peer."""
    service = Service(tmp_path_factory.mktemp("direct"))
    del service.settings["limit_source"]
    with service:
        value = "for=10.0.0.{}" if name == "Forwarded" else "10.0.0.{}"
        assert spray(service, [{name: value.format(n)} for n in range(12)]) == [401] * 10 + [429] * 2
        assert "127.0.0.1" in service.output()


def test_sign_ups_are_limited_by_address(shipped: Service) -> None:
    """60 an hour from one address; another address goes on."""
    client = at_home(shipped)
    statuses = [client.sign_up(f"crowd-{addresses.given}-{n}@example.com").status for n in range(61)]
    assert statuses == [201] * 60 + [429]
    at_home(shipped).sign_up(f"crowd-{addresses.given}-x@example.com").must(201)


# ------------------------------------------------------------------ clocks


def test_a_clock_that_steps_back_locks_nobody_out_for_long(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What was noted under a clock a month ahead is no reason to wait a month: passwords and codes go on."""
    service = ShiftedService(tmp_path_factory.mktemp("stepping"))
    with service:
        service.move_clock(30 * DAY)
        person = protected(service)
        unlucky = resident(service)
        client, wrong = person.half_open(), person.wrong_code()
        for _ in range(5):
            client.give_code(wrong).must(401)
        for _ in range(7):
            CheckedApi(service.url).sign_in(unlucky.email, WRONG)
        service.move_clock(0)
        CheckedApi(service.url).sign_in(unlucky.email, PASSWORD).must(200)
        # The step of the month ahead is remembered and no earlier code is taken: the recovery code still is.
        person.half_open().give_code(person.authenticator.code_of_step(0) if person.authenticator else "").must(401)
        assert service.command("account", "unlock", person.email).returncode == 0
        code = person.authenticator.code_of_step(1) if person.authenticator else ""
        person.half_open().give_code(code).must(200)
