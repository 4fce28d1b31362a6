"""The default limits: how much an attacker can guess, and that no one can lock others out."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD, Answer
from tests.support.forms import FormBrowser
from tests.support.openapi import CheckedApi
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.users import DAY, HOUR, User, new_user, pass_time, protected

MINUTE = 60
WRONG = "definitely-not-the-password"


@pytest.fixture(scope="module", params=DATABASES)
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server behind a trusted proxy, with the default limits and a movable clock."""
    folder = tmp_path_factory.mktemp("shipped")
    database_url = new_database(request.param, request, folder)
    settings = {"trusted_proxies": "127.0.0.1/32"}
    service = ShiftedService(folder, database_url=database_url, settings=settings)
    del service.settings["limit_source"], service.settings["limit_sign_ups"]
    with service as running:
        yield running


class Addresses:
    """Client addresses that no test has used before, in the proxy's header."""

    def __init__(self) -> None:
        self.given = 0

    def next(self) -> dict[str, str]:
        """Return a header with a new IPv4 address."""
        self.given += 1
        return {"X-Forwarded-For": f"10.{self.given >> 16 & 255}.{self.given >> 8 & 255}.{self.given & 255}"}


addresses = Addresses()


def client_elsewhere(service: Service, headers: dict[str, str] | None = None) -> CheckedApi:
    """Return a client with a new IP address."""
    return CheckedApi(service.url, headers=headers or addresses.next())


def newcomer(service: Service) -> User:
    """Return a new person with a new IP address."""
    person = User(service)
    person.api = client_elsewhere(service)
    person.api.sign_up(person.email).expect(201)
    person.sign_in()
    return person


def with_app(service: Service) -> User:
    """Return a new person with an authenticator and a new IP address."""
    person = newcomer(service)
    person.enable_totp()
    return person


def wait_of(answer: Answer) -> int:
    """Return the seconds of a refusal's Retry-After, and check that `retry_at` agrees."""
    answer.refused(429, "too_many_attempts")
    datetime.strptime(answer["retry_at"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - only its shape matters
    return int(answer.headers["retry-after"])


def half_open(person: User) -> CheckedApi:
    """Return a half-open client with a new IP address."""
    return person.half_open(client_elsewhere(person.service))


def guess(person: User, most: int) -> int:
    """Enter wrong codes in new sign-ins until the limit refuses them, and return how many were compared."""
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
    """The limits are 5 in 5 minutes, 20 an hour and 50 a day over all sign-ins; then a right code is refused, too."""
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
    half_open(person).give_code(person.code()).expect(200)


def test_limit_on_codes_applies_again_after_its_window(shipped: Service) -> None:
    """A second series is counted like the first after the window has passed."""
    person = with_app(shipped)
    for _ in range(3):
        assert guess(person, 20) == 5
        pass_time(shipped, 5 * MINUTE + 1)
    half_open(person).give_code(person.code()).expect(200)


def test_right_password_does_not_clear_wrong_codes(shipped: Service) -> None:
    """With one wrong code after each right password, the sixth is not compared."""
    person = with_app(shipped)
    wrong = person.wrong_code()
    left = [half_open(person).give_code(wrong)["attempts_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    wait_of(half_open(person).give_code(wrong))


def test_sign_in_and_unlock_share_one_count_of_wrong_codes(shipped: Service) -> None:
    """Codes and recovery codes, at sign-in and unlock, share the five attempts."""
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
    half_open(person).give_recovery_code(recovery_code).expect(200)


def test_used_and_late_codes_count_as_wrong_ones(shipped: Service) -> None:
    """Every refused code counts as one failure, for any reason."""
    person = with_app(shipped)
    used = person.code()
    half_open(person).give_code(used).expect(200)
    assert half_open(person).give_code(used).refused(401, "code_already_used")["attempts_left"] == 4
    assert person.authenticator is not None
    late = person.authenticator.code_of_step(-6)
    assert half_open(person).give_code(late).refused(401, "clock_off")["attempts_left"] == 3


def test_five_wrong_codes_end_a_sign_in(shipped: Service) -> None:
    """The sign-in says how many attempts are left; after the fifth, it starts again with the password."""
    person = with_app(shipped)
    client, wrong = half_open(person), person.wrong_code()
    assert [client.give_code(wrong)["attempts_left"] for _ in range(5)] == [4, 3, 2, 1, 0]
    client.give_code(person.code()).refused(410, "sign_in_expired")


def test_wrong_codes_of_one_account_do_not_lock_another(shipped: Service) -> None:
    """Wrong codes are counted per account."""
    one, other = with_app(shipped), with_app(shipped)
    guess(one, 10)
    half_open(other).give_code(other.code()).expect(200)


def test_account_unlock_lifts_the_limit_on_codes(shipped: Service) -> None:
    """After `account unlock`, the right code is accepted again."""
    person = with_app(shipped)
    guess(person, 10)
    wait_of(half_open(person).give_code(person.code()))
    assert shipped.command("account", "unlock", person.email).returncode == 0
    half_open(person).give_code(person.code()).expect(200)


# ------------------------------------------------------------------ in a row


@pytest.fixture(scope="module", params=DATABASES)
def strict(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a server that locks second factors after three wrong codes in a row."""
    folder = tmp_path_factory.mktemp("strict")
    database_url = new_database(request.param, request, folder)
    settings = {"limit_codes_in_a_row": "3"}
    with ShiftedService(folder, database_url=database_url, settings=settings) as running:
        yield running


def closed(service: Service) -> User:
    """Return a person whose second factor is locked by wrong codes in a row."""
    person = protected(service)
    client, wrong = person.half_open(), person.wrong_code()
    for _ in range(3):
        client.give_code(wrong).refused(401, "wrong_code")
    return person


def test_no_code_is_accepted_after_too_many_wrong_ones_in_a_row(strict: Service) -> None:
    """Waiting does not help, and unlocking is locked too; the refusal names the two remaining ways."""
    person = closed(strict)
    pass_time(strict, 10 * MINUTE)
    refused = person.half_open().give_code(person.code()).refused(429, "too_many_attempts")
    assert "recovery code" in refused["detail"]
    assert "administrator" in refused["detail"]
    person.api.unlock(code=person.code()).refused(429, "too_many_attempts")
    pass_time(strict, 2 * DAY)
    person.half_open().give_code(person.code()).refused(429, "too_many_attempts")


def test_recovery_code_unlocks_second_factors(strict: Service) -> None:
    """It signs its owner in, and resets the count of wrong codes."""
    person = closed(strict)
    person.half_open().give_recovery_code(person.recovery_code or "").expect(200)
    person.half_open().give_code(person.code()).expect(200)


def test_account_unlock_unlocks_second_factors(strict: Service) -> None:
    """After `account unlock`, the right code is accepted again."""
    person = closed(strict)
    assert strict.command("account", "unlock", person.email).returncode == 0
    person.half_open().give_code(person.code()).expect(200)


def test_right_code_resets_the_count_in_a_row(strict: Service) -> None:
    """After two wrong codes, a right one, and two more wrong ones, a right code is still accepted."""
    person = protected(strict)
    for _ in range(2):
        client, wrong = person.half_open(), person.wrong_code()
        for _ in range(2):
            client.give_code(wrong).refused(401, "wrong_code")
        client.give_code(person.code()).expect(200)


# ------------------------------------------------------------------ passwords


def wrong_password(service: Service, email: str) -> Answer:
    """Return the answer to a wrong password from an address never seen before."""
    return client_elsewhere(service).sign_in(email, WRONG)


def test_wait_doubles_with_each_wrong_password(shipped: Service) -> None:
    """Five attempts are free, then the wait doubles from 30 seconds to an hour; no password is accepted in it."""
    person = newcomer(shipped)
    for _ in range(5):
        wrong_password(shipped, person.email).refused(401, "wrong_credentials")
    for expected in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        wait = wait_of(client_elsewhere(shipped).sign_in(person.email, PASSWORD))
        assert expected - 5 <= wait <= expected
        pass_time(shipped, wait)
        wrong_password(shipped, person.email).refused(401, "wrong_credentials")
    pass_time(shipped, HOUR)
    client_elsewhere(shipped).sign_in(person.email, PASSWORD).expect(200)
    wrong_password(shipped, person.email).refused(401, "wrong_credentials")


def test_unknown_addresses_wait_like_known_ones(shipped: Service) -> None:
    """Neither the count, the wait nor the text reveals whether the account exists."""
    person, nobody = newcomer(shipped), f"nobody-{addresses.given}@example.com"
    answers = [[wrong_password(shipped, email) for _ in range(6)] for email in (person.email, nobody)]
    shown = [[(each.status, each.get("code"), each.get("detail"), len(each.text)) for each in row] for row in answers]
    assert shown[0] == shown[1]
    assert [status for status, *_ in shown[0]] == [401] * 5 + [429]


def test_unknown_clients_cannot_lock_out_a_known_browser(shipped: Service) -> None:
    """A browser that has signed in before can sign in despite the attempts of unknown clients."""
    person = newcomer(shipped)
    browser = FormBrowser(shipped.url)
    browser.http.headers.update(addresses.next())
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")
    for _ in range(6):
        wrong_password(shipped, person.email)
    wait_of(client_elsewhere(shipped).sign_in(person.email, PASSWORD))
    browser.forget("twofold_session")
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")


def test_known_browser_has_its_own_limit(shipped: Service) -> None:
    """Its wrong passwords are counted separately from those of unknown clients."""
    person = newcomer(shipped)
    browser = FormBrowser(shipped.url)
    browser.http.headers.update(addresses.next())
    browser.sign_in(person.email, PASSWORD).goes_to("/settings")
    browser.forget("twofold_session")
    assert [browser.sign_in(person.email, WRONG).status for _ in range(6)] == [401] * 5 + [429]
    client_elsewhere(shipped).sign_in(person.email, PASSWORD).expect(200)


def test_forged_browser_cookie_has_no_limit_of_its_own(shipped: Service) -> None:
    """A forged cookie, or one of another account, does not get a limit of its own."""
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
        browser.sign_in(person.email, PASSWORD).expect(429)


def test_sign_in_unlock_and_change_share_the_count_of_wrong_passwords(shipped: Service) -> None:
    """A stolen session does not allow unlimited password guesses."""
    person = newcomer(shipped)
    for _ in range(2):
        wrong_password(shipped, person.email).refused(401, "wrong_credentials")
    for _ in range(2):
        person.api.unlock(WRONG).refused(401, "wrong_credentials")
    person.api.change_password("lantern-meadow-cobalt-17", WRONG).refused(401, "wrong_credentials")
    wait_of(person.api.unlock(PASSWORD))
    wait_of(person.api.change_password("lantern-meadow-cobalt-17"))
    wait_of(client_elsewhere(shipped).sign_in(person.email, PASSWORD))


# ------------------------------------------------------------------ addresses


def spray(service: Service, headers: list[dict[str, str]]) -> list[int]:
    """Return the statuses of wrong passwords for addresses never tried before, one for each of these headers."""
    return [CheckedApi(service.url, headers=each).sign_in(User(service).email, WRONG).status for each in headers]


def test_one_address_has_ten_wrong_attempts(shipped: Service) -> None:
    """The limit is 10 in 5 minutes over all accounts; other addresses are not affected."""
    here = addresses.next()
    assert spray(shipped, [here] * 12) == [401] * 10 + [429] * 2
    assert spray(shipped, [addresses.next()]) == [401]
    pass_time(shipped, 5 * MINUTE + 1)
    assert spray(shipped, [here]) == [401]


def test_wrong_codes_count_against_the_address(shipped: Service) -> None:
    """Codes and passwords share one count per address."""
    here = addresses.next()
    person = with_app(shipped)
    client, wrong = person.half_open(CheckedApi(shipped.url, headers=here)), person.wrong_code()
    for _ in range(4):
        client.give_code(wrong).refused(401, "wrong_code")
    assert spray(shipped, [here] * 7) == [401] * 6 + [429]


def test_ipv6_network_counts_as_one_client(shipped: Service) -> None:
    """A /64 network counts as one client, and the next one as another."""
    inside = [{"X-Forwarded-For": f"2001:db8:1:{addresses.given:x}::{host:x}"} for host in range(1, 13)]
    assert spray(shipped, inside) == [401] * 10 + [429] * 2
    assert spray(shipped, [{"X-Forwarded-For": f"2001:db8:2:{addresses.given:x}::1"}]) == [401]


def test_nearest_untrusted_hop_is_the_client(shipped: Service) -> None:
    """Addresses that a client puts before its own are ignored."""
    here = addresses.next()["X-Forwarded-For"]
    made_up = [{"X-Forwarded-For": f"172.16.0.{n}, {here}"} for n in range(12)]
    assert spray(shipped, made_up) == [401] * 10 + [429] * 2


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_forwarding_header_of_an_untrusted_peer_is_ignored(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without a trusted proxy, a new forwarding header on each try changes nothing, and the log names the peer."""
    service = Service(tmp_path_factory.mktemp("direct"))
    del service.settings["limit_source"]
    with service:
        value = "for=10.0.0.{}" if name == "Forwarded" else "10.0.0.{}"
        assert spray(service, [{name: value.format(n)} for n in range(12)]) == [401] * 10 + [429] * 2
        assert "127.0.0.1" in service.output()


def test_sign_ups_are_limited_per_address(shipped: Service) -> None:
    """The limit is 60 an hour from one address; other addresses are not affected."""
    client = client_elsewhere(shipped)
    statuses = [client.sign_up(f"crowd-{addresses.given}-{n}@example.com").status for n in range(61)]
    assert statuses == [201] * 60 + [429]
    client_elsewhere(shipped).sign_up(f"crowd-{addresses.given}-x@example.com").expect(201)


# ------------------------------------------------------------------ clocks


def test_clock_set_back_does_not_lock_users_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Failures recorded under a clock a month ahead do not lock anyone out for a month."""
    service = ShiftedService(tmp_path_factory.mktemp("stepping"))
    with service:
        service.move_clock(30 * DAY)
        person = protected(service)
        unlucky = new_user(service)
        client, wrong = person.half_open(), person.wrong_code()
        for _ in range(5):
            client.give_code(wrong).expect(401)
        for _ in range(7):
            CheckedApi(service.url).sign_in(unlucky.email, WRONG)
        service.move_clock(0)
        CheckedApi(service.url).sign_in(unlucky.email, PASSWORD).expect(200)
        # Codes before the remembered step of the month ahead are refused, but the recovery code works.
        person.half_open().give_code(person.authenticator.code_of_step(0) if person.authenticator else "").expect(401)
        assert service.command("account", "unlock", person.email).returncode == 0
        code = person.authenticator.code_of_step(1) if person.authenticator else ""
        person.half_open().give_code(code).expect(200)
